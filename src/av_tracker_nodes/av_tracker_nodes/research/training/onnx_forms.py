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

"""How networks are put into ONNX: inputs and outputs with names, and examples of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from av_tracker_nodes.fusion.candidates import (
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    SIGHT_FEATURES,
    SOUND_FEATURES,
)
from av_tracker_nodes.fusion.search import (
    SEARCH_SIZE,
    SOUND_MAP_SIZE,
    SOUND_MAPS,
    TEMPLATE_SIZE,
)
from av_tracker_nodes.research.networks.inputs import Inputs
from av_tracker_nodes.research.networks.search_inputs import SearchInputs

_MOST = 64


@dataclass(frozen=True)
class OnnxForm:
    """How a kind of networks is exported.

    Attributes
    ----------
    inputs, outputs : tuple of str
    module : callable
        Wraps a network into a module with tensors in and out.
    example : callable
        Makes random inputs with so many rows.
    shared : tuple of str
        Inputs that have no row for each candidate or person.
    mask : str
        Input, shape (1, rows), that tells which rows there are; empty where all are.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    module: Callable[[nn.Module], nn.Module]
    example: Callable[[int], tuple[Tensor, ...]]
    shared: tuple[str, ...] = ()
    mask: str = ''

    def dynamic_shapes(self) -> tuple[dict, ...]:
        """Tell which axes are free."""
        count = torch.export.Dim('rows', min=2, max=_MOST)
        axes = {name: {0: count} for name in self.inputs}
        axes |= {name: {} for name in self.shared}
        if self.mask:
            axes[self.mask] = {1: count}
        return tuple(axes[name] for name in self.inputs)

    def rows(self, example: tuple[Tensor, ...]) -> Tensor:
        """Tell which rows of an example there are."""
        if not self.mask:
            return torch.ones(len(example[0]), dtype=torch.bool)
        return example[self.inputs.index(self.mask)][0]


class _Wrapped(nn.Module):
    """A network, with tensors instead of what it is given and says."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


class _Candidates(_Wrapped):
    """A network on the candidates of one image, in the order of their places."""

    def forward(
        self,
        crops: Tensor,
        maps: Tensor,
        sight: Tensor,
        sound: Tensor,
        global_map: Tensor,
        valid: Tensor,
    ) -> tuple[Tensor, ...]:
        slots = torch.arange(crops.shape[0])
        inputs = Inputs(crops, maps, sight, sound, global_map, slots, valid)
        features, prediction = self.network(inputs)
        return (
            prediction.joined(),
            self.network.embedding(features.picture),
            self.network.sight_embedding(features),
            self.network.sound_embedding(features),
        )


class _Search(_Wrapped):
    """A network on the people of one image."""

    def forward(
        self, templates: Tensor, searches: Tensor, maps: Tensor, sound: Tensor
    ) -> tuple[Tensor, ...]:
        return (self.network(SearchInputs(templates, searches, maps, sound)).joined(),)


def _candidates(count: int) -> tuple[Tensor, ...]:
    """Draw random candidates, the last of which is none."""
    draw = torch.Generator().manual_seed(count)
    valid = torch.ones(1, count, dtype=torch.bool)
    valid[0, -1] = False
    return (
        _picture(count, CROP_SIZE, draw),
        torch.rand(count, MAP_SIZE, MAP_SIZE, generator=draw),
        torch.randn(count, SIGHT_FEATURES, generator=draw),
        torch.randn(count, SOUND_FEATURES, generator=draw),
        torch.rand(1, *GLOBAL_MAP_SIZE, generator=draw),
        valid,
    )


def _people(count: int) -> tuple[Tensor, ...]:
    draw = torch.Generator().manual_seed(count)
    return (
        _picture(count, TEMPLATE_SIZE, draw),
        _picture(count, SEARCH_SIZE, draw),
        torch.rand(count, SOUND_MAPS, SOUND_MAP_SIZE, SOUND_MAP_SIZE, generator=draw),
        torch.randn(count, SOUND_FEATURES, generator=draw),
    )


def _picture(count: int, size: int, draw: torch.Generator) -> Tensor:
    return torch.randint(0, 256, (count, size, size, 3), generator=draw, dtype=torch.uint8)


CANDIDATES = OnnxForm(
    inputs=('crops', 'maps', 'sight', 'sound', 'global_map', 'valid'),
    outputs=('prediction', 'embedding', 'sight_embedding', 'sound_embedding'),
    module=_Candidates,
    example=_candidates,
    shared=('global_map',),
    mask='valid',
)
SEARCH = OnnxForm(
    inputs=('templates', 'searches', 'maps', 'sound'),
    outputs=('prediction',),
    module=_Search,
    example=_people,
)
