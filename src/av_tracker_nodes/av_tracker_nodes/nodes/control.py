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

"""Stages that can be reset and switched off while they run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from std_srvs.srv import SetBool, Trigger

from av_tracker_nodes.nodes.node_base import StageNode


class ControlledNode(StageNode, ABC):
    """A stage with a memory, and the services ``~/reset`` and ``~/enable``.

    ``~/enable`` is for what the robot does: an application that wants to be left alone for a
    while. The life cycle is for the system: who starts and stops nodes is not bothered by it. A
    disabled node takes in what describes the sensors, so that it can go on at once, and nothing
    else; it publishes nothing but its diagnostics, which say ``disabled``. Either way a node that
    goes on starts afresh.
    """

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self._enabled = True
        self.create_service(Trigger, '~/reset', self._reset)
        self.create_service(SetBool, '~/enable', self._enable)

    @abstractmethod
    def reset(self) -> None:
        """Forget what was seen and heard, as when the stamps jump back."""

    def deactivate(self) -> None:
        """Forget what was seen and heard."""
        if self.context.ok():
            self.reset()

    @property
    def is_working(self) -> bool:
        """Whether callbacks are called."""
        return super().is_working and self._enabled

    def condition(self) -> str:
        """Say in a word how the node is."""
        return 'disabled' if self.is_active and not self._enabled else super().condition()

    def _reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._restart()
        response.message = 'reset' if response.success else self.problems.get('input', self.state)
        return response

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data != self._enabled:
            self.problems.clear()
            self._restart()
            self._enabled = request.data
        response.success = True
        response.message = 'enabled' if self._enabled else 'disabled'
        return response

    def _restart(self) -> bool:
        """Start anew; tell whether all went well."""
        if not self.is_configured:
            return False
        errors = self.counts['errors']
        self.guarded(self.reset, always=True)()
        self.counts['restarts'] += 1
        return self.counts['errors'] == errors
