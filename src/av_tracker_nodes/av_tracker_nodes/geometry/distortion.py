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

"""Distortion as drivers and calibration files write it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.lens import EQUIDISTANT, PLUMB_BOB, RATIONAL_POLYNOMIAL

_LENGTHS = {PLUMB_BOB: (5,), RATIONAL_POLYNOMIAL: (8, 12), EQUIDISTANT: (4,)}
"""How many coefficients the models have here."""
_MODEL_OF_LENGTH = {
    5: PLUMB_BOB,
    8: RATIONAL_POLYNOMIAL,
    12: RATIONAL_POLYNOMIAL,
    14: RATIONAL_POLYNOMIAL,
}
_OTHER_NAMES = {'fisheye': EQUIDISTANT}
NO_DISTORTION = '', 'none', 'pinhole'
"""Names of no model."""


def canonical_distortion(model: str, terms: Sequence[float]) -> tuple[str, np.ndarray]:
    """Bring distortion to a model and the coefficients of a `Camera`.

    Coefficients that are left out at the end are zeros. Those that follow the last one of a model
    must be.

    Parameters
    ----------
    model : str
        As written: also ``fisheye``, ``none``, or nothing.
    terms : sequence of float

    Returns
    -------
    model : str
    coefficients : np.ndarray

    Raises
    ------
    InputError
        The model is not known, does not fit the coefficients, or cannot be told.
    """
    terms = np.asarray(terms, float)
    name = _name(model.strip().lower(), terms)
    if name not in _LENGTHS:
        raise InputError(
            f"distortion model '{model}' is not supported: calibrate the camera as {PLUMB_BOB}, "
            f'{RATIONAL_POLYNOMIAL} or {EQUIDISTANT}'
        )
    if name == EQUIDISTANT and terms.size < _LENGTHS[EQUIDISTANT][0]:
        raise InputError(f'{name} needs k1, k2, k3 and k4, got {terms.size} coefficients')
    used = np.trim_zeros(terms, 'b').size
    length = next((length for length in _LENGTHS[name] if used <= length), None)
    if length is None:
        raise InputError(_too_many(name, used))
    coefficients = np.zeros(length)
    coefficients[:used] = terms[:used]
    return name, coefficients


def _name(written: str, terms: np.ndarray) -> str:
    """Name of the model, told by the number of coefficients where none is written."""
    if written not in NO_DISTORTION:
        return _OTHER_NAMES.get(written, written)
    if not terms.any():
        return PLUMB_BOB
    if written == '' and terms.size in _MODEL_OF_LENGTH:
        return _MODEL_OF_LENGTH[terms.size]
    raise InputError(
        f"distortion model '{written}' has {terms.size} coefficients that are not zero: name the "
        f'model they are of ({", ".join(_LENGTHS)})'
    )


def _too_many(name: str, used: int) -> str:
    remedy = {
        PLUMB_BOB: f'if they are those of {RATIONAL_POLYNOMIAL}, name that model',
        RATIONAL_POLYNOMIAL: 'calibrate the camera without the model of a tilted sensor',
        EQUIDISTANT: 'calibrate the camera with k1, k2, k3 and k4 alone',
    }
    most = _LENGTHS[name][-1]
    return f'{name} takes {most} coefficients, got {used} that are not all zero: {remedy[name]}'
