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

"""The training loop, the same for every network."""

from __future__ import annotations

import csv
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.networks import NETWORKS
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.training.batches import draw_batch, endless_batches, moved
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.curves import draw_curves
from av_tracker_nodes.research.training.pretrained import load_pretrained
from av_tracker_nodes.research.training.schedule import Schedule
from av_tracker_nodes.research.training.tasks import TASKS

CHECKPOINT, CURVES, SUMMARY, INSIDE = (
    'checkpoint.pt',
    'curves.csv',
    'training.json',
    'inside.png',
)


class Trainer:
    """Trains a network on clips, and goes on where it was stopped.

    Parameters
    ----------
    name : str
        Of the network.
    training, validation : sequence of Clip
    out : Path
        Folder of the checkpoint, the learning curves and a summary.
    schedule : Schedule
    options : dict, optional
        Of the objective.
    workers : int
        Processes that make batches.
    network : dict, optional
        Options of the network; numbers and flags.
    pretrained : Path, optional
        Weights to start from; see `pretrained.load_pretrained`.

    Raises
    ------
    InputError
        The folder holds a training of another kind, the network has no such option, or the
        weights do not fit.
    """

    def __init__(
        self,
        name: str,
        training: list[Clip],
        validation: list[Clip],
        out: Path,
        schedule: Schedule,
        options: dict | None = None,
        workers: int = 1,
        network: dict | None = None,
        pretrained: Path | None = None,
    ) -> None:
        torch.manual_seed(schedule.seed)
        self._out, self._schedule, self._workers = out, schedule, workers
        self._device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        self._spec = NETWORKS[name]
        try:
            self.network = self._spec.network(**(network or {}))
        except TypeError as error:
            raise InputError(f'{name}: {error}') from error
        # Convolutions are a quarter faster so.
        self.network.to(self._device, memory_format=torch.channels_last)
        self.objective = self._spec.objective(**(options or {})).to(self._device)
        self._kind = {
            'network': name,
            'options': repr(options or {}),
            'network_options': network or {},
            **asdict(schedule),
        }
        if pretrained is not None:
            self._kind['pretrained'] = pretrained.name
        groups = [*self.network.parameters(), *self.objective.parameters()]
        self._optimiser = torch.optim.AdamW(
            groups, schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self._task = TASKS[self._spec.task]
        self._train = self._task.source(training, schedule, True)
        self._validate = self._task.source(validation, schedule, False)
        self._seconds, self._steps, self._checked = 0.0, 0, 0
        self._curves: list[dict[str, float]] = []
        if (out / CHECKPOINT).exists():
            self._resume()
        elif pretrained is not None:
            load_pretrained(self.network, pretrained)

    def run(self, progress: Progress | None = None) -> dict[str, float]:
        """Train to the end.

        Parameters
        ----------
        progress : callable or None
            Called with the share done and a text after every batch.

        Returns
        -------
        dict
            Scores on the validation clips.
        """
        report = progress or (lambda share, text: None)
        means: dict[str, list[float]] = defaultdict(list)
        seed = self._schedule.seed + 7919 * self._steps
        size, workers = self._schedule.images, self._workers
        batches = endless_batches(self._task, self._train, size, seed, workers)
        self.network.train()
        began = time.monotonic()
        while self._share < 1:
            losses = self._step(moved(next(batches), self._device))
            for key, loss in losses.items():
                means[key].append(loss)
            now = time.monotonic()
            self._seconds, began = self._seconds + now - began, now
            report(self._share, f'loss {sum(losses.values()):.2f}')
            if self._share >= (self._checked + 1) / self._schedule.checks:
                self._check({key: float(np.mean(values)) for key, values in means.items()})
                means.clear()
                began = time.monotonic()
        return self._summarise()

    @property
    def _share(self) -> float:
        if self._schedule.steps is not None:
            return min(self._steps / self._schedule.steps, 1.0)
        return min(self._seconds / (60 * self._schedule.minutes), 1.0)

    def _step(self, batch: Any) -> dict[str, float]:
        for group in self._optimiser.param_groups:
            group['lr'] = self._schedule.learning_rate * _rate(self._share, self._schedule.warm_up)
        losses = self.objective(self.network, batch)
        self._optimiser.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self._steps += 1
        return {key: loss.item() for key, loss in losses.items()}

    def _check(self, training: dict[str, float]) -> None:
        """Validate, and save."""
        self._checked += 1
        row = {'minutes': self._seconds / 60, 'steps': self._steps}
        row |= {f'training_{key}': value for key, value in training.items()}
        row |= self.validate()
        self._curves.append(row)
        self._save()

    @torch.no_grad()
    def validate(self, stride: int = 4) -> dict[str, float]:
        """Score the network on every `stride`-th image of the validation clips."""
        self.network.eval()
        scores = _mean([self._score(batch) for batch in self._validation_batches(stride)])
        self.network.train()
        return scores

    def ranked_thresholds(self) -> dict[str, float]:
        """Thresholds that fit how sure the network is on validation clips; see `tasks.Task`."""
        if self._task.ranked is None:
            return {}
        self.network.eval()
        return self._task.ranked(self.network, self._validation_batches())

    def _validation_batches(self, stride: int = 4) -> Iterator[Any]:
        rng = np.random.default_rng(0)
        numbers = np.arange(0, len(self._validate), stride)
        for chunk in np.array_split(numbers, max(len(numbers) // self._schedule.images, 1)):
            yield moved(draw_batch(self._task, self._validate, chunk, rng), self._device)

    def _score(self, batch: Any) -> dict[str, float]:
        losses = self.objective(self.network, batch)
        scores = {f'validation_{key}': loss.item() for key, loss in losses.items()}
        return scores | self._spec.scores(self.network, batch)

    def _save(self) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        state = {
            'kind': json.dumps(self._kind),
            'network': self.network.state_dict(),
            'objective': self.objective.state_dict(),
            'optimiser': self._optimiser.state_dict(),
            'seconds': self._seconds,
            'steps': self._steps,
            'checked': self._checked,
            'curves': json.dumps(self._curves),
        }
        fresh = self._out / f'{CHECKPOINT}.new'
        torch.save(state, fresh)
        fresh.replace(self._out / CHECKPOINT)
        keys = sorted({key for row in self._curves for key in row})
        with (self._out / CURVES).open('w', newline='') as file:
            writer = csv.DictWriter(file, keys)
            writer.writeheader()
            writer.writerows(self._curves)

    def _resume(self) -> None:
        state = torch.load(self._out / CHECKPOINT, map_location=self._device, weights_only=True)
        if json.loads(state['kind']) != self._kind:
            raise InputError(
                f'{self._out} holds a training of another kind: choose another folder, or '
                'delete it'
            )
        self.network.load_state_dict(state['network'])
        self.objective.load_state_dict(state['objective'])
        self._optimiser.load_state_dict(state['optimiser'])
        self._seconds, self._steps = state['seconds'], state['steps']
        self._checked, self._curves = state['checked'], json.loads(state['curves'])

    def _summarise(self) -> dict[str, float]:
        scores = {key: round(value, 4) for key, value in self._curves[-1].items()}
        summary = {
            **self._kind,
            'device': self._device.type,
            'threads': torch.get_num_threads(),
            'training_images': len(self._train),
            'validation_images': len(self._validate),
            'scores': scores,
        }
        write_json(self._out / SUMMARY, summary)
        draw_curves(self._curves, self._out / 'curves.png')
        if self._spec.draw is not None:
            self._draw_inside()
        return scores

    def _draw_inside(self) -> None:
        """Draw what can be seen of the inside of the network, on validation images."""
        numbers = np.linspace(0, len(self._validate) - 1, self._schedule.images).astype(int)
        batch = draw_batch(self._task, self._validate, numbers, np.random.default_rng(0))
        self._spec.draw(
            self.network.eval(),
            self.objective.eval(),
            moved(batch, self._device),
            self._out / INSIDE,
        )


def _rate(share: float, warm_up: float) -> float:
    """Learning rate relative to the highest: up in a line, down along half a cosine."""
    if share < warm_up:
        return 0.02 + 0.98 * share / warm_up
    return 0.5 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up)))


def _mean(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Average each key over the rows that have it."""
    columns: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for key, value in row.items():
            if np.isfinite(value):
                columns[key].append(value)
    return {key: float(np.mean(values)) for key, values in columns.items()}
