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

"""Bonds: heartbeats by which a manager of life cycles finds out that a node has died."""

from __future__ import annotations

from rclpy.lifecycle import LifecycleNode

try:
    from bondpy import bondpy
except ImportError:
    bondpy = None

_TOPIC = 'bond'
_HEARTBEAT_PERIOD, _HEARTBEAT_TIMEOUT = 0.1, 4.0
"""What the nodes of nav2 have (s)."""


class ManagerBond:
    """The bond that nav2's lifecycle manager forms with each node that it has activated.

    It is offered on ``bond``, in the namespace of the node, under the name of the node, where
    bondpy is installed; else there is none.

    Parameters
    ----------
    node : LifecycleNode
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._bond = None

    def offer(self) -> None:
        """Begin with heartbeats; where no manager answers they end after a few seconds."""
        if bondpy is None:
            return
        self._bond = bondpy.Bond(self._node, _TOPIC, self._node.get_name())
        self._bond.heartbeat_period = _HEARTBEAT_PERIOD
        self._bond.heartbeat_timeout = _HEARTBEAT_TIMEOUT
        self._bond.start()

    def end(self) -> None:
        """Tell the manager that the node stops on purpose; fall silent once ROS has ended."""
        bond, self._bond = self._bond, None
        if bond is None:
            return
        if not self._node.context.ok():
            bond.is_shutdown = True
            for timer in (bond.connect_timer, bond.heartbeat_timer):
                timer.cancel()
            return
        # Left to bondpy, it would be destroyed while an executor finds it on the list of the node.
        self._node.destroy_subscription(bond.sub)
        bond.shutdown()
        self._node.destroy_publisher(bond.pub)
