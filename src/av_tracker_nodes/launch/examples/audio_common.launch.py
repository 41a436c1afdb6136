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

"""The tracker on sound of audio_common's driver, which other nodes may use too.

Needs the packages ``audio_capture`` and ``audio_common_msgs`` (ros-drivers)::

    ros2 launch av_tracker_nodes audio_common.launch.py array_calibration:=array.yaml \
        sound_card:=hw:1,0 channels:=6 sample_rate:=16000 camera_calibration:=camera.yaml

Arguments of ``av_tracker.launch.py`` are passed on.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from av_tracker_nodes.models.shipped import shipped_file


def generate_launch_description() -> LaunchDescription:
    """Start the driver, the bridge to our messages, and the tracker without its own capture."""
    arguments = [
        DeclareLaunchArgument('array_calibration', description='Description of the microphones'),
        DeclareLaunchArgument('sound_card', default_value='', description='ALSA device'),
        DeclareLaunchArgument('channels', description='Of the sound card'),
        DeclareLaunchArgument('sample_rate', default_value='16000', description='Hz'),
    ]
    driver = Node(
        package='audio_capture',
        executable='audio_capture_node',
        parameters=[
            {
                'device': LaunchConfiguration('sound_card'),
                'channels': ParameterValue(LaunchConfiguration('channels'), value_type=int),
                'sample_rate': ParameterValue(LaunchConfiguration('sample_rate'), value_type=int),
                'depth': 16,
                'format': 'wave',  # not the compressed one that it sends by default
                'sample_format': 'S16LE',
            }
        ],
        # Its topic without stamps has the name of ours and another type.
        remappings=[('audio', 'audio_capture/audio')],
    )
    bridge = Node(
        package='av_tracker_nodes',
        executable='audio_bridge',
        parameters=[{'calibration': LaunchConfiguration('array_calibration')}],
    )
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(shipped_file('av_tracker.launch.py'))),
        launch_arguments={'start_microphones': 'false'}.items(),
    )
    return LaunchDescription([*arguments, driver, bridge, tracker])
