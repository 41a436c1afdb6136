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

from dataclasses import replace

import numpy as np
import pytest
from mini_corpus import NAME, write_sequence
from test_training_samples import ANN, BOB, RIG, clip

from av_tracker_nodes.acoustics import SoundMapper
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.corpus import local_path, make_sequence_clips
from av_tracker_nodes.research.training.disturbances import occluded
from av_tracker_nodes.research.training.recorder import record_local
from av_tracker_nodes.types import AudioBlock, to_nanoseconds

RATE, BLOCK = 16_000, 160


def noise(seconds):
    """Sound of all microphones, block by block."""
    rng = np.random.default_rng(0)
    for first in range(0, round(seconds * RATE), BLOCK):
        samples = rng.normal(0, 0.1, (BLOCK, len(RIG.microphones.positions))).astype(np.float32)
        yield AudioBlock(to_nanoseconds(first / RATE), first, RATE, samples)


def at_seconds(recorded, start, period=0.04):
    """Give the frames of a clip other stamps."""
    frames = []
    for k, frame in enumerate(recorded.frames):
        stamp = to_nanoseconds(start + period * k)
        frames.append(
            replace(
                frame,
                faces=replace(frame.faces, stamp=stamp),
                sound=replace(frame.sound, stamp=stamp),
            )
        )
    return replace(recorded, frames=tuple(frames))


def test_local_sound_is_that_of_half_of_the_microphones_at_the_same_images():
    whole = at_seconds(clip(), 2.0)
    (local,) = record_local([whole], noise(3.0))
    array = replace(
        RIG.microphones,
        **{
            name: getattr(RIG.microphones, name)[1::2]
            for name in ('positions', 'groups', 'channels')
        },
    )
    ears = SoundMapper(rig=replace(RIG, microphones=array), source=noise(3.0))
    for frame, other in zip(local.frames, whole.frames, strict=True):
        assert frame.sound.stamp == other.sound.stamp
        assert frame.sound.dead_channels == ()
        np.testing.assert_array_equal(frame.sound.values, ears.map(other.faces).values)
    both = whole.with_local(local)
    assert both.frames[2].local is local.frames[2].sound
    assert both.frames[2].sound is whole.frames[2].sound


def test_the_middle_third_is_covered_and_its_faces_are_gone():
    frame = clip(faces=(ANN, BOB)).frames[0]
    image = np.random.default_rng(0).integers(0, 255, (288, 360, 3)).astype(np.uint8)
    covered, without = occluded(image, frame)
    assert (covered[:, 120:240] == covered[0, 120]).all()
    assert (covered[:, :120] == image[:, :120]).all()
    assert (covered[:, 240:] == image[:, 240:]).all()
    centres = [
        face_box(RIG.camera, mouth)[:2] + face_box(RIG.camera, mouth)[2:] / 2
        for mouth in (ANN, BOB)
    ]
    kept = sum(not 120 <= centre[0] < 240 for centre in centres)
    assert len(without.faces.faces) == kept < 2


@pytest.mark.thorough
def test_a_recorded_sequence_becomes_clips_once(tmp_path):
    write_sequence(tmp_path / 'corpus')
    out = tmp_path / 'clips'
    paths = make_sequence_clips(out, tmp_path / 'corpus', [NAME], lambda share: None)
    assert len(paths) == 3
    for path in paths:
        whole, local = Clip.load(path), Clip.load(local_path(path))
        assert len(whole.frames) == len(local.frames) > 0
        assert np.isnan(whole.frames[0].people.speaking).all()
        assert whole.frames[0].image.shape == (288, 360, 3)
    stamps = [path.stat().st_mtime_ns for path in paths]
    again = make_sequence_clips(out, tmp_path / 'corpus', [NAME], lambda share: None)
    assert [path.stat().st_mtime_ns for path in again] == stamps


def test_a_missing_sequence_is_named(tmp_path):
    write_sequence(tmp_path / 'corpus')
    with pytest.raises(InputError, match='seq40'):
        make_sequence_clips(tmp_path / 'out', tmp_path / 'corpus', ['seq40'], lambda share: None)
