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

"""Bags through the pipeline: to files, and before a viewer."""

from contextlib import nullcontext

import numpy as np
import pytest
from tiny_recording import write_bag

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.pipeline import track_bag, watch_bag
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.recordings.tracks_csv import read_tracks
from av_tracker_nodes.types import ImageFrame, TrackState

pytestmark = pytest.mark.thorough


class Witness:
    """A viewer that notes what it is shown."""

    def __init__(self):
        self.rigs, self.truths, self.images, self.maps, self.frames = [], [], [], [], []

    def draw_rig(self, rig, stamp):
        self.rigs.append((rig, stamp))

    def draw_truth(self, frame):
        self.truths.append(frame)

    def draw_image(self, image):
        self.images.append(image.stamp)

    def draw_map(self, sound):
        self.maps.append(sound)

    def draw_tracks(self, frame):
        self.frames.append(frame)


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp('bags') / 'tiny')


@pytest.fixture(scope='module')
def interrupted(recording, tmp_path_factory):
    """The same, but the robot says that from its second second on it talks itself."""
    path = tmp_path_factory.mktemp('bags') / 'interrupted'
    with BagReader(recording.path) as source, BagWriter(path) as bag:
        rig = source.rig()
        bag.write_rig(rig, source.start_time)
        talks = False
        for record in source.records():
            if not talks and record.stamp > source.start_time + 1_000_000_000:
                talks = True
                bag.write_robot_speaking(talks, record.stamp)
            if isinstance(record, ImageFrame):
                bag.write_image(record, rig.camera)
            else:
                bag.write_audio(record)
    return path


def published(frames):
    """Rows that a run of these frames writes, less the numbers of boxes."""
    return [
        (frame.stamp, track.id, *track.position.round(5))
        for frame in frames
        for track in frame.tracks
        if track.state != TrackState.TENTATIVE
    ]


def test_a_viewer_is_shown_everything(recording, tmp_path):
    witness, shares = Witness(), []
    notes, problems = watch_bag(
        recording.path, lambda: nullcontext(witness), 'vggcf', progress=shares.append
    )
    assert problems == []
    assert notes == track_bag(recording.path, tmp_path, 'vggcf')['notes'] != []
    ((rig, stamp),) = witness.rigs
    np.testing.assert_allclose(rig.microphones.positions, recording.rig.microphones.positions)
    assert stamp <= recording.image_stamps[0]
    assert witness.images == recording.image_stamps
    assert [sound.stamp for sound in witness.maps] == [frame.stamp for frame in witness.frames]
    assert len(witness.truths) == len(recording.image_stamps)
    assert shares == sorted(shares)
    assert shares[-1] > 0.8


@pytest.mark.parametrize('robot_talks', [False, True])
def test_what_is_shown_is_what_is_written(recording, interrupted, robot_talks, tmp_path):
    path = interrupted if robot_talks else recording.path
    witness = Witness()
    watch_bag(path, lambda: nullcontext(witness), 'vggcf')
    run = track_bag(path, tmp_path, 'vggcf')
    assert run['frames_answered'] == run['frames_in']
    written = read_tracks(tmp_path)
    assert len(written) > 10
    rows = zip(written.stamp, written.id, *written.position.T, strict=True)
    np.testing.assert_allclose(published(witness.frames), list(rows), atol=1e-5)


def test_the_robots_own_voice_is_nobody(recording, interrupted, tmp_path):
    longest = []
    for path in (recording.path, interrupted):
        track_bag(path, tmp_path / path.name, 'vggcf')
        longest.append(read_tracks(tmp_path / path.name).speaking[-1])
    assert longest[0] > 0.5 > longest[1]


def test_a_bag_that_is_none_opens_no_viewer(tmp_path):
    def open_viewer():
        raise AssertionError('opened')

    with pytest.raises(InputError):
        watch_bag(tmp_path / 'missing', open_viewer)


def test_rows_have_the_number_of_their_image(recording, tmp_path):
    track_bag(recording.path, tmp_path, 'vggcf')
    table = read_tracks(tmp_path)
    numbers = {stamp: number for number, stamp in enumerate(recording.image_stamps)}
    assert table.frame.tolist() == [numbers.get(stamp, -1) for stamp in table.stamp.tolist()]
    assert table.frame.max() == len(numbers) - 1
