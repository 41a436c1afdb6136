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

"""Bags as they lie on disk: storages, compression, splits, single files, missing metadata."""

import re
import shutil
import sqlite3
import struct
from collections import defaultdict

import numpy as np
import pytest
import yaml
from builders import make_track
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.types import ImageFrame, Modality, TrackFrame, TrackState

START, STEP = 10_000_000_000, 20_000_000
TOPICS = {'/robot_speaking': 'std_msgs/msg/Bool', '/tf_static': 'tf2_msgs/msg/TFMessage'}
STORAGES = ['mcap', 'sqlite3']
SUFFIX = {'mcap': '.mcap', 'sqlite3': '.db3'}
COMPRESSIONS = ['none', 'file', 'message']


def content(first=0, count=30):
    """Topics, log times and data of `count` messages."""
    store = messages.typestore()
    for number in range(first, first + count):
        topic = '/tf_static' if number % 7 == 0 else '/robot_speaking'
        message = (
            messages.to_transforms(f'frame_{number}', {}, START)
            if topic == '/tf_static'
            else messages.to_bool(number % 2 == 0)
        )
        data = bytes(store.serialize_cdr(message, TOPICS[topic]))
        yield topic, START + number * STEP, data


def write(path, storage='mcap', compression='none', first=0, count=30, version=9):
    writer = Writer(path, version=version, storage_plugin=StoragePlugin[storage.upper()])
    if compression != 'none':
        mode = CompressionMode[compression.upper()]
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=messages.typestore())
            for topic, kind in TOPICS.items()
        }
        for topic, log_time, data in content(first, count):
            writer.write(connections[topic], log_time, data)
    return path


def write_split(path, storage, compression, parts=12):
    """A bag of several files, of 10 messages each, as ros2 bag record splits it."""
    pieces = path.with_name('pieces')
    path.mkdir()
    names, metadata = [], {}
    for part in range(parts):
        piece = write(pieces / f'{path.name}_{part}', storage, compression, 10 * part, 10)
        (file,) = piece.glob(f'*{SUFFIX[storage]}*')
        names.append(file.name)
        shutil.move(file, path / file.name)
        information = yaml.safe_load((piece / 'metadata.yaml').read_text())
        one = information['rosbag2_bagfile_information']
        metadata = metadata or {**one, 'files': []}
        metadata['files'] += one['files']
    counts = [sum(topic == each for each, *_ in content(0, 10 * parts)) for topic in TOPICS]
    for topic, count in zip(metadata['topics_with_message_count'], counts, strict=True):
        topic['message_count'] = count
    metadata['relative_file_paths'] = names
    metadata['message_count'] = 10 * parts
    metadata['duration'] = {'nanoseconds': (10 * parts - 1) * STEP}
    text = yaml.safe_dump({'rosbag2_bagfile_information': metadata})
    (path / 'metadata.yaml').write_text(text)
    return path


def assert_holds(path, expected):
    expected = list(expected)
    with BagReader(path) as reader:
        read = [(message.topic, message.log_time, message.data) for message in reader.raw()]
        assert read == expected
        assert reader.topics == TOPICS
        assert reader.start_time == expected[0][1]
        assert reader.duration == pytest.approx((expected[-1][1] - expected[0][1]) * 1e-9)
        talks = reader.robot_speaking()
    assert [when for when, _ in talks] == [when for topic, when, _ in expected if 'robot' in topic]


@pytest.mark.parametrize('compression', COMPRESSIONS)
@pytest.mark.parametrize('storage', STORAGES)
class TestEveryStorage:
    def test_directory(self, tmp_path, storage, compression):
        assert_holds(write(tmp_path / 'talk', storage, compression), content())

    @pytest.mark.parametrize('rest', ['', '\n'])
    def test_directory_without_metadata_or_with_an_empty_one(
        self, tmp_path, storage, compression, rest
    ):
        path = write(tmp_path / 'talk', storage, compression)
        metadata = path / 'metadata.yaml'
        metadata.write_text(rest) if rest else metadata.unlink()
        assert_holds(path, content())

    @pytest.mark.parametrize('alone', [True, False])
    def test_single_file(self, tmp_path, storage, compression, alone):
        (file,) = write(tmp_path / 'talk', storage, compression).glob(f'*{SUFFIX[storage]}*')
        assert_holds(shutil.move(file, tmp_path) if alone else file, content())

    @pytest.mark.thorough
    @pytest.mark.parametrize('metadata', [True, False])
    def test_split_bag(self, tmp_path, storage, compression, metadata):
        """More than ten files: their numbers count, not their letters."""
        path = write_split(tmp_path / 'talk', storage, compression)
        if not metadata:
            (path / 'metadata.yaml').unlink()
        assert_holds(path, content(0, 120))

    def test_one_file_of_a_split_bag(self, tmp_path, storage, compression):
        path = write_split(tmp_path / 'talk', storage, compression)
        (file,) = path.glob('talk_11.*')
        assert_holds(file, content(110, 10))


def test_chunks_compressed_by_the_storage(tmp_path):
    path = write(tmp_path / 'talk', 'mcap', 'storage')
    assert_holds(path, content())
    (path / 'metadata.yaml').unlink()
    assert_holds(path, content())


