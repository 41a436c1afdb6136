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

"""Recordings of any robot, as our nodes hear them."""

import as_recorded
import pytest
from as_recorded import Recorded
from tiny_recording import ARRAYS, make_rig, write_bag

from av_tracker_nodes.geometry.calibration import save_camera
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.bag import BagReader, BagWriter, Sources, stamp_of_cdr
from av_tracker_nodes.recordings.bag.playback import Playback

pytestmark = pytest.mark.thorough


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    return Recorded.read(write_bag(tmp_path_factory.mktemp('bags') / 'tiny').path)


@pytest.fixture
def play(tmp_path):
    """Play a recording; return its channels, what is announced, and what follows."""

    def run(recorded, sources=None, **options):
        with BagReader(recorded.write(tmp_path / 'bag'), sources) as bag:
            playback = Playback(bag, **options)
            return playback.channels, list(playback.announcement()), list(playback)

    return run


def of(played, topic):
    return [each for each in played if each.topic == topic]


def decoded(message):
    return messages.typestore().deserialize_cdr(message.data, message.type)


CHANGES = (
    as_recorded.under_a_namespace,
    as_recorded.of_a_colour_camera,
    as_recorded.unstamped_info,
    as_recorded.info_once,
    as_recorded.late,
    as_recorded.of_audio_common,
)


@pytest.mark.parametrize('change', CHANGES, ids=lambda change: change.__name__)
def test_the_nodes_hear_their_topics_whatever_was_recorded(recorded, play, change):
    sources = Sources(array_calibration=ARRAYS)
    channels, announced, played = play(change(recorded), sources)
    assert set(channels) >= {'/image_raw/compressed', '/camera_info', '/audio', '/tf_static'}
    described = {each.topic for each in announced}
    assert described >= {'/tf_static', '/audio/array_info', '/camera_info'}
    assert {each.topic for each in [*announced, *played]} <= set(channels)
    assert all(channels[each.topic] == each.type for each in played)
    # Each image has its camera_info before it.
    images = [stamp_of_cdr(each.data) for each in of(played, '/image_raw/compressed')]
    infos = [stamp_of_cdr(each.data) for each in of(played, '/camera_info')]
    assert images == infos
    assert len(images) == len(set(images)) > 50


def test_what_comes_late_is_played_in_its_place(recorded, play):
    _, _, played = play(as_recorded.late(recorded))
    times = [each.time for each in played]
    assert times == sorted(times)
    heard = 0
    for each in played:
        if each.topic == '/audio':
            heard = stamp_of_cdr(each.data)
        elif each.topic == '/image_raw/compressed':
            assert abs(stamp_of_cdr(each.data) - heard) < 20_000_000


def test_sound_of_audio_common_becomes_the_same_blocks(recorded, play):
    _, _, played = play(as_recorded.of_audio_common(recorded), Sources(array_calibration=ARRAYS))
    ours = [m.content for m in recorded.messages if m.topic == '/audio']
    theirs = [decoded(each) for each in of(played, '/audio')]
    assert len(theirs) == len(ours)
    for made, block in zip(theirs, ours, strict=True):
        assert made.data.tobytes() == block.data.tobytes()
        assert abs(stamp_of_cdr(messages.serialize(made, 'av_tracker_msgs/msg/AudioBlock'))) > 0
    assert [m.first_sample for m in theirs] == [m.first_sample for m in ours]


@pytest.mark.parametrize(
    ('sense', 'topics'),
    [
        ('sees', {'/image_raw/compressed', '/camera_info'}),
        ('hears', {'/audio', '/audio/array_info'}),
    ],
)
def test_one_sense_is_played_alone(recorded, play, sense, topics):
    channels, announced, played = play(recorded, **{sense: False})
    assert not topics & {*channels, *(each.topic for each in [*announced, *played])}


def test_a_file_stands_in_for_a_camera_that_is_not_calibrated(recorded, play, tmp_path):
    def uncalibrate(m):
        m.content.k = 0 * m.content.k
        return m

    save_camera(tmp_path / 'camera.yaml', make_rig().camera, frame='camera_optical')
    sources = Sources(camera_calibration=tmp_path / 'camera.yaml')
    _, announced, played = play(recorded.map(uncalibrate, '/camera_info'), sources)
    infos = [decoded(each) for each in of([*announced, *played], '/camera_info')]
    assert infos
    assert all(info.k[0] == make_rig().camera.fx for info in infos)


def test_our_own_outputs_stay_in_the_bag(recorded, tmp_path):
    tracks = [
        m._replace(topic='/speaker_tracks')
        for m in recorded.messages
        if m.topic == '/ground_truth'
    ]
    with BagReader(recorded.adding(tracks).write(tmp_path / 'bag')) as bag:
        playback = Playback(bag)
        assert playback.left_out == ['/speaker_tracks']
        assert '/speaker_tracks' not in playback.channels


def test_a_block_that_cannot_be_read_stays_in_the_bag_and_is_told(tmp_path):
    path, broken = write_bag(tmp_path / 'whole').path, tmp_path / 'broken'
    with BagReader(path) as bag, BagWriter(broken) as copy:
        blocks = 0
        for m in bag.raw():
            blocks += m.topic == '/audio'
            data = m.data[:-9] if m.topic == '/audio' and blocks == 3 else m.data
            copy.write_raw(m.topic, m.type, m.log_time, data, latched=m.latched)
    with BagReader(broken) as bag:
        assert len(of(Playback(bag), '/audio')) == blocks - 1
        (told,) = bag.unusable.describe()
    assert told.startswith('/audio: 1 message could not be used')
