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

"""Recordings of other people's sensors, offline: the same tracks, or the reason why not.

The picture is a photograph of a person, the voice a recorded one; how they get to camera and
microphones is made by hand.
"""

import itertools
import json
import random
import re
from dataclasses import replace
from pathlib import Path

import as_recorded
import cv2
import numpy as np
import pytest
from as_recorded import CHANGES, EXCLUSIVE, NS, Recorded, set_stamp
from click.testing import CliRunner
from tiny_recording import ARRAYS, VOICE, make_rig, write_bag

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.recordings.messages.images import from_image, to_compressed_image
from av_tracker_nodes.recordings.tracks_csv import read_run, read_tracks

pytestmark = pytest.mark.thorough

COMBINATIONS = 6
PORTRAIT = Path(__file__).parents[1] / 'vision' / 'astronaut_face.png'
MOUTH, FACE_HEIGHT = np.array([115.5, 126.0]), 112
"""In the portrait (pixels)."""


def picture():
    """The portrait, as large as a head at the place of the voice, with its mouth there."""
    rig = make_rig()
    mouth = rig.camera.project(VOICE)
    zoom = 0.2 * rig.camera.fx / float(rig.camera.depth(VOICE)) / FACE_HEIGHT
    place = np.array(
        [[zoom, 0, mouth[0] - zoom * MOUTH[0]], [0, zoom, mouth[1] - zoom * MOUTH[1]]]
    )
    wall = np.full((288, 360, 3), 128, np.uint8)
    portrait = cv2.imread(str(PORTRAIT))
    return cv2.warpAffine(
        portrait, place, (360, 288), wall, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
    )


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp('talk')
    return Recorded.read(write_bag(folder / 'bag', image=picture()).path)


def track(recorded, tmp_path, *more):
    """Track with the command, which says what its user would read."""
    bag = recorded.write(tmp_path / 'bag')
    options = [*more, '--fusion-model', 'vggcf', '--out', str(tmp_path / 'out')]
    for name, value in recorded.options.items():
        options += [f'--{name.replace("_", "-")}', str(ARRAYS) if value == 'ARRAY' else value]
    return CliRunner().invoke(main, ['track', str(bag), *options])


def rows(out):
    """Stamps, positions and boxes of the tracks."""
    table = read_tracks(out)
    return np.column_stack([table.stamp / 1e9, table.position, table.box, table.speaking])


@pytest.fixture(scope='module')
def expected(recorded, tmp_path_factory):
    folder = tmp_path_factory.mktemp('expected')
    result = track(recorded, folder)
    assert result.exit_code == 0, result.output
    table = read_tracks(folder / 'out')
    assert len(table) > 60
    error = np.linalg.norm(table.position - VOICE, axis=1)
    assert np.median(error) < 0.15
    return rows(folder / 'out')


def assert_same(out, expected, share=0.95):
    """The tracks are there at the same times and places; broken messages may cost a few."""
    found = {round(row[0], 3): row for row in rows(out)}
    wanted = {round(row[0], 3): row for row in expected}
    common = sorted(found.keys() & wanted.keys())
    assert len(common) >= share * len(wanted)
    assert len(found) <= len(wanted) / share
    apart = [np.linalg.norm(found[t][1:4] - wanted[t][1:4]) for t in common]
    assert np.median(apart) < 0.02
    assert np.max(apart) < 0.1


def combinations():
    """Draw combinations of two to five changes."""
    drawn = random.Random(7)
    while True:
        chosen = drawn.sample(CHANGES, drawn.randint(2, 5))
        if all(len(group & set(chosen)) < 2 for group in EXCLUSIVE):
            yield [change for change in CHANGES if change in chosen]


def names(changes):
    return ' and '.join(change.__name__ for change in changes)


@pytest.mark.parametrize(
    'changes',
    [
        *([change] for change in CHANGES),
        *(
            pytest.param(several, marks=pytest.mark.slow)
            for several in itertools.islice(combinations(), COMBINATIONS)
        ),
    ],
    ids=names,
)
def test_other_peoples_recordings_give_the_same_tracks(recorded, expected, changes, tmp_path):
    for change in changes:
        recorded = change(recorded)
    result = track(recorded, tmp_path)
    assert result.exit_code == 0, result.output
    assert_same(tmp_path / 'out', expected)


def test_broken_messages_are_counted_and_told(recorded, tmp_path):
    result = track(as_recorded.with_broken_messages(recorded), tmp_path)
    assert result.exit_code == 0
    assert '2 messages could not be used' in result.output
    assert '1 message could not be used' in result.output
    used = read_run(tmp_path / 'out')['used']
    assert used['images']['unreadable'] == 2
    assert used['sound']['unreadable_blocks'] == 1


def test_images_of_another_size_in_mid_stream_are_not_believed(recorded, tmp_path):
    count = iter(range(1000))

    def enlarge(m):
        frame = from_image(m.content)
        if next(count) < 40:
            return m
        large = replace(frame, image=cv2.resize(frame.image, (720, 576)))
        return m._replace(content=to_compressed_image(large, 'camera_optical', 90))

    result = track(recorded.map(enlarge, '/compressed'), tmp_path)
    assert result.exit_code == 1
    assert 'have another size than their calibration' in result.output
    assert read_run(tmp_path / 'out')['used']['images']['misfits'] == 57


