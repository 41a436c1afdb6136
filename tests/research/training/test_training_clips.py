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

import json
from dataclasses import fields

import numpy as np
import pytest

from av_tracker_nodes.acoustics.enhancement import combine
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.research.simulation.meeting_room import ROOM, cameras, microphones
from av_tracker_nodes.research.training.clips import Clip, ClipFrame, PeopleTruth, encode_image
from av_tracker_nodes.types import AcousticMap, AcousticPeak, Face, FaceFrame, FaceSound

RIG = Rig(cameras()[0], microphones(), room=ROOM)


def clip_frame(stamp: int, faces: int, people: int, take: int = 0) -> ClipFrame:
    rng = np.random.default_rng(stamp)
    image = rng.integers(0, 255, (288, 360, 3), dtype=np.uint8)
    seen = tuple(
        Face(rng.uniform(0, 90, 4), 0.9, rng.uniform(0, 90, (5, 2)), k + 1, np.eye(8)[k])
        for k in range(faces)
    )
    heard = tuple(
        FaceSound(
            k + 1, rng.random((12, 12), np.float32), 0.2, 0.1, rng.normal(size=3), 2.0, 0.1, 0.7
        )
        for k in range(faces)
    )
    peak = AcousticPeak(rng.normal(size=3), np.eye(3), np.array([1.0, 0, 0]), 0.3, 0.8)
    field = rng.random((96, 120), np.float32)
    sound = AcousticMap(
        stamp, stamp - 5, 'vggcf', field, 3.0, 2.5, 1.0, (3, 5), (peak,) * (stamp % 3), heard
    )
    truth = PeopleTruth(
        rng.normal(size=(people, 3)),
        rng.normal(size=(people, 2)),
        np.full(people, np.nan),
        np.ones(people),
    )
    return ClipFrame(encode_image(image), FaceFrame(stamp, (360, 288), seen), sound, truth, take)


def same(ours, theirs) -> bool:
    """Compare two dataclasses, arrays within half precision."""
    for part in fields(ours):
        one, other = getattr(ours, part.name), getattr(theirs, part.name)
        if isinstance(one, np.ndarray):
            if not np.allclose(one, other, atol=1e-3, equal_nan=True):
                return False
        elif isinstance(one, tuple) and one and hasattr(one[0], '__dataclass_fields__'):
            if len(one) != len(other) or not all(map(same, one, other)):
                return False
        elif one != other and not (one != one and other != other):
            return False
    return True


def test_a_clip_comes_back_from_its_file(tmp_path):
    frames = (clip_frame(3, 2, 2), clip_frame(4, 0, 0), clip_frame(5, 1, 3, take=1))
    Clip('one', RIG, frames).save(tmp_path / 'one.npz')
    read = Clip.load(tmp_path / 'one.npz')
    assert read.name == 'one'
    assert len(read.frames) == 3
    for ours, theirs in zip(frames, read.frames, strict=True):
        assert ours.jpeg == theirs.jpeg
        assert ours.take == theirs.take
        assert same(ours.faces, theirs.faces)
        assert same(ours.sound, theirs.sound)
        assert same(ours.people, theirs.people)
    point = np.array([0.9, 0.1, 0.8])
    np.testing.assert_allclose(read.rig.camera.project(point), RIG.camera.project(point))
    np.testing.assert_array_equal(read.rig.microphones.positions, RIG.microphones.positions)
    np.testing.assert_array_equal(read.rig.room.maximum, ROOM.maximum)


def test_enhanced_adds_the_history_of_a_take_and_no_other():
    frames = (clip_frame(1, 1, 1), clip_frame(2, 1, 1), clip_frame(3, 1, 1, take=1))
    first, second, third = (frame.sound.faces[0].values for frame in frames)
    enhanced = [frame.sound.faces[0].values for frame in Clip('x', RIG, frames).enhanced().frames]
    np.testing.assert_array_equal(enhanced[0], first)
    np.testing.assert_allclose(enhanced[1], combine(second, [(1, first)]), rtol=1e-6)
    np.testing.assert_array_equal(enhanced[2], third)


@pytest.mark.parametrize('content', [b'', b'nonsense', b'PK\x03\x04 cut off'])
def test_a_damaged_clip_is_named(tmp_path, content):
    path = tmp_path / 'broken.npz'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'broken\.npz is no clip'):
        Clip.load(path)


def test_a_clip_of_another_format_is_refused(tmp_path):
    np.savez(tmp_path / 'old.npz', meta=np.array(json.dumps({'format': 0})))
    with pytest.raises(InputError, match='another format'):
        Clip.load(tmp_path / 'old.npz')
