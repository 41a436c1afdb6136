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

"""The tracker on the images of another camera driver.

It starts ``usb_cam`` or ``v4l2_camera``::

    ros2 launch av_tracker_nodes camera_driver.launch.py driver:=usb_cam \
        video_device:=/dev/video0 camera_calibration:=camera.yaml array_calibration:=array.yaml

or, with ``driver:=none``, listens to one that runs already, whatever its topics are called::

    ros2 launch av_tracker_nodes camera_driver.launch.py driver:=none \
        image_topic:=/front/image_raw camera_info_topic:=/front/camera_info \
        camera_calibration:=camera.yaml array_calibration:=array.yaml

The pose in ``camera_calibration`` holds where TF does not tell another one. Arguments of
``av_tracker.launch.py`` are passed on.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from av_tracker_nodes.geometry.calibration import load_camera, load_mounting
from av_tracker_nodes.models.shipped import shipped_file

EXECUTABLES = {'usb_cam': 'usb_cam_node_exe', 'v4l2_camera': 'v4l2_camera_node'}


def generate_launch_description() -> LaunchDescription:
    """Start a driver, unless one runs already, and the tracker without its own camera node."""
    arguments = [
        DeclareLaunchArgument('driver', default_value='usb_cam', choices=[*EXECUTABLES, 'none']),
        DeclareLaunchArgument('video_device', default_value='/dev/video0'),
        DeclareLaunchArgument('camera_calibration', description='Description of the camera'),
        DeclareLaunchArgument('image_topic', default_value='image_raw'),
        DeclareLaunchArgument('camera_info_topic', default_value='camera_info'),
    ]
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(shipped_file('av_tracker.launch.py'))),
        launch_arguments={'start_camera': 'false'}.items(),
    )
    return LaunchDescription([*arguments, OpaqueFunction(function=_driver), tracker])


def _driver(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Start the driver at the size that the camera was calibrated at."""
    chosen = {
        name: LaunchConfiguration(name).perform(context)
        for name in ('driver', 'video_device', 'camera_calibration')
    }
    if chosen['driver'] == 'none':
        return []
    path = Path(chosen['camera_calibration']).resolve()
    width, height = load_camera(path).size
    frame = load_mounting(path, 'camera').frame or 'camera_optical'
    common = {'video_device': chosen['video_device'], 'camera_info_url': f'file://{path}'}
    own = {
        'usb_cam': {'image_width': width, 'image_height': height, 'frame_id': frame},
        'v4l2_camera': {'image_size': [width, height], 'camera_frame_id': frame},
    }
    return [
        Node(
            package=chosen['driver'],
            executable=EXECUTABLES[chosen['driver']],
            name='camera',
            parameters=[common | own[chosen['driver']]],
            output='screen',
        )
    ]
