# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import mouth_from_face

CAMERA = Camera(400, 400, 180, 144, (360, 288))
# Eyes, nose, mouth corners and lips of a head that looks at the camera (m; x right, y down,
# z away), about its own middle.
HEAD = np.array(
    [
        [-0.032, -0.03, 0.0],
        [0.032, -0.03, 0.0],
        [0.0, 0.005, -0.035],
        [-0.025, 0.04, -0.006],
        [0.025, 0.04, -0.006],
        [0.0, 0.044, -0.022],
    ]
)


@pytest.mark.parametrize('yaw', [-60, -30, 0, 30, 60])
def test_mouth_of_a_head_that_turns(yaw):
    cosine, sine = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    points = CAMERA.project(HEAD @ turn.T + [0.1, -0.1, 2.0])
    height = 400 * 0.192 / 2
    box = np.array([*(points[:5].mean(axis=0) - height / 2), 0.8 * height, height])
    mouth = mouth_from_face(box, points[:5])
    assert np.abs(mouth - points[5]).max() < 0.03 * height


def test_mouth_without_landmarks_is_a_quarter_up_the_box():
    assert mouth_from_face(np.array([10, 20, 30, 40])).tolist() == [25, 50]
