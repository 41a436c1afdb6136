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

"""The launch example for other camera drivers, loaded with a stand-in for ROS's launch."""

from types import SimpleNamespace

import pytest
from bootstrap import ROOT
from launch_stubs import load_launch_file

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.calibration import save_camera
from av_tracker_nodes.launching.arguments import ARGUMENTS

EXAMPLE = ROOT / 'launch' / 'examples' / 'camera_driver.launch.py'


@pytest.fixture
def example(monkeypatch):
    return load_launch_file(EXAMPLE, monkeypatch)


def driver_of(example, **values):
    *_, start, _ = example.generate_launch_description().arguments[0]
    return start.keywords['function'](SimpleNamespace(values=values))


def test_the_tracker_runs_without_its_own_camera(example):
    *declared, _, tracker = example.generate_launch_description().arguments[0]
    passed_on = dict(tracker.keywords['launch_arguments'])
    assert passed_on == {'start_camera': 'false'}
    # The names of the topics go on to the tracker, whose arguments have the same names.
    names = {argument.arguments[0] for argument in declared} - {'driver', 'video_device'}
    assert {*names, *passed_on} <= {argument.name for argument in ARGUMENTS}


@pytest.mark.parametrize('driver', ['usb_cam', 'v4l2_camera'])
def test_drivers_are_given_the_calibration(example, tmp_path, driver):
    path = tmp_path / 'camera.yaml'
    save_camera(path, Camera(500.0, 500.0, 319.5, 239.5, (640, 480)), frame='eye')
    values = {
        'driver': driver,
        'video_device': '/dev/video2',
        'camera_calibration': str(path),
    }
    (node,) = driver_of(example, **values)
    (parameters,) = node.keywords['parameters']
    assert node.keywords['package'] == driver
    assert parameters['camera_info_url'] == f'file://{path}'
    assert parameters['video_device'] == '/dev/video2'
    assert 'eye' in parameters.values()
    width, height = parameters.get('image_width'), parameters.get('image_height')
    assert parameters.get('image_size', [width, height]) == [640, 480]


def test_a_driver_that_runs_already_is_not_started(example):
    values = {'driver': 'none', 'video_device': '', 'camera_calibration': ''}
    assert driver_of(example, **values) == []
