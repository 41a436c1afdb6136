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

import shutil
from dataclasses import replace

import numpy as np
import pytest
from builders import make_track
from rosbags.interfaces import QosDurability, QosReliability
from rosbags.rosbag2 import Reader
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.types import AudioBlock, ImageFrame, Modality, TrackFrame, TrackState

START = 10_000_000_000
CAMERA = Camera(
    320.0,
    310.0,
    170.5,
    140.25,
    (360, 288),
    np.array([-0.3, 0.1, 0.001, -0.002, 0.0]),
    0.002,
    RigidTransform(
        Rotation.from_euler('xyz', [100, 10, 30], degrees=True).as_matrix(),
        np.array([-1.5, 2.0, 1.4]),
    ),
)
ARRAY = MicrophoneArray(
    np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 0, 1, 1]), name='two pairs'
)
RIG = Rig(CAMERA, ARRAY, RigidTransform(np.eye(3), np.array([0.0, 0.1, 0.2])))
TRACK = make_track(
    2,
    (0.5, 1.0, 0.4),
    True,
    (10, 20, 30, 40),
    velocity=np.array([0.1, -0.2, 0.0]),
    covariance=np.diag([1.0, 2, 3, 4, 5, 6]),
    speaking=0.75,
    modalities=Modality.VISUAL | Modality.AUDIO,
    born=START - 1_500_000_000,
    last_audio=START,
    last_visual=START - 40_000_000,
)


def audio_blocks(count):
    generator = np.random.default_rng(1)
    for index in range(count):
        samples = generator.integers(-32768, 32768, (160, 4)).astype(np.float32) / 32768
        yield AudioBlock(START + index * 10_000_000, index * 160, 16_000, samples)


def images(count):
    ramp = np.linspace(0, 255, 360, dtype=np.uint8)
    for index in range(count):
        image = np.zeros((288, 360, 3), np.uint8)
        image[..., index % 3] = ramp
        yield ImageFrame(START + 20_000_000 + index * 40_000_000, image)


def write(path, *, compressed=True, blocks=40, frames=10):
    with BagWriter(path) as bag:
        bag.write_rig(RIG, START)
        records = [*audio_blocks(blocks), *images(frames)]
        records.sort(key=lambda r: r.stamp + (9_937_500 if isinstance(r, AudioBlock) else 0))
        for record in records:
            if isinstance(record, AudioBlock):
                bag.write_audio(record)
            else:
                bag.write_image(record, CAMERA, compressed=compressed)
                bag.write_ground_truth(TrackFrame(record.stamp, (TRACK,)))
    return path


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return write(tmp_path_factory.mktemp('bags') / 'talk')


def test_sound_comes_back_bit_exact(bag):
    with BagReader(bag) as reader:
        blocks = [r for r in reader.records() if isinstance(r, AudioBlock)]
    assert len(blocks) == 40
    for read, written in zip(blocks, audio_blocks(40), strict=True):
        assert (read.stamp, read.first_sample, read.rate) == (
            written.stamp,
            written.first_sample,
            written.rate,
        )
        np.testing.assert_array_equal(read.samples, written.samples)


@pytest.mark.parametrize('compressed', [True, False])
def test_images_come_back(tmp_path, compressed):
    with BagReader(write(tmp_path / 'bag', compressed=compressed)) as reader:
        read = [r for r in reader.records() if isinstance(r, ImageFrame)]
        assert reader.image_stamps == [image.stamp for image in images(10)]
        assert reader.compressed is compressed
    for frame, written in zip(read, images(10), strict=True):
        assert frame.stamp == written.stamp
        error = np.abs(frame.image.astype(int) - written.image).max()
        assert error <= (12 if compressed else 0)


def test_bag_order_never_shows_the_future(bag):
    with BagReader(bag) as reader:
        heard = 0
        for record in reader.records():
            if isinstance(record, AudioBlock):
                heard = record.stamp + 10_000_000
            else:
                # Everything up to the image is heard before it, and nothing that comes after it.
                assert record.stamp - 10_000_000 < heard <= record.stamp


def test_geometry_comes_back(bag):
    with BagReader(bag) as reader:
        rig = reader.rig()
    np.testing.assert_allclose(rig.camera.matrix, CAMERA.matrix)
    points = RIG.camera.back_project(np.array([[10.0, 20.0], [300.0, 250.0]]), 2.0)
    np.testing.assert_allclose(rig.camera.project(points), CAMERA.project(points), atol=1e-9)
    np.testing.assert_array_equal(rig.microphones.positions, ARRAY.positions)
    np.testing.assert_array_equal(rig.microphones.groups, ARRAY.groups)
    assert rig.microphones.name == 'two pairs'
    np.testing.assert_allclose(rig.target_from_array.translation, [0, 0.1, 0.2])
    assert rig.room is None


def test_the_room_comes_back(tmp_path):
    room = Room(np.array([-1.8, -6.0, -0.7]), np.array([1.8, 2.2, 1.7]))
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write_rig(replace(RIG, room=room), START)
        writer.write_image(ImageFrame(START, np.zeros((8, 8, 3), np.uint8)), CAMERA)
    with BagReader(tmp_path / 'bag') as reader:
        rig = reader.rig()
    np.testing.assert_array_equal(rig.room.minimum, room.minimum)
    np.testing.assert_array_equal(rig.room.maximum, room.maximum)


def test_target_frame_may_be_any_static_frame(bag):
    with BagReader(bag) as reader:
        rig = reader.rig('mic_array')
    np.testing.assert_allclose(rig.target_from_array.rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rig.camera.centre, CAMERA.centre - [0, 0.1, 0.2])
    with (
        BagReader(bag) as reader,
        pytest.raises(InputError, match="'camera_optical' and 'mic_array' to 'kitchen'"),
    ):
        reader.rig('kitchen')


