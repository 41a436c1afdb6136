# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A trained network in ONNX Runtime, run on as many rows as there are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models.zoo import open_model

Thresholds = TypeVar('Thresholds')

BATCHES = (4, 8)
"""Numbers of rows that a network is run on: few shapes keep the memory flat."""


class NetworkSession:
    """Runs a network on batches of fixed sizes.

    Parameters
    ----------
    model : Path
        ONNX file as `av-tracker export` writes it.
    providers : sequence
        Execution providers of ONNX Runtime, best first; see `models.zoo.execution_providers`.
    output : str
        Which output is asked for, with a row of numbers for each row of input.

    Attributes
    ----------
    facts : dict of str to str
        What the file says of itself.
    megabytes : float
        Size of the file.

    Raises
    ------
    InputError
        The file is missing or is another network.
    """

    def __init__(
        self,
        model: Path,
        providers: Sequence[object] = ('CPUExecutionProvider',),
        output: str = 'prediction',
    ) -> None:
        self._session = open_model(model, 'fusion network', (output,), providers)
        self.megabytes = model.stat().st_size / 1e6
        self._output = output
        outputs = {each.name: each for each in self._session.get_outputs()}
        self._width = outputs[output].shape[-1] if outputs[output].shape else None
        self._model = model
        if not isinstance(self._width, int):
            raise InputError(f'fusion network {model}: output {output} has no width')
        self._inputs = {each.name: each.shape for each in self._session.get_inputs()}
        self.facts = self._session.get_modelmeta().custom_metadata_map

    @property
    def device(self) -> str:
        """Execution provider that ONNX Runtime really uses."""
        return self._session.get_providers()[0]

    def thresholds(self, kind: type[Thresholds]) -> Thresholds:
        """Read the thresholds that the file says; those that it does not have their defaults.

        Parameters
        ----------
        kind : type
            A dataclass of positive numbers, ``speaking``, a probability, among them.

        Raises
        ------
        InputError
            They are others, or no such numbers.
        """
        try:
            told = json.loads(self.facts.get('thresholds', '{}'))
            found = kind(**{name: float(value) for name, value in told.items()})
        # Nested too deeply is no error of JSON.
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise InputError(f'fusion network {self._model}: thresholds: {error}') from error
        values = vars(found)
        if not all(0 < v < math.inf for v in values.values()) or values['speaking'] >= 1:
            raise InputError(f'fusion network {self._model}: its thresholds are none: {values}')
        return found

    def check(self, expected: Mapping[str, tuple[int | None, ...]], width: int) -> None:
        """Refuse a network that another version of this package exported.

        Parameters
        ----------
        expected : mapping of str to tuple
            Names of all inputs, and their shapes less the first axis; None for what is free.
        width : int
            Numbers that it predicts of each row.

        Raises
        ------
        InputError
            It takes other inputs, or predicts something else.
        """
        if self._width != width:
            raise InputError(
                f'fusion network {self._model} is of another version: it predicts {self._width} '
                f'numbers, here these are {width}; take the one that is shipped'
            )
        for name in sorted({*expected, *self._inputs}):
            given, here = self._inputs.get(name, [None])[1:], expected.get(name)
            fits = here is not None and len(given) == len(here)
            if not fits or any(b not in (a, None) for a, b in zip(given, here, strict=True)):
                raise InputError(
                    f'fusion network {self._model} is of another version: its input {name} is '
                    f'{list(given)}, here it is {list(here or ())}; export it again, or take the '
                    'one that is shipped'
                )

    def run(
        self,
        rows: Mapping[str, np.ndarray],
        shared: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Run the network, at most the largest batch at once.

        Parameters
        ----------
        rows : mapping of str to np.ndarray, shapes (n, ...)
            Inputs that have a row for each candidate or person. A network that mixes rows has an
            input ``valid``, shape (1, batch), which tells it which rows there are.
        shared : mapping of str to np.ndarray
            Inputs that are the same for all.

        Returns
        -------
        np.ndarray, shape (n, m)

        Raises
        ------
        InputError
            It fails, or says something else than finite numbers.
        """
        count, most = len(next(iter(rows.values()))), BATCHES[-1]
        parts = [
            self._run({name: values[i : i + most] for name, values in rows.items()}, shared or {})
            for i in range(0, count, most)
        ]
        return np.concatenate([np.zeros((0, self._width), np.float32), *parts])

    def _run(self, rows: Mapping[str, np.ndarray], shared: Mapping[str, np.ndarray]) -> np.ndarray:
        count = len(next(iter(rows.values())))
        size = next(batch for batch in BATCHES if batch >= count)
        feed = {name: _filled(values, size) for name, values in rows.items()} | dict(shared)
        if 'valid' in self._inputs:
            feed['valid'] = (np.arange(size) < count)[None]
        try:
            (output,) = self._session.run((self._output,), feed)
        except Exception as error:  # the package has no common base class for its errors
            raise InputError(f'fusion network {self._model} fails: {error}') from error
        if output.shape != (size, self._width) or not np.isfinite(output[:count]).all():
            raise InputError(f'fusion network {self._model} does not say finite numbers')
        return output[:count]


def probability(log_odds: np.ndarray) -> np.ndarray:
    """Convert log-odds from a network to probabilities."""
    return 1 / (1 + np.exp(-log_odds))


def _filled(values: np.ndarray, size: int) -> np.ndarray:
    empty = np.zeros((size - len(values), *values.shape[1:]), values.dtype)
    return np.concatenate([values, empty])
