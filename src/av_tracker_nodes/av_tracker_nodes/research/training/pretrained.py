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

"""Weights that the user brings: public ones of backbones, or those of an earlier training."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from av_tracker_nodes import InputError

_WRAPPERS = ('state_dict', 'model', 'network')


def load_pretrained(network: nn.Module, file: Path) -> list[str]:
    """Start a network from weights of a file, as far as they fit.

    A tensor goes wherever the name of a weight ends like its own and the shape is the same:
    ``backbone.conv1.0.weight`` into the backbones of all branches.

    Parameters
    ----------
    network : nn.Module
    file : Path
        As ``torch.save`` writes tensors by name, alone or as ``state_dict``, ``model`` or
        ``network`` of something larger; nothing else is read from it.

    Returns
    -------
    list of str
        Names of the weights that were set.

    Raises
    ------
    InputError
        The file cannot be read, or nothing in it fits.
    """
    given, wanted = _tensors(file), network.state_dict()
    taken = {
        name: given[end]
        for name, weight in wanted.items()
        for end in _endings(name)
        if end in given and given[end].shape == weight.shape
    }
    if not taken:
        raise InputError(
            f'nothing in {file} fits: it has {next(iter(given))}, and the network '
            f'{next(iter(wanted))}, of the same name and shape'
        )
    network.load_state_dict(taken, strict=False)
    return list(taken)


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f'{file} holds no weights that can be read safely: {reason}') from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    tensors = {
        name: tensor
        for name, tensor in (content.items() if isinstance(content, dict) else ())
        if isinstance(tensor, Tensor)
    }
    if not tensors:
        raise InputError(f'{file} holds no tensors by name')
    return tensors


def _endings(name: str) -> list[str]:
    """Names that a name ends with, the shortest first: the longest that fits comes last."""
    parts = name.split('.')
    return ['.'.join(parts[k:]) for k in reversed(range(len(parts)))]
