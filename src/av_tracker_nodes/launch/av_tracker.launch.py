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

"""Start the nodes: on devices, or with ``bag:=BAG`` on a recording.

``ros2 launch av_tracker_nodes av_tracker.launch.py --show-args`` tells all arguments. Which nodes
run with which parameters is decided in :mod:`av_tracker_nodes.launching.node_set`.
"""

import os

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from av_tracker_nodes.launching.node_set import ARGUMENTS, RESPAWN_DELAY, NodeSpec, node_set

_REACH = 'ROS_AUTOMATIC_DISCOVERY_RANGE'


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; the nodes follow from their values."""
    declared = [
        DeclareLaunchArgument(
            argument.name,
            default_value=argument.default,
            description=argument.description,
            choices=argument.choices or None,
        )
        for argument in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_start)])


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    chosen = {
        argument.name: LaunchConfiguration(argument.name).perform(context)
        for argument in ARGUMENTS
    }
    # Nobody else on the network hears people here, unless somebody decides so.
    reach = os.environ.get(_REACH, 'LOCALHOST')
    nodes = [action for spec in node_set(chosen) for action in _actions(spec)]
    return [SetEnvironmentVariable(_REACH, reach), *nodes]


def _actions(spec: NodeSpec) -> list[LaunchDescriptionEntity]:
    """Start a process, and say what follows when it ends."""
    node = Node(
        package=spec.package,
        executable=spec.executable,
        arguments=list(spec.arguments),
        ros_arguments=list(spec.ros_arguments),
        output='screen',
    )

    def follow(ended: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if spec.ends_all:
            return [EmitEvent(event=Shutdown(reason=f'{spec.name} has ended'))]
        # Not respawn=True, which would also start again what ended on purpose.
        if spec.has_died(ended.returncode) and not context.is_shutdown:
            return [TimerAction(period=RESPAWN_DELAY, actions=_actions(spec))]
        return []

    return [node, RegisterEventHandler(OnProcessExit(target_action=node, on_exit=follow))]
