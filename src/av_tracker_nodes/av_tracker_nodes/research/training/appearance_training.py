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

"""Trains the network that tells who is who, chooses from when on two views are of one person."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from av_tracker_nodes import AppearanceEncoder, appearance_crops
from av_tracker_nodes.research.evaluation.curves import roc
from av_tracker_nodes.research.networks.appearance import (
    AppearanceNet,
    supervised_contrastive_loss,
)
from av_tracker_nodes.research.progress import Progress, ProgressBar
from av_tracker_nodes.research.training.export import write_onnx
from av_tracker_nodes.research.training.portrait_cameras import PortraitCamera
from av_tracker_nodes.research.training.portraits import (
    Portraits,
    load_portraits,
    make_portraits,
)

OUTFITS = 2
"""Sets of clothes of an identity: each counts as a person."""
PEOPLE, VIEWS, CAMERAS = 32, 4, 4
"""People in a batch, views of each, and cameras, each of which sees its share of the people."""
TEMPERATURE = 0.1
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.02
SAME = 0.95
"""Share of the views of one person that are to be taken for that person."""

_CHECKPOINT, NETWORK = 'checkpoint.pt', 'appearance.onnx'
_WARM_UP = 50


@dataclass(frozen=True)
class Pairs:
    """Likeness, the cosine between embeddings, of a view and the mean of others.

    This is what the tracker compares: who comes back, and who is remembered.

    Attributes
    ----------
    same, different : np.ndarray
        Of one person, and of two whom the same camera sees.
    """

    same: np.ndarray
    different: np.ndarray

    def threshold(self) -> float:
        """Likeness that `SAME` of the views of one person exceed."""
        return float(np.quantile(self.same, 1 - SAME))

    def passed(self, threshold: float) -> tuple[float, float]:
        """Shares of the pairs of one person and of two above a likeness."""
        return float((self.same >= threshold).mean()), float((self.different >= threshold).mean())

    def area_under_roc(self) -> float:
        """Chance that a pair of one person is more alike than a pair of two."""
        is_same = np.repeat([True, False], [len(self.same), len(self.different)])
        return roc(is_same, np.concatenate([self.same, self.different]))[2]


def draw_batch(
    people: Sequence[Portraits],
    rng: np.random.Generator,
    count: int = PEOPLE,
    views: int = VIEWS,
    cameras: int = CAMERAS,
    dyed: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Show some people to some cameras.

    Returns
    -------
    np.ndarray, shape (count, views, 48, 48, 6), uint8
    np.ndarray, shape (count,)
        Which camera sees whom.
    """
    styles = [PortraitCamera.draw(rng) for _ in range(cameras)]
    seen_by = np.arange(count) % cameras
    crops = []
    for index, camera in zip(rng.choice(len(people), count, replace=False), seen_by, strict=True):
        person = people[index]
        size = len(person.boxes)
        dye = _dye(rng) if dyed else np.eye(3)
        other = people[rng.integers(len(people))].picture(0)
        for view in rng.choice(size, views, replace=size < views):
            picture = cv2.transform(person.picture(view), dye)
            seen = styles[camera].see(picture, person.boxes[view], rng, other)
            crops.append(appearance_crops(*seen))
    return np.stack(crops).reshape(count, views, *crops[0].shape), seen_by


def _dye(rng: np.random.Generator) -> np.ndarray:
    """Mix of colours (3, 3) that makes another person of somebody; none for half of the people."""
    if rng.uniform() < 0.5:
        return np.eye(3)
    mix = np.eye(3) + rng.normal(0, 0.35, (3, 3))
    return mix / np.maximum(mix.sum(axis=1, keepdims=True), 0.3) * rng.uniform(0.7, 1.2)


def compare(
    embed: Callable[[np.ndarray], np.ndarray], batches: Sequence[tuple[np.ndarray, np.ndarray]]
) -> Pairs:
    """Compare each view of batches with the mean of the other views of everybody."""
    same, different = [], []
    for crops, seen_by in batches:
        people, views = crops.shape[:2]
        embeddings = embed(crops.reshape(-1, *crops.shape[2:])).reshape(people, views, -1)
        together = seen_by[:, None] == seen_by
        itself = np.eye(people, dtype=bool)
        for view in range(views):
            memory = np.delete(embeddings, view, axis=1).mean(axis=1)
            memory /= np.linalg.norm(memory, axis=1, keepdims=True)
            likeness = memory @ embeddings[:, view].T
            same.append(likeness[itself])
            different.append(likeness[together & ~itself])
    return Pairs(np.concatenate(same), np.concatenate(different))


