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

"""Faces at the end of a lens that images nothing to the corners of the picture."""

from dataclasses import replace

import numpy as np
import pytest
from test_fusion_learned import FRAME, IMAGE, RIG, SURE, voice
from tiny_network import write_network, write_search_network

from av_tracker_nodes.fusion import create_fusion, open_fusion
from av_tracker_nodes.fusion.learned import LearnedFusion
from av_tracker_nodes.fusion.network_session import NetworkSession
from av_tracker_nodes.recordings.plausible import check_box, check_numbers
from av_tracker_nodes.types import AcousticMap, Face, FaceFrame

# It ends 154 pixels from the middle; the corners are 230 away.
ENDING = replace(RIG, camera=replace(RIG.camera, distortion=np.array([-1.0, 0, 0, 0, 0])))
SIDES = np.array([30.0, 40.0])
OFFSETS = {'still': (0.0, 0.0, 0.0), 'outwards': (2.0, 1.0, 0.0), 'nearer': (0.5, 0.5, -0.7)}


def models(tmp_path, offset):
    bias = [*offset, np.log(0.1), np.log(0.05), SURE, SURE, SURE]
    return {
        'geometric': create_fusion('vggcf'),
        'learned': LearnedFusion(NetworkSession(write_network(tmp_path / 'learned.onnx', bias))),
        'siamese': open_fusion(write_search_network(tmp_path / 'search.onnx', offset[:2], SURE)),
    }


def detect(fusion, faces, voices, stamp):
    field = np.zeros((96, 120), np.float32)
    sound = AcousticMap(stamp, stamp, 'vwswe', field, 3.0, 2.0, 1.0, (), tuple(voices))
    seen = FaceFrame(stamp, RIG.camera.size, tuple(faces))
    return fusion.process(seen, sound, ENDING, IMAGE).detections


def face_about(pixel, tracklet):
    return Face(np.concatenate([pixel - SIDES / 2, SIDES]), 0.9, None, tracklet, np.eye(3)[0])


@pytest.mark.parametrize('offset', OFFSETS)
@pytest.mark.parametrize('model', ['geometric', 'learned', 'siamese'])
def test_detections_are_finite_and_have_a_whole_box_or_none(tmp_path, model, offset):
    fusion = models(tmp_path, OFFSETS[offset])[model]
    middle = np.array(RIG.camera.size) / 2
    corner = np.array([340.0, 270.0])
    found = []
    for step, share in enumerate(np.linspace(0, 1, 40)):
        faces = [face_about(middle + share * (corner - middle), 1), face_about([150, 150], 2)]
        beside = ENDING.camera.centre + np.array([2.0 * share, 1.5 * share, 2.0])
        found.append(detect(fusion, faces[step % 3 == 0 :], [voice(beside)], (step + 1) * FRAME))
    assert all(found)
    for detection in sum(found, ()):
        check_numbers('a detection', detection.position, detection.covariance)
        if detection.box is not None:
            check_box('a detection', detection.box)
    assert 1 in {detection.tracklet for detection in found[1]}
    if model == 'geometric':
        # The others remember heads for a while.
        assert 1 not in {detection.tracklet for detection in found[38]}
