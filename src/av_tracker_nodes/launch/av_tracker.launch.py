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

Other launch files may include this one: it changes nothing outside the processes that it starts.
They come in the namespace of the group, with its remappings, parameters and environment. A launch
file hands its own arguments down to what it includes; ``GroupAction(..., forwarding=False)`` keeps
them away.
"""

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction
from launch.events import Shutdown
from launch.events.process import ProcessExited, ShutdownProcess
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.utilities import make_namespace_absolute, prefix_namespace

from av_tracker_nodes.launching.arguments import ARGUMENTS
from av_tracker_nodes.launching.node_set import DONE, RESPAWN_DELAY, NodeSpec, node_set

_REACH = 'ROS_AUTOMATIC_DISCOVERY_RANGE'


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; the nodes follow from their values."""
    declared = [
        DeclareLaunchArgument(
            argument.name, default_value=argument.default, description=argument.help
        )
        for argument in ARGUMENTS
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_start)])


def _start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    chosen = {
        argument.name: LaunchConfiguration(argument.name).perform(context)
        for argument in ARGUMENTS
    }
    chosen['namespace'] = _namespace(context, chosen['namespace'])
    # Nobody else on the network hears people here, unless somebody decides so.
    environment = {} if _REACH in context.environment else {_REACH: 'LOCALHOST'}
    return [_process(spec, environment) for spec in node_set(chosen)]


def _namespace(context: LaunchContext, given: str) -> str:
    """Put the namespace of the group that this file is included in before one that is given."""
    outer = context.launch_configurations.get('ros_namespace')
    return make_namespace_absolute(prefix_namespace(outer, given)) or ''


def _process(spec: NodeSpec, environment: dict[str, str]) -> Node:
    """Start a process, and say what follows when it ends."""

    def follow(ended: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown or spec.has_died(ended.returncode):
            return []
        if ended.returncode != DONE:
            # Lets `ros2 launch` end with status 1; the other processes are not concerned.
            problem = f'{spec.name} has ended with status {ended.returncode}'
            context.asyncio_loop.call_exception_handler({'message': problem})
        if spec.ends_all:
            return [EmitEvent(event=Shutdown(reason=f'{spec.name} has ended'))]
        if spec.respawns:
            # What ended on purpose is not started again.
            event = ShutdownProcess(process_matcher=lambda action: action is node)
            return [EmitEvent(event=event)]
        return []

    node = Node(
        package=spec.package,
        executable=spec.executable,
        arguments=list(spec.arguments),
        ros_arguments=list(spec.ros_arguments),
        parameters=[str(spec.parameter_file)] if spec.parameter_file else None,
        additional_env=environment,
        output='screen',
        respawn=spec.respawns,
        respawn_delay=RESPAWN_DELAY,
        on_exit=follow,
    )
    return node