def run_appearance(
    data: Path, out: Path, identities: int, steps: int, jobs: int | None, progress_bar: ProgressBar
) -> dict[str, object]:
    """Train on people of the training split, choose by others, report on again others.

    Parameters
    ----------
    data : Path
        Folder of the portraits; those that are missing are drawn.
    out : Path
        Folder of the training, where ``appearance.onnx`` is written.
    identities : int
        To learn from; a sixth as many to choose by, and as many again to report on.
    steps : int
        Batches to train on.
    jobs : int or None
        Processes that draw portraits; one a core for None.
    progress_bar : ProgressBar

    Returns
    -------
    dict
        ``likeness``: the threshold, chosen on validation people; of validation and test people
        the shares of pairs of one person and of two that pass it, and the area under the ROC.

    Raises
    ------
    InputError
        The head data are not installed, or a folder cannot be written.
    """
    jobs, people = jobs or len(os.sched_getaffinity(0)), {}
    fewer = max(identities // 6, math.ceil(PEOPLE / OUTFITS))
    for split, first, count in (
        ('training', 0, identities),
        ('validation', 1000, fewer),
        ('test', 2000, fewer),
    ):
        with progress_bar(f'{split} portraits') as advance:
            paths = make_portraits(data, range(first, first + count), OUTFITS, jobs, advance)
        people[split] = [person for path in paths for person in load_portraits(path)]
    training = AppearanceTraining(people['training'], out, steps, seed=0)
    with progress_bar('training') as advance:
        training.run(advance)
    training.export(out / NETWORK)
    encoder = AppearanceEncoder(out / NETWORK)
    pairs = {
        split: compare(encoder.embed_crops, views_of(people[split]))
        for split in ('validation', 'test')
    }
    likeness = pairs['validation'].threshold()
    return {'likeness': round(likeness, 3)} | {
        split: {
            'same_passed': round(each.passed(likeness)[0], 3),
            'different_passed': round(each.passed(likeness)[1], 3),
            'area_under_roc': round(each.area_under_roc(), 4),
        }
        for split, each in pairs.items()
    }


def views_of(people: Sequence[Portraits], count: int = 10) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw batches to compare people by, always the same."""
    rng = np.random.default_rng(5)
    return [draw_batch(people, rng) for _ in range(count)]


class AppearanceTraining:
    """Trains the network, and goes on where it was stopped.

    Parameters
    ----------
    people : sequence of Portraits
    out : Path
        Folder of the checkpoint.
    steps : int
        Batches to train on; the learning rate falls to 0 over them.
    seed : int
    save_every : int
        Batches after which the checkpoint is written anew.
    """

    def __init__(
        self,
        people: Sequence[Portraits],
        out: Path,
        steps: int,
        seed: int,
        save_every: int = 50,
    ) -> None:
        torch.manual_seed(seed)
        self.network = AppearanceNet().to(memory_format=torch.channels_last)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        self._people, self._out, self._steps, self._seed = people, out, steps, seed
        self._done, self._save_every = 0, save_every
        if (out / _CHECKPOINT).exists():
            state = torch.load(out / _CHECKPOINT, weights_only=True)
            self.network.load_state_dict(state['network'])
            self._optimiser.load_state_dict(state['optimiser'])
            self._done = state['steps']

    def run(self, progress: Progress) -> None:
        """Train to the end."""
        self.network.train()
        while self._done < self._steps:
            loss = self._step()
            if self._done % self._save_every == 0:
                self._save()
            progress(self._done / self._steps, f'loss {loss:.2f}')
        self._save()
        self.network.eval()

    def _step(self) -> float:
        rng = np.random.default_rng([self._seed, self._done])
        crops, _ = draw_batch(self._people, rng, dyed=True)
        who = torch.arange(len(crops)).repeat_interleave(crops.shape[1])
        embeddings = self.network(torch.from_numpy(crops).flatten(0, 1))
        loss = supervised_contrastive_loss(embeddings, who, TEMPERATURE)
        for group in self._optimiser.param_groups:
            group['lr'] = LEARNING_RATE * self._rate()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self._done += 1
        return loss.item()

    def _rate(self) -> float:
        """Relative learning rate: it rises over `_WARM_UP` batches, then falls as a cosine."""
        fall = 0.5 * (1 + math.cos(math.pi * self._done / self._steps))
        return min((self._done + 1) / _WARM_UP, 1.0) * fall

    def _save(self) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        state = {
            'network': self.network.state_dict(),
            'optimiser': self._optimiser.state_dict(),
            'steps': self._done,
        }
        partial = self._out / f'{_CHECKPOINT}.partial'
        torch.save(state, partial)
        partial.replace(self._out / _CHECKPOINT)

    def export(self, path: Path) -> None:
        """Write the network as ONNX."""
        nobody = appearance_crops(np.zeros((8, 8, 3), np.uint8), np.array([2.0, 2, 4, 4]))
        example = (torch.zeros(2, *nobody.shape, dtype=torch.uint8),)
        shapes = ({0: torch.export.Dim('faces')},)
        facts = {'steps': str(self._done), 'people': str(len(self._people))}
        write_onnx(path, self.network.eval(), example, ['crops'], ['embedding'], shapes, facts)
