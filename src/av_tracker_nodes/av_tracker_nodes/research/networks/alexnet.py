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

"""The encoders of STNet in their published size: AlexNet as SiamFC has it, on three scales.

Module names are those of SiamFC's public weights (GOT-10k), so that these can be loaded.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from av_tracker_nodes.research.networks.blocks import as_pictures
from av_tracker_nodes.research.networks.correlation import correlate_inside

PAPER_GRID, PAPER_WIDTH, PAPER_HEADS = 35, 256, 8
"""Tokens along each side, their width, and the heads of the attention."""

_CHANNELS = 3
"""Colours, or maps."""
_TEMPLATE, _SCALES = 127, (300, 400, 500)
_MAP = 400
_RESPONSE_SCALE = 1e-3
_LEVELS = 255.0


class AlexNetV1(nn.Module):
    """AlexNet of SiamFC: pictures (n, 3, size, size), 0..255, to features (n, 256, grid, grid).

    A template of 127 pixels has a grid of 6, search crops of 300, 400 and 500 one of 27, 40, 52.

    Parameters
    ----------
    normalised : bool
        End with batch normalisation and ReLU, as the audio branch of STNet does.
    """

    def __init__(self, normalised: bool = False) -> None:
        super().__init__()
        self.conv1 = _stage(_CHANNELS, 96, 11, stride=2, pooled=True)
        self.conv2 = _stage(96, 256, 5, groups=2, pooled=True)
        self.conv3 = _stage(256, 384, 3)
        self.conv4 = _stage(384, 384, 3, groups=2)
        last = nn.Conv2d(384, 256, 3, groups=2)
        ending = (nn.BatchNorm2d(256), nn.ReLU(inplace=True)) if normalised else ()
        self.conv5 = nn.Sequential(last, *ending)

    def forward(self, pictures: Tensor) -> Tensor:
        """Encode."""
        return self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(pictures)))))


def _stage(
    inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1, pooled: bool = False
) -> nn.Sequential:
    pooling = (nn.MaxPool2d(3, 2),) if pooled else ()
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, groups=groups),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        *pooling,
    )


class PaperResponse(nn.Module):
    """Siamese response on three scales, brought to one grid and added up, (n, 256, 35, 35)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = AlexNetV1()

    def forward(self, searches: Tensor, templates: Tensor) -> Tensor:
        """Compare search crops with templates, both (n, size, size, 3), uint8."""
        template = self.backbone(_resized(templates, _TEMPLATE))
        responses = [
            correlate_inside(self.backbone(_resized(searches, size)), template) * _RESPONSE_SCALE
            for size in _SCALES
        ]
        return sum(_on_grid(response) for response in responses)


class PaperFieldEncoder(nn.Module):
    """Encode maps of coherence (n, 3, size, size) as (n, 256, 35, 35)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = AlexNetV1(normalised=True)
        self.narrow = nn.Conv2d(256, PAPER_WIDTH, 6, groups=2)
        self.mix = nn.Sequential(nn.Conv2d(PAPER_WIDTH, PAPER_WIDTH, 1), nn.ReLU(inplace=True))

    def forward(self, maps: Tensor) -> Tensor:
        """Encode."""
        pictures = interpolate(_LEVELS * maps, (_MAP, _MAP), mode='bilinear')
        return self.mix(self.narrow(self.backbone(pictures)))


def _resized(crops: Tensor, size: int) -> Tensor:
    return interpolate((as_pictures(crops) + 1) * (_LEVELS + 1) / 2, (size, size), mode='nearest')


def _on_grid(response: Tensor) -> Tensor:
    return interpolate(response, (PAPER_GRID, PAPER_GRID), mode='bilinear')