def without(topic):
    return lambda recorded: recorded.map(lambda m: None, topic)


def two_cameras(recorded):
    both = recorded.rename(
        {'/image_raw/compressed': '/a/image_raw/compressed', '/camera_info': '/a/camera_info'}
    )
    twins = [m._replace(topic=m.topic.replace('/a/', '/b/')) for m in both.messages]
    return both.adding([m for m in twins if m.topic.startswith('/b/')])


def doubled(recorded):
    """A calibration for images of twice the size; nobody says binning."""
    binned = as_recorded.binned(recorded)

    def forget(m):
        m.content.binning_x = m.content.binning_y = 0
        return m

    return binned.map(forget, '/camera_info')


def in_a_frame_of_its_own(recorded):
    def reparent(m):
        for transform in m.content.transforms:
            transform.header.frame_id = 'base_link'
        return m

    return recorded.map(reparent, '/tf_static')


def uncalibrated(recorded):
    def change(m):
        m.content.k = 0 * m.content.k
        return m

    return recorded.map(change, '/camera_info')


REFUSED = {
    'two cameras': (two_cameras, r'/a/image_raw/compressed, /b/image_raw/compressed'),
    'no images': (without('/compressed'), r'no messages on /image_raw.*--fusion-model audio'),
    'no sound': (without('/audio'), r'no messages on /audio .*--fusion-model visual'),
    'no microphones described': (without('/array_info'), r'array_info.*--array-calibration'),
    'no camera described': (without('/camera_info'), r'/camera_info.*--camera-calibration'),
    'another size': (doubled, r'360 x 288.*720 x 576|720 x 576.*360 x 288'),
    'not connected': (in_a_frame_of_its_own, r"'mic_array' to 'world'.*base_link"),
    'no frames': (without('/tf_static'), r"'camera_optical' to 'world'"),
    'not calibrated': (uncalibrated, r'not calibrated'),
}


@pytest.mark.parametrize('why', REFUSED)
def test_what_cannot_be_right_is_refused_in_a_line(recorded, why, tmp_path):
    change, reason = REFUSED[why]
    result = track(change(recorded), tmp_path)
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith('av-tracker: ')]
    assert re.search(reason, line), line
    assert not (tmp_path / 'out' / 'tracks.csv').exists()


def test_one_camera_of_two_can_be_named(recorded, expected, tmp_path):
    result = track(two_cameras(recorded), tmp_path, '--image-topic', '/b/image_raw/compressed')
    assert result.exit_code == 0, result.output
    assert_same(tmp_path / 'out', expected)


def shifted(seconds, *topics):
    def change(m):
        stamp = m.content.header.stamp
        return set_stamp(m, stamp.sec * NS + stamp.nanosec + round(seconds * NS))

    return lambda recorded: recorded.map(change, *topics)


def test_live_nodes_take_compressed_images_whatever_they_are_called(recorded, tmp_path):
    named = recorded.rename({'/image_raw/compressed': '/picture'})
    specs = node_set({'bag': str(named.write(tmp_path / 'bag'))})
    (detector,) = [spec for spec in specs if spec.name == 'face_detector']
    given = json.loads(detector.arguments[0].partition('=')[2])
    assert given['image_transport'] == 'compressed'


CLOCKS = {
    'an hour': shifted(3600, '/audio'),
    'epoch against boot': shifted(1_790_000_000, '/audio'),
    'images without stamps': lambda recorded: recorded.map(
        lambda m: set_stamp(m, 0), '/compressed'
    ),
}


@pytest.mark.parametrize('clock', CLOCKS)
def test_clocks_that_are_apart_are_told_with_status_1(recorded, clock, tmp_path):
    result = track(CLOCKS[clock](recorded), tmp_path)
    assert result.exit_code == 1, result.output
    assert read_run(tmp_path / 'out')['problems']


@pytest.mark.parametrize('seconds', [3600.0, -3600.0, 7.5])
def test_a_constant_offset_of_any_size_is_mended(recorded, expected, seconds, tmp_path):
    apart = shifted(seconds, '/audio')(recorded)
    result = track(apart, tmp_path, '--audio-offset', str(-seconds))
    assert result.exit_code == 0, result.output
    assert_same(tmp_path / 'out', expected)


def test_one_sense_needs_nothing_of_the_other(recorded, tmp_path):
    blind = recorded
    for topic in ('/compressed', '/camera_info'):
        blind = without(topic)(blind)
    deaf = recorded
    for topic in ('/audio', '/array_info'):
        deaf = without(topic)(deaf)
    for name, one_sided in (('audio', blind), ('visual', deaf)):
        folder = tmp_path / name
        folder.mkdir()
        bag = one_sided.write(folder / 'bag')
        result = CliRunner().invoke(
            main, ['track', str(bag), '--fusion-model', name, '--out', str(folder / 'out')]
        )
        assert result.exit_code == 0, result.output
        assert len(read_tracks(folder / 'out')) > 30
