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

"""Parameter files of ROS 2, and names in them that nobody knows.

ROS passes over names that no node has declared, so that a slip of the pen changes nothing and
nobody hears of it. Here they are found, and told with the name that may be meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models.shipped import shipped_file

_PARAMETERS = 'ros__parameters'
_WILDCARDS = ('*', '**')
_OF_ROS = ('qos_overrides.', 'use_sim_time', 'start_type_description_service')
"""Beginnings of parameters that every node of ROS has, some of them only where it publishes."""


@cache
def declared_names() -> Mapping[str, frozenset[str]]:
    """Names of the parameters of every node of this package, by the name of the node."""
    nodes = json.loads(shipped_file('parameter_names.json').read_text())
    return {node: frozenset(names) for node, names in nodes.items()}


def sections(file: Path) -> dict[str, set[str]]:
    """Read the names of parameters by the node that they are for, such as ``/**/tracker``.

    Raises
    ------
    InputError
        It is no parameter file.
    """
    found: dict[str, set[str]] = {}
    for node, values in _nodes(_content(file), '', file):
        found.setdefault(node, set()).update(name for name, _ in _flat(values))
    return found


def _content(file: Path) -> Any:
    try:
        return _parsed(file.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = ' '.join(str(error).split())
        raise InputError(f'{file} is no parameter file: {reason}') from error


@lru_cache(maxsize=4)
def _parsed(text: str) -> Any:
    """Parse a file once for all nodes: that takes a twentieth of a second."""
    return yaml.safe_load(text)


def _nodes(content: Any, name: str, file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find what stands under ``ros__parameters``; nodes may stand under namespaces."""
    if not isinstance(content, Mapping):
        raise InputError(
            f'{file} is no parameter file: there is no {_PARAMETERS} above '
            f"'{content}'{f' of {name}' if name else ''}"
        )
    for key, value in content.items():
        if key == _PARAMETERS:
            yield name, value if isinstance(value, Mapping) else {}
        else:
            yield from _nodes(value, f'{name}/{key}'.replace('//', '/'), file)


def _flat(values: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Join the names of what is nested."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', value


def parameters_of(node: str, file: Path) -> dict[str, Any]:
    """Read the parameters that a file gives a node.

    Parameters
    ----------
    node : str
        Its name with all namespaces, such as ``/robot/tracker``.
    file : Path

    Raises
    ------
    InputError
        It is no parameter file.
    """
    found: dict[str, Any] = {}
    for section, values in _nodes(_content(file), '', file):
        if _is_for(section, node):
            found |= _flat(values)
    return found


def _is_for(section: str, node: str) -> bool:
    """Tell whether a section is for a node; ``*`` stands for one name in it, ``**`` for any."""
    wildcards = {'*': '/[^/]+', '**': '(/[^/]+)*'}
    parts = section.strip('/').split('/')
    pattern = ''.join(wildcards.get(part, '/' + re.escape(part)) for part in parts)
    return re.fullmatch(pattern, node) is not None


def unknown_nodes(file: Path) -> list[str]:
    """Say which sections of a file are for no node of this package.

    Raises
    ------
    InputError
        It is no parameter file.
    """
    known = declared_names()
    names = {section: section.rpartition('/')[2] for section in sections(file)}
    return [
        f"{file}: no node is called '{name}'{_hint(name, known)}"
        for name in dict.fromkeys(names.values())
        if name not in known and name not in _WILDCARDS
    ]


def files_in(arguments: Sequence[str]) -> list[Path]:
    """Parameter files that the arguments of a process name."""
    return [Path(value) for flag, value in pairwise(arguments) if flag == '--params-file']


def unknown_parameters(
    node: str, declared: Collection[str], given: Iterable[str], files: Sequence[Path]
) -> list[str]:
    """Say which parameters a node was given that it does not know.

    A name that is for all nodes is unknown only where no node of this package declares it.

    Parameters
    ----------
    node : str
        Its name.
    declared : collection of str
        Names of its parameters.
    given : iterable of str
        Names of the parameters that it was given.
    files : sequence of Path
        Where some of them come from.
    """
    told = {file: sections(file) for file in files if file.is_file()}
    anybody = frozenset().union(*declared_names().values())
    problems = []
    for name in sorted(set(given) - set(declared)):
        if name.startswith(_OF_ROS):
            continue
        places = {
            section.rpartition('/')[2]: file
            for file, nodes in told.items()
            for section, names in nodes.items()
            if name in names
        }
        if node in places or name not in anybody:
            hint = _hint(name, declared) or _hint(name, anybody)
            source = places.get(node) or next(iter(places.values()), 'the command line')
            problems.append(f"parameter '{name}' of {source} is not known{hint}")
    return problems


def _hint(name: str, known: Iterable[str]) -> str:
    """Ask for the name that may be meant."""
    near = get_close_matches(name, sorted(known), 1)
    return f"; did you mean '{near[0]}'?" if near else ''
