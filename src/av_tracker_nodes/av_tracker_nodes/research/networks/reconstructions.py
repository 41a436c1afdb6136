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

"""Pictures of what GLDTracker reconstructs of features that it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from av_tracker_nodes.research.networks.search_blocks import GRID

if TYPE_CHECKING:
    from av_tracker_nodes.research.networks.gld_network import GldTracker
    from av_tracker_nodes.research.networks.gld_objective import GldObjective
    from av_tracker_nodes.research.training.search_batches import SearchBatch

_COLUMNS = ('complete', 'given', 'local features', 'reconstructed', "teacher's")
_HALVES = 'Picture, and what is made of it', 'Sound, and what is made of it'
_PEOPLE = 8


@torch.no_grad()
def draw_reconstructions(
    network: GldTracker, objective: GldObjective, batch: SearchBatch, path: Path
) -> None:
    """Draw what is given, what is reconstructed of it, and what a teacher makes of all.

    A row is a person, on the left sight and on the right sound; of features the first principal
    component over all people and all three kinds is drawn, so that equal colours are equal
    features along it.

    Parameters
    ----------
    network : GldTracker
    objective : GldObjective
        With the teachers.
    batch : SearchBatch
        People with complete inputs too; those who lack most are drawn.
    path : Path
        Picture to write.
    """
    given, complete = batch.inputs, batch.complete
    sight, sound = network.encode(given)
    seen, _ = objective.visual(complete)
    heard, _ = objective.audio(complete)
    sights = _components(sight.local, sight.reconstructed, seen)
    sounds = _components(sound.local, sound.reconstructed, heard)
    chosen = _lacking(batch)[:_PEOPLE]
    count = len(_COLUMNS)
    figure = Figure(figsize=(2.2 * count + 0.4, 1.15 * len(chosen) + 0.7), layout='constrained')
    halves = figure.subfigures(1, 2, wspace=0.03)
    grids = []
    for half, name in zip(halves, _HALVES, strict=True):
        half.suptitle(name, fontsize=11)
        grids.append(half.subplots(len(chosen), count, squeeze=False))
    grid = np.hstack(grids)
    for row, person in zip(grid, chosen, strict=True):
        pictures = [
            crops[person].flip(-1).cpu().numpy() for crops in (complete.searches, given.searches)
        ]
        maps = [inputs.maps[person, 0].cpu().numpy() for inputs in (complete, given)]
        panels = [*pictures, *sights[:, person], *maps, *sounds[:, person]]
        loudest = max(float(maps[0].max()), 1e-3)
        for axes, panel in zip(row, panels, strict=True):
            limits = {'vmin': 0, 'vmax': loudest} if panel.shape == maps[0].shape else {}
            axes.imshow(panel, **limits)
            axes.set_axis_off()
    for axes, title in zip(grid[0], 2 * _COLUMNS, strict=True):
        axes.set_title(title, fontsize=8)
    figure.savefig(path, dpi=90)


def _lacking(batch: SearchBatch) -> list[int]:
    """People, those first who lack most of what the complete input has."""
    given, complete = batch.inputs, batch.complete
    sight = (given.searches.float() - complete.searches.float()).abs().mean(dim=(1, 2, 3)) / 255
    sound = (given.maps - complete.maps).abs().mean(dim=(1, 2, 3))
    lack = sight / sight.max().clamp_min(1e-6) + sound / sound.max().clamp_min(1e-6)
    return lack.argsort(descending=True).tolist()


def _components(*kinds: Tensor) -> np.ndarray:
    """First principal component of tokens, shape (kinds, people, GRID, GRID)."""
    tokens = torch.stack(kinds)
    flat = tokens.flatten(0, 2)
    flat = flat - flat.mean(dim=0)
    _, _, axes = torch.pca_lowrank(flat, q=1, center=False)
    return (flat @ axes[:, 0]).unflatten(0, (*tokens.shape[:2], GRID, GRID)).cpu().numpy()
