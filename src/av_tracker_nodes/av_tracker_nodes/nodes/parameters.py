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

"""Parameters that are held to their ranges, and to the times at which they may change."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.lifecycle import LifecycleNode
from rclpy.parameter import Parameter

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.settings import Settings
from av_tracker_nodes.launching.parameter_files import files_in, unknown_parameters
from av_tracker_nodes.nodes.settings import Setting

Chosen = TypeVar('Chosen', bound=Settings)


class ParameterNode(LifecycleNode):
    """A managed node with described parameters.

    Attributes
    ----------
    settings : dict of str to Setting
        The parameters, by name.
    is_configured : bool
        While it is, only live parameters change.
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        overrides = [
            *given_to(name, sys.argv[1:]),
            *(node_options.pop('parameter_overrides', None) or []),
        ]
        super().__init__(name, parameter_overrides=overrides, **node_options)
        self.settings: dict[str, Setting] = {}
        self._cli_args = node_options.get('cli_args')
        self._overrides = [each.name for each in overrides]
        self.is_configured = False
        self.add_on_set_parameters_callback(self._judge)

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse values of the parameters that contradict each other.

        Raises
        ------
        InputError
            They do.
        """

    def parameter(self, name: str, default: Any, description: str, *args: Any, **kw: Any) -> None:
        """Declare a parameter; further arguments are those of :class:`Setting`.

        Raises
        ------
        InputError
            When its value at the start is out of its range or not among the choices.
        """
        setting = Setting(name, default, description, *args, **kw)
        try:
            first = list(default) if setting.is_array else default
            self.declare_parameter(name, first, setting.descriptor())
            setting.check(self.value(name))
        except (
            InputError,
            InvalidParameterValueException,
            InvalidParameterTypeException,
        ) as error:
            raise InputError(f'{self.get_name()}: {error}') from error
        self.settings[name] = setting

    def declare(self, kind: type[Settings]) -> None:
        """Declare a parameter for each field of the settings of a stage."""
        for each in fields(kind):
            self.parameter(each.name, each.default, **each.metadata)

    def settings_of(self, kind: type[Chosen], values: Mapping[str, Any] | None = None) -> Chosen:
        """Return the settings of a stage as the parameters say, or as `values` of them would.

        Raises
        ------
        InputError
            When they contradict each other.
        """
        get = self.value if values is None else values.__getitem__
        return kind(**{each.name: get(each.name) for each in fields(kind)})

    def warn_of_unknown(self) -> None:
        """Log the parameters that were given at the start and that the node does not have.

        Raises
        ------
        InputError
            They come from a file that is none.
        """
        with self.handle:
            given = [*self._overrides, *self.handle.get_parameters(Parameter)]
        declared = {name for name in given if self.has_parameter(name)} | self.settings.keys()
        arguments = [*sys.argv, *(self._cli_args or [])]
        for problem in unknown_parameters(self.get_name(), declared, given, files_in(arguments)):
            self.get_logger().warning(problem)

    def value(self, name: str) -> Any:
        """Value of a parameter."""
        return _plain(self.get_parameter(name).value)

    def _judge(self, parameters: list[Parameter]) -> SetParametersResult:
        """Accept changes of parameters all together, or refuse them with a reason."""
        known = all(self.has_parameter(parameter.name) for parameter in parameters)
        try:
            if known:
                self._check_change({p.name: _plain(p.value) for p in parameters})
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_change(self, changed: Mapping[str, Any]) -> None:
        for name, value in changed.items():
            setting = self.settings.get(name)
            if setting is not None:
                setting.check(value)
            live = setting is not None and setting.live
            if self.is_configured and not live and value != self.value(name):
                raise InputError(
                    f'{name} changes only while {self.get_name()} is unconfigured: deactivate '
                    'and clean it up first'
                )
        self.check({name: self.value(name) for name in self.settings} | changed)


def given_to(node: str, arguments: Sequence[str]) -> list[Parameter]:
    """Return the parameters that ``NODE={JSON}`` among the arguments of a process gives a node.

    They come before those of every file. What ``-p`` gives does not: to ROS it is a section for
    all nodes, which one for this node comes before where the file has both.

    Raises
    ------
    InputError
        It is not JSON.
    """
    texts = [text for name, _, text in (each.partition('=') for each in arguments) if name == node]
    try:
        values = [item for text in texts if text for item in json.loads(text).items()]
    except (json.JSONDecodeError, AttributeError) as error:
        raise InputError(f"parameters of '{node}' are not a mapping in JSON: {error}") from error
    return [Parameter(name, value=value) for name, value in values]


def _plain(value: Any) -> Any:
    """Return the value of a parameter; that of an array as a tuple, which can be compared."""
    return tuple(value) if isinstance(value, (list, array)) else value
