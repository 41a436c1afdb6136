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

"""Correlation of features with those of a template: the Siamese response."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad, unfold


def correlate(searches: Tensor, templates: Tensor) -> Tensor:
    """Correlate each channel with that of the template.

    Parameters
    ----------
    searches : Tensor, shape (n, width, grid, grid)
    templates : Tensor, shape (n, width, size, size)

    Returns
    -------
    Tensor, shape (n, width, grid, grid)
        Means over the template, which is centred on each point of the grid.
    """
    size = templates.shape[-1]
    before = size // 2
    around = pad(searches, (before, size - 1 - before, before, size - 1 - before))
    return correlate_inside(around, templates) / size**2


def correlate_inside(searches: Tensor, templates: Tensor) -> Tensor:
    """Correlate each channel with that of the template, wherever that lies wholly inside.

    Parameters
    ----------
    searches : Tensor, shape (n, width, side, side)
    templates : Tensor, shape (n, width, size, size)

    Returns
    -------
    Tensor, shape (n, width, side - size + 1, side - size + 1)
        Sums over the template.
    """
    size, grid = templates.shape[-1], searches.shape[-1] - templates.shape[-1] + 1
    if torch.compiler.is_exporting() or not len(searches):
        # A convolution is faster, but its groups must be known to ONNX, and be at least one.
        patches = unfold(searches, size).unflatten(1, (-1, size * size))
        response = (templates.flatten(2)[:, :, None] @ patches)[:, :, 0]
    else:
        rows, kernels = searches.flatten(0, 1)[None], templates.flatten(0, 1)[:, None]
        response = conv2d(rows, kernels, groups=len(kernels))[0]
    return response.reshape(*searches.shape[:2], grid, grid)
