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

"""How costs grow: the setting is what it says, and every cost is told."""

import json

import numpy as np
import pytest

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.research.speed import scaling
from av_tracker_nodes.types import AudioBlock, ImageFrame

CAMERA = Camera(300.0, 300.0, 179.5, 143.5, (360, 288))


@pytest.mark.parametrize('count', scaling.MICROPHONES)
def test_microphones_lie_on_a_sphere_apart(count):
    places = scaling.sphere(count).positions
    radius = np.linalg.norm(places - [0, 0, -0.2], axis=1)
    np.testing.assert_allclose(radius, 0.1)
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + np.eye(count)
    assert apart.min() > 0.1 / np.sqrt(count)


@pytest.mark.parametrize('count', scaling.PEOPLE)
def test_everybody_is_in_the_picture_and_nobody_in_anothers_place(count):
    boxes = [face.box for face in scaling.faces_at(scaling.crowd(count))]
    for left, top, width, height in boxes:
        assert min(left, top) >= 0
        assert left + width <= 640
        assert top + height <= 480
    assert len({tuple(box.round()) for box in boxes}) == count


@pytest.mark.parametrize(
    ('milliseconds', 'exponent'), [((2, 4, 8), 1.0), ((3, 3, 3), 0.0), ((1, 4, 16), 2.0)]
)
def test_the_exponent_is_that_of_the_growth(milliseconds, exponent):
    growth = scaling.Growth('people', 'tracker', (1, 2, 4), milliseconds)
    assert growth.exponent == pytest.approx(exponent, abs=1e-9)


def test_every_count_of_every_stage_is_told(tmp_path, monkeypatch, no_bar):
    monkeypatch.setattr(scaling, 'PEOPLE', (1, 2))
    monkeypatch.setattr(scaling, 'MICROPHONES', (4, 8))
    monkeypatch.setattr(scaling, 'WIDTHS', (320, 640))
    monkeypatch.setattr(scaling, '_IMAGES', 6)
    monkeypatch.setattr(scaling, '_SETTLING', 3)
    noise = np.random.default_rng(0)
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write_rig(Rig(CAMERA, MicrophoneArray(np.eye(4, 3))), 10**9)
        sound = noise.normal(size=(16_000, 4)).astype(np.float32)
        bag.write_audio(AudioBlock(10**9, 0, 16_000, 0.1 * sound))
        picture = noise.integers(0, 255, (288, 360, 3), np.uint8)
        bag.write_image(ImageFrame(10**9, picture), CAMERA)
    result = scaling.bench_scaling(tmp_path, no_bar)
    assert json.loads((tmp_path / 'scaling.json').read_text(encoding='utf-8')) == result
    assert (tmp_path / 'scaling.png').stat().st_size > 10_000
    costs = {name for name in result if name.endswith('_ms')}
    assert costs == {
        *(f'people_{n}_{s}_ms' for n in (1, 2) for s in ('acoustic_map', 'fusion', 'tracker')),
        *(f'microphones_{n}_acoustic_map_ms' for n in (4, 8)),
        *(f'width_{n}_face_detector_ms' for n in (320, 640)),
    }
    assert all(result[name] > 0 for name in costs)
    assert len(result) - len(costs) == 5
