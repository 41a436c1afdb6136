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

import numpy as np

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.research.datasets.incomplete import (
    half_of_the_microphones,
    without_the_middle,
)
from av_tracker_nodes.types import AudioBlock, ImageFrame


def test_half_of_the_microphones_keeps_even_numbers():
    groups = np.repeat([0, 1], 8)
    array = MicrophoneArray(np.random.default_rng(0).normal(size=(16, 3)), groups)
    camera = Camera(300, 300, 180, 144, (360, 288))
    half = half_of_the_microphones(Rig(camera, array)).microphones
    assert half.channels.tolist() == [1, 3, 5, 7, 9, 11, 13, 15]
    assert half.groups.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(half.positions, array.positions[1::2])
    few = Rig(camera, MicrophoneArray(np.eye(3)))
    assert half_of_the_microphones(few).microphones.channels.tolist() == [0, 1, 2]


def test_the_middle_third_is_covered():
    white = np.full((288, 360, 3), 255, np.uint8)
    image = without_the_middle(ImageFrame(0, white)).image
    assert (image[:, :120] == 255).all()
    assert (image[:, 120:240] == 128).all()
    assert (image[:, 240:] == 255).all()
    assert (white == 255).all()
    block = AudioBlock(0, 0, 16_000, np.ones((160, 2), np.float32))
    assert without_the_middle(block) is block
