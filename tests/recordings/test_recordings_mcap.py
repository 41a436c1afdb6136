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

"""MCAP files of ours as rosbag2_storage_mcap reads them, and bags of former definitions."""

import re
import struct
from collections import defaultdict

import numpy as np
import pytest
import yaml
from builders import make_track
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.types import ImageFrame, Modality, TrackFrame, TrackState

START = 10_000_000_000
TRACKS = 'av_tracker_msgs/msg/SpeakerTrackArray'
CAMERA = Camera(30.0, 30.0, 15.5, 11.5, (32, 24))
CHANNEL, CHUNK = 0x04, 0x06
MAGIC = b'\x89MCAP0\r\n'


def frame(stamp=START):
    track = make_track(
        3,
        (0.5, 1.0, 0.4),
        True,
        state=TrackState.COASTING,
        covariance=np.diag([1.0, 2, 3, 4, 5, 6]),
        speaking=0.75,
        existence=0.5,
        modalities=Modality.VISUAL | Modality.AUDIO,
        born=START,
    )
    return TrackFrame(stamp, (track,))


# ---- what is in a file, by the specification of MCAP


def records(data):
    """Opcode and content of each record, those in chunks included."""
    while data:
        opcode, length = struct.unpack_from('<BQ', data)
        content, data = data[9 : 9 + length], data[9 + length :]
        if opcode == CHUNK:
            (named,) = struct.unpack_from('<I', content, 28)
            assert named == 0, 'the chunk is compressed'
            yield from records(content[40:])
        else:
            yield opcode, content


def texts(data):
    while data:
        (length,) = struct.unpack_from('<I', data)
        yield data[4 : 4 + length].decode()
        data = data[4 + length :]


def channels(file):
    """Every copy of the record of each channel, by topic: its metadata."""
    found = defaultdict(list)
    data = file.read_bytes()
    assert data.startswith(MAGIC)
    assert data.endswith(MAGIC)
    for opcode, content in records(data[8:-8]):
        if opcode == CHANNEL:
            (length,) = struct.unpack_from('<I', content, 4)
            topic, rest = content[8 : 8 + length].decode(), content[8 + length :]
            (skipped,) = struct.unpack_from('<I', rest)
            parts = list(texts(rest[8 + skipped :]))
            found[topic].append(dict(zip(parts[::2], parts[1::2], strict=True)))
    return found


@pytest.fixture
def bag(tmp_path):
    with BagWriter(tmp_path / 'talk') as writer:
        for count in range(3):
            writer.write_ground_truth(frame(START + count))
            writer.write_robot_speaking(count == 1, START + count)
            # A second channel of the same type.
            data = messages.serialize(messages.to_bool(True), 'std_msgs/msg/Bool')
            writer.write_raw('/other', 'std_msgs/msg/Bool', START + count, data)
    return tmp_path / 'talk'


def test_channels_tell_the_hash_of_their_type_as_the_metadata_do(bag):
    information = yaml.safe_load((bag / 'metadata.yaml').read_text())
    topics = [
        each['topic_metadata']
        for each in information['rosbag2_bagfile_information']['topics_with_message_count']
    ]
    hashes = {each['name']: each['type_description_hash'] for each in topics}
    found = channels(bag / 'talk.mcap')
    assert found.keys() == hashes.keys() == {'/ground_truth', '/robot_speaking', '/other'}
    for topic, copies in found.items():
        assert re.fullmatch('RIHS01_[0-9a-f]{64}', hashes[topic])
        # In the chunk and in the summary, alike.
        assert len(copies) > 1
        assert all(copy == copies[0] for copy in copies)
        assert copies[0]['topic_type_hash'] == hashes[topic]
        assert 'reliability: reliable' in copies[0]['offered_qos_profiles']
    assert hashes['/robot_speaking'] == hashes['/other'] != hashes['/ground_truth']


def test_a_file_that_has_lost_its_metadata_is_read_as_before(bag):
    (bag / 'metadata.yaml').unlink()
    with BagReader(bag) as reader:
        log_times = [message.log_time for message in reader.raw()]
    assert log_times == [START + count for count in range(3) for _ in range(3)]


# ---- bags that were recorded before constants had prefixes


def former_definitions():
    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for path in messages.message_directory().glob('*.msg'):
        text = re.sub(r'\b(STATE|MODALITY)_(?=\w+=)', '', path.read_text())
        types.update(get_types_from_msg(text, f'av_tracker_msgs/msg/{path.stem}'))
    store.register(types)
    return store


def test_constants_are_no_part_of_the_hash_and_old_bags_are_read(tmp_path):
    former = former_definitions()
    text, _ = former.generate_msgdef(TRACKS, ros_version=2)
    assert re.search(r'^uint8 VISUAL=1$', text, re.MULTILINE)
    assert former.hash_rihs01(TRACKS) == messages.typestore().hash_rihs01(TRACKS)
    with BagWriter(tmp_path / 'new') as writer:
        writer.write_rig(Rig(CAMERA, None), START)
        writer.write_image(ImageFrame(START, np.zeros((24, 32, 3), np.uint8)), CAMERA)
        writer.write_ground_truth(frame())
    with (
        BagReader(tmp_path / 'new') as new,
        Writer(tmp_path / 'old', version=9, storage_plugin=StoragePlugin.MCAP) as old,
    ):
        for each in new.raw():
            connection = old.add_connection(each.topic, each.type, typestore=former)
            old.write(connection, each.log_time, each.data)
    with BagReader(tmp_path / 'old') as reader:
        (read,) = reader.ground_truth()
    for name in ('id', 'state', 'modalities', 'is_speaking', 'born'):
        assert getattr(read.tracks[0], name) == getattr(frame().tracks[0], name)
