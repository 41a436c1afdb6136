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

"""A robot that drives about, through the pipeline: its places come with the recording."""

import logging

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tiny_recording import VOICE, write_bag

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.sensor_rig import (
    ArrayDescription,
    CameraDescription,
    SensorRig,
    StampedTransform,
    Transforms,
)
from av_tracker_nodes.pipeline import Pipeline
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.types import ImageFrame, UnreadableImage, to_nanoseconds, to_seconds

pytestmark = pytest.mark.thorough

MODEL = 'vggcf'
PERIOD = to_nanoseconds(0.05)
BASE_IN_BODY = RigidTransform(
    Rotation.from_euler('zyx', [30, 5, -5], degrees=True).as_matrix(), np.array([0.3, -0.2, 0.8])
)
"""Where the frame that the rig is described in sits on the robot."""


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    return write_bag(tmp_path_factory.mktemp('bags') / 'tiny')


@pytest.fixture(scope='module')
def records(recording):
    with BagReader(recording.path) as reader:
        return list(reader.records())


@pytest.fixture(scope='module')
def standing(recording, records):
    """Tracks of a rig that is known and stands."""
    return list(Pipeline(recording.rig, MODEL).run(records))


@pytest.fixture
def described(recording):
    """What tells of the sensors of a robot whose base moves."""
    rig = recording.rig
    lens = rig.camera.in_frame(rig.camera.pose.inverse)
    edges = (
        StampedTransform('base_link', 'body', BASE_IN_BODY, 0),
        StampedTransform('body', 'camera_optical', rig.camera.pose, 0),
        StampedTransform('body', 'mic_array', rig.target_from_array, 0),
    )
    return [
        Transforms(edges, is_static=True),
        CameraDescription(lens, 'camera_optical'),
        ArrayDescription(rig.microphones, 'mic_array', rig.room),
    ]


def base_at(start, stamp):
    """A slow turn while driving."""
    seconds = to_seconds(stamp - start)
    turn = Rotation.from_euler('z', 3 * seconds, degrees=True).as_matrix()
    return RigidTransform(turn, np.array([-0.1 * seconds, 0.05 * seconds, 0.0]))


def driven(records, described, is_told=lambda seconds: True):
    """Records with the place of the base at 20 Hz among them, as long as it is told."""
    start = records[0].stamp
    yield from described
    told = start - PERIOD
    for record in records:
        while told <= record.stamp:
            if is_told(to_seconds(told - start)):
                pose = base_at(start, told)
                yield Transforms((StampedTransform('odom', 'base_link', pose, told),), False)
            told += PERIOD
        yield record


def places(frames):
    return {(frame.stamp, track.id): track.position for frame in frames for track in frame.tracks}


def test_in_a_frame_of_the_robot_it_stands(records, described, standing):
    frames = list(Pipeline(SensorRig('body'), MODEL).run(driven(records, described)))
    found, expected = places(frames), places(standing)
    assert found.keys() == expected.keys()
    assert len(expected) > 20
    for key, place in found.items():
        np.testing.assert_allclose(place, expected[key], atol=1e-9)


def test_in_the_world_the_motion_of_the_base_is_made_up_for(records, described, standing):
    """Who stands before the robot while it drives moves with it."""
    start = records[0].stamp
    frames = list(Pipeline(SensorRig('odom'), MODEL).run(driven(records, described)))
    assert [frame.stamp for frame in frames] == [frame.stamp for frame in standing]
    # By its end the voice is far from where the first place of the base would put it.
    last = base_at(start, frames[-1].stamp) @ BASE_IN_BODY
    assert np.linalg.norm((last @ VOICE) - (BASE_IN_BODY @ VOICE)) > 0.3
    found, expected = places(frames), places(standing)
    common = found.keys() & expected.keys()
    assert len(common) > 0.9 * len(expected) > 20
    back = [
        (base_at(start, stamp) @ BASE_IN_BODY).inverse @ found[stamp, number]
        for stamp, number in common
    ]
    off = np.linalg.norm(np.array(back) - [expected[key] for key in common], axis=1)
    assert np.median(off) < 0.05
    assert off.max() < 0.2


def test_while_the_base_is_lost_nobody_is_told_of(records, described, caplog):
    start = records[0].stamp

    def is_told(seconds):
        return not 1.6 < seconds < 2.9

    geometry = SensorRig('odom', tf_timeout=0.3)
    with caplog.at_level(logging.WARNING, 'av_tracker_nodes.pipeline.chain'):
        frames = list(Pipeline(geometry, MODEL).run(driven(records, described, is_told)))
    known = {True: set(), False: set()}
    for frame in frames:
        seconds = to_seconds(frame.stamp - start)
        if 1.95 < seconds < 2.55:
            assert frame.tracks == ()
        elif 1.2 < seconds < 1.85 or seconds > 3.2:
            known[seconds > 3] |= {track.id for track in frame.tracks}
    assert known[False]
    assert known[True] & known[False]
    begin, end = (entry for entry in caplog.records if 'chain' in entry.name)
    assert (begin.levelname, end.levelname) == ('ERROR', 'WARNING')
    assert "transform from 'odom' to 'base_link' is 0.3 s old" in begin.message


def test_a_camera_in_a_body_frame_is_told(records, described, caplog):
    """Its transform lacks the turn from the axes of a body to those of an image."""
    edges = described[0].transforms
    upright = StampedTransform('body', 'camera_optical', RigidTransform(), 0)
    edges = tuple(upright if edge.child == 'camera_optical' else edge for edge in edges)
    short = [Transforms(edges, is_static=True), *described[1:], *records[:20]]
    with caplog.at_level(logging.WARNING, 'av_tracker_nodes.pipeline.chain'):
        list(Pipeline(SensorRig('base_link'), MODEL).run(short))
    assert ['looks up' in entry.message for entry in caplog.records] == [True]


def test_sensors_that_are_described_late(records, described, standing):
    """Images before that are answered with nobody; the sound from before is not lost."""
    start = records[0].stamp
    late = [record for record in records if to_seconds(record.stamp - start) < 1.0]
    told = [*late, *described, *records[len(late) :]]
    frames = list(Pipeline(SensorRig('body'), MODEL).run(told))
    assert [frame.stamp for frame in frames] == [frame.stamp for frame in standing]
    described_at = late[-1].stamp - to_nanoseconds(0.1)
    assert not any(frame.tracks for frame in frames if frame.stamp < described_at)
    assert any(frame.tracks for frame in frames if to_seconds(frame.stamp - start) > 2)


def test_a_rig_that_is_given_is_not_moved(records, described, recording, standing):
    frames = list(Pipeline(recording.rig, MODEL).run(driven(records, described)))
    found, expected = places(frames), places(standing)
    assert found.keys() == expected.keys()
    for key, place in found.items():
        np.testing.assert_array_equal(place, expected[key])


def test_images_that_cannot_be_used_are_answered(records, recording, standing):
    images = [record.stamp for record in records if isinstance(record, ImageFrame)]
    broken = set(images[10:14]) | {images[-1]}
    spoilt = [
        UnreadableImage(record.stamp, 'it is cut off') if record.stamp in broken else record
        for record in records
    ]
    frames = list(Pipeline(recording.rig, MODEL).run(spoilt))
    assert [frame.stamp for frame in frames if frame.from_image] == images
