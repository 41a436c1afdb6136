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

"""What goes into a message comes out of it."""

from dataclasses import replace

import numpy as np
import pytest
from builders import make_track
from rclpy.serialization import deserialize_message, serialize_message

from av_tracker_msgs import msg as av
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.nodes import conversions, image_messages
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.messages.images import from_image
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    FaceSound,
    ImageFrame,
    Modality,
    TrackFrame,
    TrackState,
)

STAMP = 12_345_678_901


def sent(message):
    """The message as it arrives at the other end."""
    return deserialize_message(serialize_message(message), type(message))


def assert_same(first, second):
    """Compare nested dataclasses, arrays to single precision."""
    if hasattr(first, '__dataclass_fields__'):
        assert type(first) is type(second)
        for name in first.__dataclass_fields__:
            assert_same(getattr(first, name), getattr(second, name))
    elif isinstance(first, tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, (float, np.ndarray)):
        np.testing.assert_allclose(second, first, rtol=1e-6)
    else:
        assert first == second


def make_covariance(rng):
    root = rng.normal(size=(3, 3))
    return root @ root.T


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def faces(rng):
    boxes = rng.uniform(9, 99, (3, 4))
    first = Face(boxes[0], 0.9, rng.uniform(0, 99, (5, 2)), 7, np.array([0.6, 0.8]))
    others = Face(boxes[1], 0.5), Face(boxes[2], 0.5, lips=1.25)
    return FaceFrame(STAMP, (360, 288), (first, *others))


def acoustic_map(rng):
    heard = rng.normal(size=(3, 3))
    values = rng.uniform(0, 1, (4, 5)).astype(np.float32)
    return AcousticMap(
        stamp=STAMP,
        audio_stamp=STAMP - 300_000_000,
        measure='stgcf',
        values=rng.uniform(0, 1, (12, 15)).astype(np.float32),
        pitch=3.0,
        depth=2.5,
        coverage=0.75,
        dead_channels=(3, 5),
        peaks=(AcousticPeak(heard[0], make_covariance(rng), heard[1], 0.4, 0.8),),
        faces=(FaceSound(7, values, 0.6, 0.2, heard[2], 2.0, 0.5, 0.9),),
        from_image=False,
    )


def detections(rng):
    return DetectionFrame(
        STAMP,
        (
            Detection(
                rng.normal(size=3),
                make_covariance(rng),
                Modality.VISUAL | Modality.AUDIO,
                rng.uniform(0, 99, 4),
                *(0.5, 0.9, 0.7, 0.1, 3),
                np.array([0.6, 0.8]),
            ),
            Detection(rng.normal(size=3), np.eye(3), Modality.AUDIO),
        ),
        from_image=True,
    )


def track(rng, **changes):
    covariance = np.zeros((6, 6))
    covariance[:3, :3], covariance[3:, 3:] = make_covariance(rng), make_covariance(rng)
    values = {
        'velocity': rng.normal(size=3),
        'speaking': 0.75,
        'existence': 0.5,
        'modalities': Modality.AUDIO,
        'born': STAMP - 2_500_000_000,
        'last_audio': STAMP,
        'state': TrackState.COASTING,
        'covariance': covariance,
    }
    somebody = make_track(4, rng.normal(size=3), True, rng.uniform(0, 99, 4), **values)
    return replace(somebody, **changes)


def tracks(rng):
    return TrackFrame(STAMP, (track(rng), track(rng, id=5, box=None)), from_image=False)


KINDS = {
    'faces': (faces, conversions.to_faces, conversions.from_faces),
    'acoustic map': (acoustic_map, conversions.to_acoustic_map, conversions.from_acoustic_map),
    'detections': (detections, conversions.to_detections, conversions.from_detections),
    'tracks': (tracks, to_tracks, messages.from_tracks),
}
"""How each is made, written and read."""
NONE = {'faces': FaceFrame(STAMP, (360, 288)), 'acoustic map': AcousticMap.blank(STAMP, 'gcf')}


@pytest.mark.parametrize(
    ('kind', 'is_empty'), [*((kind, False) for kind in KINDS), *((kind, True) for kind in NONE)]
)
def test_what_is_written_is_read(rng, kind, is_empty):
    make, write, read = KINDS[kind]
    given = NONE[kind] if is_empty else make(rng)
    message = sent(write(given, 'somewhere'))
    assert message.header.frame_id == 'somewhere'
    assert_same(given, read(message))
    assert kind != 'acoustic map' or message.peak == pytest.approx(given.peak)