@pytest.mark.parametrize('storage', STORAGES)
def test_earlier_metadata(tmp_path, storage):
    path = write(tmp_path / 'talk', storage, version=8)
    file = path / 'metadata.yaml'
    assert_holds(path, content())
    information = yaml.safe_load(file.read_text())['rosbag2_bagfile_information']
    # As Foxy and Galactic wrote it: fewer keys.
    for version, missing in ((5, ['ros_distro', 'custom_data']), (4, ['files'])):
        information['version'] = version
        for key in missing:
            information.pop(key, None)
        for topic in information['topics_with_message_count']:
            topic['topic_metadata'].pop('type_description_hash', None)
        file.write_text(yaml.safe_dump({'rosbag2_bagfile_information': information}))
        assert_holds(path, content())


def replace_in(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def refusal(path):
    with pytest.raises(InputError) as caught:
        BagReader(path)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_what_is_no_bag_names_the_command_that_makes_one(tmp_path):
    ros1 = tmp_path / 'old.bag'
    ros1.write_bytes(b'#ROSBAG V2.0\n')
    assert f'rosbags-convert --src {ros1.name} --dst old' in refusal(ros1)
    assert 'rosbags-convert' in refusal(tmp_path)
    film = tmp_path / 'film.mp4'
    film.write_bytes(b'film')
    assert 'a file .mcap or .db3' in refusal(film)
    (tmp_path / 'empty').mkdir()
    assert 'metadata.yaml is missing' in refusal(tmp_path / 'empty')
    assert 'no bag at' in refusal(tmp_path / 'nowhere')


def test_unknown_storage_and_newer_metadata_are_named(tmp_path):
    path = write(tmp_path / 'talk')
    replace_in(path / 'metadata.yaml', 'version: 9', 'version: 11')
    assert 'metadata of version 11' in refusal(path)
    replace_in(path / 'metadata.yaml', 'storage_identifier: mcap', 'storage_identifier: rocksdb')
    assert "stored as 'rocksdb'" in refusal(path)
    assert 'ros2 bag convert' in refusal(path)
    replace_in(path / 'metadata.yaml', 'storage_identifier: rocksdb', 'storage_identifier: mcap')
    replace_in(path / 'metadata.yaml', 'version: 11', 'version: 9')
    replace_in(path / 'metadata.yaml', "compression_format: ''", 'compression_format: lz4')
    assert "compressed as 'lz4'" in refusal(path)


@pytest.mark.parametrize('text', ['{', 'a: 1\n', '- 1\n', 'rosbag2_bagfile_information:\n'])
def test_damaged_metadata(tmp_path, text):
    path = write(tmp_path / 'talk')
    (path / 'metadata.yaml').write_text(text)
    assert f'`ros2 bag reindex {path.name}`, or remove it' in refusal(path)


def test_files_of_several_recordings_are_not_mixed(tmp_path):
    both = tmp_path / 'both'
    both.mkdir()
    for name in ('monday', 'tuesday'):
        shutil.move(write(tmp_path / name) / f'{name}.mcap', both)
    text = refusal(both)
    assert 'monday.mcap, tuesday.mcap' in text
    assert 'ros2 bag reindex' in text
    assert_holds(both / 'monday.mcap', content())


def test_a_file_that_metadata_names_and_is_not_there(tmp_path):
    path = write_split(tmp_path / 'talk', 'mcap', 'none', parts=3)
    (path / 'talk_1.mcap').unlink()
    assert 'not a whole bag: talk_1.mcap of its metadata.yaml' in refusal(path)


@pytest.mark.parametrize('metadata', [True, False])
@pytest.mark.parametrize(
    ('storage', 'cure'), [('mcap', 'mcap recover'), ('sqlite3', 'sqlite3 .*.recover')]
)
def test_what_was_cut_off_names_the_command_that_saves_it(tmp_path, storage, cure, metadata):
    path = write(tmp_path / 'talk', storage)
    (file,) = path.glob(f'*{SUFFIX[storage]}')
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if not metadata:
        (path / 'metadata.yaml').unlink()
    whole = f'not a whole bag.*{cure}'
    with pytest.raises(InputError, match=whole) as caught, BagReader(path) as reader:
        list(reader.raw())
    assert file.name in str(caught.value)


def test_a_compressed_file_that_is_cut_off(tmp_path):
    path = write(tmp_path / 'talk', 'mcap', 'file')
    (file,) = path.glob('*.zstd')
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert 'not a whole bag' in refusal(file)
    assert 'not a whole bag' in refusal(path)


@pytest.mark.parametrize('metadata', [True, False])
def test_a_database_that_was_not_closed(tmp_path, metadata):
    """Its last messages are in its log, of which a reader of the file alone knows nothing."""
    path = write(tmp_path / 'talk', 'sqlite3')
    file = path / 'talk.db3'
    connection = sqlite3.connect(file)
    connection.execute('PRAGMA journal_mode=WAL')
    connection.execute('INSERT INTO messages SELECT NULL, topic_id, timestamp, data FROM messages')
    connection.commit()
    crashed = tmp_path / 'crashed'
    shutil.copytree(path, crashed)
    connection.close()
    if not metadata:
        (crashed / 'metadata.yaml').unlink()
    assert "sqlite3 talk.db3 'PRAGMA wal_checkpoint(TRUNCATE)'" in refusal(crashed)


# ---- MCAP files as rosbag2_storage_mcap reads them, and bags of former definitions


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
