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

"""Settings of a stage: frozen dataclasses whose fields say what they mean and may be.

The metadata of a field hold its ``description``; ``low`` and ``high``, the range of a number or of
each number of a tuple, or the ``choices`` of a text; and whether it is ``live``: may change while
the stage works. Nodes declare their parameters from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from av_tracker_nodes.errors import InputError

_Number = TypeVar('_Number', int, float)


def number(
    default: _Number, low: _Number, high: _Number, description: str, *, live: bool = True
) -> _Number:
    """Describe a field that holds a number within a range, the ends included."""
    return _described(default, description, live, low=low, high=high)


def numbers(
    default: tuple[float, ...], low: float, high: float, description: str, *, live: bool = True
) -> tuple[float, ...]:
    """Describe a field that holds as many numbers as its default, each within a range."""
    return _described(default, description, live, low=low, high=high)


def choice(default: str, choices: tuple[str, ...], description: str, *, live: bool = True) -> str:
    """Describe a field that holds one of some texts."""
    return _described(default, description, live, choices=choices)


def switch(default: bool, description: str, *, live: bool = True) -> bool:
    """Describe a field that is on or off."""
    return _described(default, description, live)


def check_value(
    name: str,
    value: Any,
    default: Any,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
) -> None:
    """Hold a value to a range, to choices, and to the kind and length of its default.

    Raises
    ------
    InputError
        When it is something else.
    """
    if choices and value not in choices:
        raise InputError(f"{name} is '{value}'; it must be one of {', '.join(choices)}")
    if low is None:
        return
    several = isinstance(default, tuple)
    if several and len(value) != len(default):
        raise InputError(f'{name} must have {len(default)} values, got {len(value)}')
    for each in value if several else [value]:
        if not low <= each <= high:
            raise InputError(f'{name} must be within {low:.9g} and {high:.9g}, got {each}')
        if isinstance(default, int) and each != int(each):
            raise InputError(f'{name} must be a whole number, got {each}')


@dataclass(frozen=True)
class Settings:
    """Base of such dataclasses.

    Raises
    ------
    InputError
        When a value is out of its range.
    """

    def __post_init__(self) -> None:
        """Check every value by itself."""
        for each in fields(self):
            limits = {key: each.metadata.get(key) for key in ('low', 'high')}
            choices = each.metadata.get('choices', ())
            check_value(
                each.name, getattr(self, each.name), each.default, **limits, choices=choices
            )

    def check_change(self, new: Settings) -> None:
        """Refuse to change what is not live.

        Raises
        ------
        InputError
            When other settings differ from these in more than what is live.
        """
        fixed = [
            each.name
            for each in fields(self)
            if not each.metadata['live'] and getattr(self, each.name) != getattr(new, each.name)
        ]
        if fixed:
            raise InputError(
                f'{", ".join(fixed)} cannot change while the stage works: what it has computed in '
                'advance rests on it'
            )


def _described(default: Any, description: str, live: bool, **limits: Any) -> Any:
    return field(default=default, metadata={'description': description, 'live': live, **limits})