def test_both_writers_of_tracks_agree(rng):
    """A track that a node publishes is the one that a converted bag holds."""
    frame = tracks(rng)
    store, name = messages.typestore(), 'av_tracker_msgs/msg/SpeakerTrackArray'
    live = store.deserialize_cdr(bytes(serialize_message(to_tracks(frame, 'world'))), name)
    recorded = store.serialize_cdr(messages.to_tracks(frame, 'world'), name)
    assert bytes(store.serialize_cdr(live, name)) == bytes(recorded)


def test_people_look_at_the_viewpoint_and_their_pose_says_how_sure_that_is(rng):
    viewpoint = np.array([0.0, 0.0, 1.4])
    frame = TrackFrame(STAMP, (track(rng), track(rng, modalities=Modality.VISUAL)))
    heard, seen = sent(to_tracks(frame, 'world', viewpoint)).tracks
    for message, known in zip((heard, seen), frame.tracks, strict=True):
        turn, place = message.pose.pose.orientation, known.position
        forward, left, up = RigidTransform.from_quaternion(
            place, [turn.x, turn.y, turn.z, turn.w]
        ).rotation.T
        towards = (viewpoint - place) / np.linalg.norm(viewpoint - place)
        np.testing.assert_allclose(forward, towards, atol=1e-9)
        assert left[2] == pytest.approx(0, abs=1e-9)
        assert up[2] > 0
        for both, half in (
            (message.pose.covariance, known.covariance[:3, :3]),
            (message.twist.covariance, known.covariance[3:, 3:]),
        ):
            full = np.reshape(both, (6, 6))
            np.testing.assert_allclose(full[:3, :3], half)
            assert np.isfinite(full).all()
            np.testing.assert_array_equal(full, full.T)
            # Nobody measures how heads turn: the worst is far from a right angle, or a still head.
            assert np.linalg.eigvalsh(full[3:, 3:])[0] > 0.5**2
    # A face that was found is turned away by a right angle at most, a voice may turn anywhere.
    for message, farthest in ((seen, np.pi / 2), (heard, np.pi)):
        spread = np.var(np.linspace(-farthest, farthest, 10**5))
        assert message.pose.covariance[35] == pytest.approx(spread, rel=1e-3)


def test_who_stands_at_the_viewpoint_is_not_turned(rng):
    place = np.array([1.0, 2.0, 3.0])
    frame = TrackFrame(STAMP, (track(rng, position=place),))
    turn = to_tracks(frame, 'world', place).tracks[0].pose.pose.orientation
    assert (turn.x, turn.y, turn.z, turn.w) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ('message', 'kinds'),
    [
        (av.SpeakerTrack, {'STATE': TrackState, 'MODALITY': Modality}),
        (av.FusedDetection, {'MODALITY': Modality}),
    ],
)
def test_constants_of_messages_are_those_of_the_types(message, kinds):
    """Each has the name of its kind before its own; they are all that there is of its kind."""
    told = {name for name in dir(type(message)) if name.isupper() and not name.startswith('_')}
    assert {name: getattr(message, name) for name in told} == {
        f'{kind}_{member.name}': member for kind, members in kinds.items() for member in members
    }


@pytest.mark.parametrize('kind', [np.int16, np.float32])
def test_audio(rng, kind):
    samples = (rng.uniform(-1, 1, (160, 4)) * (32767 if kind is np.int16 else 1)).astype(kind)
    block = messages.from_audio(sent(conversions.to_audio(STAMP, 77, 16_000, samples, 'a')))
    assert (block.stamp, block.first_sample, block.rate) == (STAMP, 77, 16_000)
    scale = 32768 if kind is np.int16 else 1
    np.testing.assert_allclose(block.samples, samples / scale, atol=1e-7)


def test_array_info(rng):
    array = MicrophoneArray(
        rng.normal(size=(4, 3)), [0, 0, 1, 1], [3, 1, 0, 2], 48_000, 340.5, 'x'
    )
    message = sent(conversions.to_array_info(array, STAMP, 'a'))
    back = messages.from_array_info(message)
    for name in ('positions', 'groups', 'channels', 'rate', 'speed_of_sound', 'name'):
        np.testing.assert_array_equal(getattr(back, name), getattr(array, name))
    assert messages.room_of(message) is None