def test_ground_truth_comes_back(bag):
    with BagReader(bag) as reader:
        frames = reader.ground_truth()
    assert [frame.stamp for frame in frames] == [image.stamp for image in images(10)]
    track = frames[0].tracks[0]
    assert (track.id, track.state, track.is_speaking) == (2, TrackState.CONFIRMED, True)
    assert track.born == TRACK.born
    np.testing.assert_allclose(track.position, TRACK.position)
    np.testing.assert_allclose(track.covariance, TRACK.covariance)
    np.testing.assert_allclose(track.box, TRACK.box)


def test_raw_messages_say_which_are_latched(bag):
    with BagReader(bag) as reader:
        raw = list(reader.raw())
    latched = {message.topic for message in raw if message.latched}
    assert latched == {'/audio/array_info', '/tf_static'}
    assert [message.topic for message in raw[:2]] == ['/audio/array_info', '/tf_static']
    assert [m.log_time for m in raw] == sorted(m.log_time for m in raw)
    assert raw[2].log_time == START + 9_937_500


def test_offered_qos_is_what_a_replay_needs(bag):
    with Reader(bag) as reader:
        offered = {c.topic: c.ext.offered_qos_profiles[0] for c in reader.connections}
    assert offered['/tf_static'].durability is QosDurability.TRANSIENT_LOCAL
    assert offered['/audio/array_info'].durability is QosDurability.TRANSIENT_LOCAL
    assert offered['/image_raw/compressed'].reliability is QosReliability.RELIABLE
    assert offered['/image_raw/compressed'].durability is QosDurability.VOLATILE
    assert offered['/audio'].depth >= 200


def test_raw_copy_is_the_same_bag(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / 'copy') as copy:
        for m in reader.raw():
            copy.write_raw(m.topic, m.type, m.log_time, m.data, latched=m.latched)
    with BagReader(bag) as first, BagReader(tmp_path / 'copy') as second:
        assert list(first.raw()) == list(second.raw())
        assert first.duration == second.duration == pytest.approx(0.3999375)


def test_topics_are_found_under_a_namespace(bag, tmp_path):
    with BagReader(bag) as reader, BagWriter(tmp_path / 'robot') as copy:
        for m in reader.raw():
            topic = m.topic if m.topic == '/tf_static' else '/robot' + m.topic
            copy.write_raw(topic, m.type, m.log_time, m.data, latched=m.latched)
    with BagReader(tmp_path / 'robot') as reader:
        assert len(reader.image_stamps) == 10
        assert len(reader.rig().microphones.positions) == 4


def give_up_half_way(path):
    with BagWriter(path) as bag:
        bag.write_rig(RIG, START)
        raise InputError('given up')


def test_a_bag_appears_only_when_it_is_whole(tmp_path):
    with BagWriter(tmp_path / 'whole') as bag:
        bag.write_rig(RIG, START)
        assert not (tmp_path / 'whole').exists()
    with pytest.raises(InputError, match='given up'):
        give_up_half_way(tmp_path / 'half')
    assert [entry.name for entry in tmp_path.iterdir()] == ['whole']


def test_an_existing_bag_is_kept_unless_told_otherwise(bag, tmp_path):
    path = shutil.copytree(bag, tmp_path / 'bag')
    with pytest.raises(InputError, match='exists already'):
        BagWriter(path)
    with BagWriter(path, overwrite=True) as writer:
        writer.write_rig(RIG, START)
    with BagReader(path) as reader:
        assert set(reader.topics) == {'/audio/array_info', '/tf_static'}
    assert [entry.name for entry in tmp_path.iterdir()] == ['bag']


def test_missing_bag(tmp_path):
    with pytest.raises(InputError, match=r'no bag at .*nowhere'):
        BagReader(tmp_path / 'nowhere')


@pytest.mark.parametrize('share', [0.0, 0.01, 0.5, 0.95, 0.999])
def test_truncated_bag_is_one_clear_line(bag, tmp_path, share):
    path = shutil.copytree(bag, tmp_path / 'bag')
    file = next(path.glob('*.mcap'))
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(InputError, match='not a whole bag') as caught:
        BagReader(path)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(('damage', 'size'), [(0xA5, 8192), (0, 30_000)])
def test_damaged_bag_is_one_clear_line(bag, tmp_path, damage, size):
    path = shutil.copytree(bag, tmp_path / 'bag')
    file = next(path.glob('*.mcap'))
    content = bytearray(file.read_bytes())
    third = len(content) // 3
    content[third : third + size] = bytes([damage]) * size
    file.write_bytes(content)
    with pytest.raises(InputError, match='damaged'), BagReader(path) as reader:
        list(reader.records())


def test_bag_without_sound_says_what_it_holds(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write_rig(RIG, START)
        for image in images(2):
            writer.write_image(image, CAMERA)
    with (
        BagReader(tmp_path / 'bag') as reader,
        pytest.raises(InputError, match=r'no messages on /audio; it holds .*/camera_info'),
    ):
        list(reader.records())


def test_unsupported_content_is_named():
    audio = messages.to_audio(next(audio_blocks(1)), 'array')
    audio.frames = 161
    with pytest.raises(InputError, match='640 values instead of 161 x 4'):
        messages.from_audio(audio)
    info = messages.to_camera_info(CAMERA, START, 'camera')
    info.distortion_model = 'omnidirectional'
    with pytest.raises(InputError, match='omnidirectional'):
        messages.from_camera_info(info)
