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

"""The node that writes tracks: images are numbered as they came, answered or not."""

import pytest
from builders import make_track
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from node_bench import tell, tick
from sensor_msgs.msg import CameraInfo

from av_tracker_nodes.nodes import conversions
from av_tracker_nodes.nodes.conversions import to_tracks
from av_tracker_nodes.nodes.track_writer import TrackWriterNode
from av_tracker_nodes.recordings.extent import Extent
from av_tracker_nodes.recordings.tracks_csv import read_run, read_tracks
from av_tracker_nodes.types import NANOSECONDS, TrackFrame

START, PERIOD = 7 * NANOSECONDS, 40_000_000


@pytest.fixture
def node(start, tmp_path):
    return start(TrackWriterNode, out=str(tmp_path))


def image(node, number):
    stamp = START + number * PERIOD
    tell(node, 'camera_info', CameraInfo(header=conversions.header(stamp, 'camera')))


def answer(node, number, from_image=True, id=1):
    frame = TrackFrame(round(START + number * PERIOD), (make_track(id),), from_image)
    tell(node, 'speaker_tracks', to_tracks(frame, 'world'))


def both(node, numbers):
    """Images that are answered at once."""
    for number in numbers:
        image(node, number)
        answer(node, number)


def written(node, tmp_path):
    node.deactivate()
    return read_tracks(tmp_path).frame.tolist(), read_run(tmp_path)


def test_answers_that_are_lost_leave_gaps(node, tmp_path):
    for number in range(10):
        image(node, number)
        if number >= 2 and number not in (4, 7):
            answer(node, number - 2)
    numbers, run = written(node, tmp_path)
    assert numbers == [0, 1, 3, 4, 6, 7]
    assert (run['frames_in'], run['frames_answered'], run['lost_frames']) == (10, 6, 4)


def test_sound_alone_has_no_number_and_takes_none(node, tmp_path):
    for number in range(3):
        image(node, number)
        answer(node, number)
        answer(node, number + 0.5, from_image=False)
    assert written(node, tmp_path)[0] == [0, -1, 1, -1, 2, -1]


def test_an_image_whose_announcement_was_lost_is_counted_with_its_answer(node, tmp_path):
    for number in range(4):
        if number != 1:
            image(node, number)
        answer(node, number)
    numbers, run = written(node, tmp_path)
    assert numbers == [0, 1, 2, 3]
    assert run['frames_in'] == 4


def test_numbers_go_on_when_a_recording_begins_again(node, tmp_path):
    for round_ in range(2):
        for number in range(20):
            image(node, number)
            if number != 5:
                answer(node, number, id=1 + round_)
    numbers, _ = written(node, tmp_path)
    assert numbers == [number for number in range(40) if number not in (5, 25)]


@pytest.fixture
def replaying(start, tmp_path):
    chosen = {'out': str(tmp_path), 'mode': 'replay', 'run': 'run', 'catch_up': True}
    return lambda: start(TrackWriterNode, **chosen)


def player_tells(node, asked, played, ended, namespace=''):
    values = Extent(asked, played, ended).as_values()
    status = DiagnosticStatus(
        name=f'{namespace}bag_player: stage',
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )
    tell(node, 'diagnostics', DiagnosticArray(status=[status]))


@pytest.mark.parametrize(
    ('told', 'complete', 'problem'),
    [
        ([(10, 0, False), (10, 10, True)], True, None),
        ([(10, 4, False)], False, 'cut short: 4 of 10 images were played'),
        ([(10, 10, False)], False, 'cut short: 10 of 10 images were played'),
        ([(0, 0, False)], False, 'cut short: it was not played to its end'),
        ([(0, 0, True)], True, None),
        ([(None, 400, False)], True, None),
        ([], False, 'cut short: nothing was played'),
    ],
)
def test_a_replay_is_complete_when_its_player_says_so(
    replaying, tmp_path, told, complete, problem
):
    node = replaying()
    for each in told:
        player_tells(node, *each)
    player_tells(node, 10, 10, ended=True, namespace='another/')
    both(node, range(4 if told and told[-1][0] != 0 else 0))
    _, run = written(node, tmp_path)
    assert run['complete'] is complete
    found = [each for each in run['problems'] if 'cut short' in each]
    assert found == ([problem] if problem else [])
    if told:
        assert (run['images_asked'], run['images_played']) == told[-1][:2]


def test_a_writer_that_died_goes_on_and_says_what_it_missed(replaying, tmp_path):
    first = replaying()
    both(first, range(50))
    tick(first)
    second = replaying()
    player_tells(second, 100, 100, ended=True)
    both(second, range(60, 100))
    numbers, run = written(second, tmp_path)
    assert numbers == [*range(50), *range(60, 100)]
    assert (run['frames_in'], run['frames_answered'], run['lost_frames']) == (100, 90, 10)
    assert run['complete'] is False
    assert any(each.startswith('10 images came while the writer') for each in run['problems'])