def test_array_info_with_a_room(rng):
    array, room = (
        MicrophoneArray(rng.normal(size=(4, 3))),
        Room(np.zeros(3), np.array([3, 4, 2.5])),
    )
    message = sent(conversions.to_array_info(array, STAMP, 'a', room))
    np.testing.assert_array_equal(messages.room_of(message).maximum, room.maximum)
    np.testing.assert_array_equal(messages.room_of(message).minimum, room.minimum)
    table = Box(np.array([1.0, 1, 0]), np.array([2, 2, 0.75]))
    furnished = conversions.to_array_info(array, STAMP, 'a', replace(room, obstacles=(table,)))
    back = messages.room_of(sent(furnished))
    np.testing.assert_array_equal(back.obstacles[0].minimum, table.minimum)
    np.testing.assert_array_equal(back.obstacles[0].maximum, table.maximum)
    np.testing.assert_array_equal(back.maximum, room.maximum)
    del message.room[1:]
    with pytest.raises(InputError, match='two corners'):
        messages.room_of(message)


@pytest.mark.parametrize(
    ('model', 'terms'), [('plumb_bob', 5), ('rational_polynomial', 12), ('equidistant', 4)]
)
def test_camera_info(rng, model, terms):
    distortion = rng.normal(size=terms) / 10
    camera = Camera(350.0, 360.0, 180.0, 140.0, (360, 288), distortion, 0.01, model=model)
    back = messages.from_camera_info(sent(conversions.to_camera_info(camera, STAMP, 'c')))
    assert back.model == model
    np.testing.assert_allclose(back.matrix, camera.matrix)
    np.testing.assert_allclose(back.distortion, camera.distortion)
    assert back.size == camera.size


def test_image(rng):
    image = rng.integers(0, 255, (24, 32, 3), np.uint8)
    message = sent(image_messages.to_image(ImageFrame(STAMP, image), 'c'))
    np.testing.assert_array_equal(from_image(message).image, image)


def test_compressed_image():
    image = np.full((24, 32, 3), (10, 120, 200), np.uint8)
    message = sent(image_messages.to_compressed_image(ImageFrame(STAMP, image), 'c'))
    np.testing.assert_allclose(from_image(message).image, image, atol=3)


def test_transform():
    pose = RigidTransform.from_quaternion(np.array([1.0, 2, 3]), np.array([0, 0, 0.6, 0.8]))
    from tf2_msgs.msg import TFMessage

    message = sent(TFMessage(transforms=[conversions.to_transform('world', 'cam', pose, STAMP)]))
    back = messages.from_transforms(message)['world', 'cam']
    np.testing.assert_allclose(back.rotation, pose.rotation, atol=1e-12)
    np.testing.assert_allclose(back.translation, pose.translation)


REFUSED = [
    ('faces', 'faces.0.box.height', 0.5, 'x 0.5 pixels'),
    ('acoustic map', 'depth', np.nan, 'an acoustic map has numbers'),
    ('acoustic map', 'rows', 3, 'values instead of 3 x'),
    ('acoustic map', 'peaks.0.covariance', np.diag([1, 1, -1.0]), 'covariance that is none'),
    ('acoustic map', 'faces.0.range', np.inf, 'sound of a face has numbers'),
    ('detections', 'detections.0.position.x', 1e9, 'a detection has numbers'),
    ('detections', 'detections.0.covariance', np.tri(3), 'covariance that is none'),
    ('detections', 'detections.0.box.width', 0.0, 'a detection has a box of 0 x'),
    ('detections', 'detections.0.embedding', [1.0, 1.0], 'embedding of length 1.41'),
    ('tracks', 'tracks.0.state', 9, 'has the state 9'),
    ('tracks', 'tracks.0.twist.twist.linear.y', np.nan, 'has numbers'),
]


@pytest.mark.parametrize(('kind', 'place', 'value', 'problem'), REFUSED)
def test_numbers_that_nobody_means_are_refused(rng, kind, place, value, problem):
    make, write, read = KINDS[kind]
    owner = message = write(make(rng), 'somewhere')
    *way, name = place.split('.')
    for step in way:
        owner = owner[int(step)] if step.isdigit() else getattr(owner, step)
    setattr(owner, name, np.ravel(value).astype(float) if np.ndim(value) else value)
    with pytest.raises(InputError, match=problem):
        read(message)
