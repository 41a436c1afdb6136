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

"""YAML with the numbers that drivers write, and nothing in it that is larger than it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import read_text

_LARGEST = 256_000
"""Bytes: a thousand microphones take 60,000, and PyYAML some seconds for them all."""
_MOST_VALUES = 100_000
"""Values of a document with its aliases written out: an alias, ``*name``, stands for what the file
has elsewhere, and few lines of them would make a document of any size."""
_LONGEST_NUMBER = 40
_LARGEST_WHOLE = 2**63 - 1
"""Times in nanoseconds are of this order."""


class _Loader(yaml.SafeLoader):
    """Takes ``5e2`` and ``-.5`` for numbers, as YAML 1.2 does; for PyYAML they are texts."""


_Loader.add_implicit_resolver(
    'tag:yaml.org,2002:float',
    re.compile(r'[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$'),
    list('-+.0123456789'),
)


def _add_number(kind: str, construct: Callable[[_Loader, yaml.Node], float]) -> None:
    """Read numbers of a kind, within limits."""

    def number(loader: _Loader, node: yaml.Node) -> float:
        if len(node.value) > _LONGEST_NUMBER:
            raise yaml.YAMLError(f'a number of {len(node.value)} letters')
        value = construct(loader, node)
        if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
            raise yaml.YAMLError(f'{value} is too large: write it with a point')
        return value

    _Loader.add_constructor(f'tag:yaml.org,2002:{kind}', number)


_add_number('int', _Loader.construct_yaml_int)
_add_number('float', _Loader.construct_yaml_float)


def _written_out(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Count the values of a node with its aliases written out; sizes has what was counted.

    Raises
    ------
    yaml.YAMLError
        A value holds itself, or there are too many.
    """
    size = sizes.get(id(node))
    if size is not None:
        if not size:
            raise yaml.YAMLError('an alias stands for what it is a part of')
        return size
    sizes[id(node)] = 0
    size = 1
    if isinstance(node, yaml.CollectionNode):
        parts = node.value if isinstance(node, yaml.SequenceNode) else chain(*node.value)
        size += sum(_written_out(part, sizes) for part in parts)
    if size > _MOST_VALUES:
        raise yaml.YAMLError(f'more than {_MOST_VALUES} values with its aliases written out')
    sizes[id(node)] = size
    return size


def read_yaml(path: str | Path, what: str, most: int = _LARGEST) -> Any:
    """Read a YAML document of plain values.

    Parameters
    ----------
    path : str or Path
    what : str
        The file is, in the words of messages.
    most : int
        Bytes that it may have.

    Raises
    ------
    InputError
        It cannot be read, or is not YAML.
    """
    text = read_text(path, what, most)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _written_out(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except Exception as error:  # dates, numbers and depths that are none raise whatever they do
        reason = str(error) or type(error).__name__
        raise InputError(f'{what} {path} is not YAML: {reason}') from error
