# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""YAML with the numbers that drivers write, and nothing in it that is larger than it looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from yaml.events import AliasEvent

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import read_text

_LARGEST = 256_000
"""Bytes: a thousand microphones take 60,000, and PyYAML some seconds for them all."""
_LONGEST_NUMBER = 40
_LARGEST_WHOLE = 2**53


class _Loader(yaml.SafeLoader):
    """Takes ``5e2`` and ``-.5`` for numbers, as YAML 1.2 does; for PyYAML they are texts.

    An alias, ``*name``, stands for what the file has elsewhere: few lines of them make a document
    of any size. As ROS does in its parameter files, they are refused.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read the next value."""
        if self.check_event(AliasEvent):
            alias = self.peek_event()
            raise yaml.YAMLError(
                f'alias *{alias.anchor} is not read: write out what it stands for'
            )
        return super().compose_node(parent, index)


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
            return loader.get_single_data()
        finally:
            loader.dispose()
    except Exception as error:  # dates, numbers and depths that are none raise whatever they do
        reason = str(error) or type(error).__name__
        raise InputError(f'{what} {path} is not YAML: {reason}') from error
