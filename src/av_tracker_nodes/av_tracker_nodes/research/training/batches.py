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

"""Batches without end, made by other processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

if TYPE_CHECKING:
    from av_tracker_nodes.research.training.clip_source import ClipSource
    from av_tracker_nodes.research.training.tasks import Task


class _Endless(IterableDataset):
    """Every image once in a random order, then again."""

    def __init__(self, task: Task, source: ClipSource, size: int, seed: int) -> None:
        self._task, self._source, self._size, self._seed = task, source, size, seed

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        while True:
            order = rng.permutation(len(self._source))
            for chunk in np.array_split(order, max(len(order) // self._size, 1)):
                yield draw_batch(self._task, self._source, chunk, rng)


def draw_batch(
    task: Task, source: ClipSource, numbers: Sequence[int], rng: np.random.Generator
) -> Any:
    """Draw the samples of some images."""
    return task.collate([(source.index[n][0], source.draw(int(n), rng)) for n in numbers])


def endless_batches(
    task: Task, source: ClipSource, size: int, seed: int, workers: int
) -> Iterator[Any]:
    """Yield batches of `size` images without end, made by worker processes or, with 0, here."""
    ahead = 4 if workers else None
    endless = _Endless(task, source, size, seed)
    loader = DataLoader(endless, batch_size=None, num_workers=workers, prefetch_factor=ahead)
    yield from loader


def moved(batch: Any, device: torch.device) -> Any:
    """Move all tensors of a dataclass, and of those in it, to a device."""
    if is_dataclass(batch):
        parts = {part.name: moved(getattr(batch, part.name), device) for part in fields(batch)}
        return type(batch)(**parts)
    return batch.to(device, non_blocking=True)
