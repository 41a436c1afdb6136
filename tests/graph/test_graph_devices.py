# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Cameras and recording, live."""

import importlib.util
import json

import cv2
import numpy as np
import pytest
from tiny_recording import make_rig

if importlib.util.find_spec('rclpy') is None:
    pytest.skip('needs rclpy', allow_module_level=True)

from live_graph import live_graph

from av_tracker_nodes.datasets.bag import BagReader
from av_tracker_nodes.geometry.calibration import save_camera
from av_tracker_nodes.node_set import PACKAGE, NodeSpec

pytestmark = pytest.mark.graph


def spec(node, **parameters):
    arguments = [a for k, v in parameters.items() for a in ('-p', f'{k}:={json.dumps(v)}')]
    return NodeSpec(PACKAGE, node, node, ros_arguments=tuple(arguments), ends_all=node == 'camera')


def test_a_camera_is_recorded(tmp_path):
    """A folder of images plays the camera; the bag holds them with their calibration."""
    camera, folder = make_rig().camera, tmp_path / 'images'
    folder.mkdir()
    for number in range(120):
        shade = np.full((288, 360, 3), 2 * number, np.uint8)
        cv2.imwrite(str(folder / f'{number:03}.png'), shade)
    save_camera(tmp_path / 'camera.yaml', camera, frame='camera_optical', parent='world')
    bag = tmp_path / 'bag'
    specs = [
        spec('recorder', out=str(bag), topics='image_raw,camera_info,/tf_static'),
        spec('camera', device=str(folder), calibration=str(tmp_path / 'camera.yaml')),
    ]
    with live_graph(specs) as graph:
        graph.spin_to_the_end()
        assert graph.statuses == {'camera': 0, 'recorder': 0}, graph.lines
    with BagReader(bag) as reader:
        assert set(reader.topics) == {'/image_raw', '/camera_info', '/tf_static'}
        stamps = reader.image_stamps
        assert len(stamps) > 40
        gaps = np.diff(stamps) / 1e9
        assert np.median(gaps) == pytest.approx(0.04, abs=0.01)
        infos = [m for m in reader.raw() if m.topic == '/camera_info']
        assert abs(len(infos) - len(stamps)) <= 2
        assert [m.latched for m in reader.raw() if m.topic == '/tf_static'] == [True]


def test_recording_nothing_leaves_nothing(tmp_path):
    with live_graph([spec('recorder', out=str(tmp_path / 'bag'))]) as graph:
        assert graph.spin_until(lambda: graph.statuses_of('recorder')), graph.lines
    assert not (tmp_path / 'bag').exists()
    assert any('nothing came' in line for line in graph.lines)
