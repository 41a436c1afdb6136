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

"""Parameters of nodes: what they mean, what they may be, and when they may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from av_tracker_nodes.errors.settings import check_value


@dataclass(frozen=True)
class Setting:
    """A parameter of a node.

    Attributes
    ----------
    name : str
    default : bool, int, float, str or tuple of float
    description : str
    low, high : float or None
        Range of a number, or of each of several, its ends included.
    choices : tuple of str
        Texts that are allowed; empty for all.
    live : bool
        Whether it may change while the node is configured; else only while it is not.
    read_only : bool
        Whether it holds from the start to the end of the node.
    """

    name: str
    default: Any
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    read_only: bool = False

    @property
    def change(self) -> str:
        """When it may change, in a word or two."""
        if self.read_only:
            return 'at the start'
        return 'live' if self.live else 'unconfigured'

    @property
    def limits(self) -> str:
        """What values it may have; empty for all of its type."""
        if self.low is not None:
            count = f'{len(self.default)} values of ' if self.is_array else ''
            return f'{count}{self.low:.9g} .. {self.high:.9g}'
        return ', '.join(choice or "''" for choice in self.choices)

    @property
    def is_array(self) -> bool:
        """Whether it holds several numbers."""
        return isinstance(self.default, tuple)

    def descriptor(self) -> ParameterDescriptor:
        """Describe it to ROS, which holds it to its type and range."""
        descriptor = ParameterDescriptor(description=self.description, read_only=self.read_only)
        notes = [f'one of {self.limits}'] if self.choices else []
        # ROS has ranges of single numbers only.
        notes += [self.limits] if self.is_array else []
        notes += [] if self.live or self.read_only else ['changes while the node is unconfigured']
        descriptor.additional_constraints = '; '.join(notes)
        if self.low is None or self.is_array:
            return descriptor
        if isinstance(self.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
            ]
        else:
            limits = IntegerRange(from_value=self.low, to_value=self.high, step=1)
            descriptor.integer_range = [limits]
        return descriptor

    def check(self, value: Any) -> None:
        """Hold a text to the choices, and numbers to their range, as ROS does single ones.

        Raises
        ------
        InputError
            When it is something else.
        """
        name = f'parameter {self.name}'
        check_value(name, value, self.default, self.low, self.high, self.choices)
