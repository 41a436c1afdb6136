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

"""What is drawn, read back with rerun's own reader."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pytest
from builders import CAMERA, make_talker

pytest.importorskip('rerun')

from rerun.chunk import RrdReader

from av_tracker_nodes.geometry import MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.pipeline import watch_bag
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.types import (
    AcousticMap,
    AcousticPeak,
    AudioBlock,
    ImageFrame,
    TrackFrame,
    to_nanoseconds,
)
from av_tracker_nodes.viewing import paths
from av_tracker_nodes.viewing.recording import open_recording, open_scene
from av_tracker_nodes.viewing.scene import SceneView

RATE, FRAME_RATE, SECONDS = 16_000, 25, 1.2
RIG = Rig(
    CAMERA.in_frame(RigidTransform(np.eye(3)[[2, 0, 1]])),
    MicrophoneArray(0.1 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])),
    RigidTransform(translation=np.array([0.5, 0.0, 0.8])),
)
IMAGE = np.full((288, 360, 3), 100, np.uint8)
PEAK = AcousticPeak(np.array([1.0, 0, 0]), np.eye(3), np.array([1.0, 0, 0]), 0.3, 0.8)


class Drawn:
    """A recording, read."""

    def __init__(self, path):
        reader = RrdReader(path)
        self.layouts = len(reader.blueprints())
        self.rows = Counter()
        self._columns = defaultdict(list)
        for chunk in reader.stream():
            path = chunk.entity_path.lstrip('/')
            self.rows[path] += chunk.num_rows
            assert chunk.is_static or chunk.timeline_names == ['stamp']
            for name, column in chunk.to_record_batch().to_pydict().items():
                self._columns[path, name.rpartition(':')[2]] += column

    def values(self, path, component):
        """Of one component at one entity, moment by moment."""
        return self._columns[path, component]


@pytest.fixture
def draw(tmp_path):
    def run(*steps):
        path = tmp_path / 'drawn.rrd'
        with open_recording(path) as recording:
            scene = SceneView(recording)
            for step in steps:
                step(scene)
        return Drawn(path)

    return run


def make_map(stamp):
    values = np.zeros((96, 120), np.float32)
    values[40:44, 60:64] = 0.5
    return AcousticMap(stamp, stamp, 'gcf', values, 3.0, 2.0, 1.0, peaks=(PEAK,))


def test_sensors_are_drawn_once_for_each_place(draw):
    moved = replace(RIG, target_from_array=RigidTransform())
    drawn = draw(
        lambda scene: scene.draw_rig(RIG, 0),
        lambda scene: scene.draw_rig(RIG, 1),
        lambda scene: scene.draw_rig(moved, 2),
    )
    assert drawn.rows[paths.MICROPHONES] == drawn.rows[paths.CAMERA] == 2
    first, _ = drawn.values(paths.MICROPHONES, 'positions')
    np.testing.assert_allclose(first, RIG.microphones.positions, atol=1e-6)
    assert [t[0] for t in drawn.values(paths.ARRAY, 'translation') if t] == [
        pytest.approx([0.5, 0.0, 0.8]),
        [0.0, 0.0, 0.0],
    ]
    (k, *_) = [value for value in drawn.values(paths.IMAGE, 'image_from_camera') if value]
    np.testing.assert_allclose(np.reshape(k, (3, 3)).T, RIG.camera.matrix)


@pytest.mark.parametrize(
    ('begin', 'kind'), [(10.0, timedelta), (1.7e9, datetime)], ids=['simulated', 'recorded']
)
def test_images_keep_their_stamps_as_times_or_dates(draw, begin, kind):
    stamps = [to_nanoseconds(begin), to_nanoseconds(begin + 0.04)]
    drawn = draw(*[lambda scene, s=s: scene.draw_image(ImageFrame(s, IMAGE)) for s in stamps])
    assert drawn.values(paths.IMAGE, 'media_type') == [['image/jpeg']] * 2
    times = drawn.values(paths.IMAGE, 'stamp')
    assert all(isinstance(time, kind) for time in times)
    assert [np.array(t).astype(f'{kind.__name__}64[ns]').astype(int) for t in times] == stamps


def test_maps_lie_over_the_image_and_in_space(draw):
    drawn = draw(
        lambda scene: scene.draw_map(make_map(0)),  # nobody knows yet where
        lambda scene: scene.draw_rig(RIG, 0),
        lambda scene: scene.draw_map(make_map(1)),
        lambda scene: scene.draw_map(make_map(2).silenced()),
    )
    assert drawn.rows[paths.MAP] == drawn.rows[paths.POINTS] == drawn.rows[paths.PEAKS] == 2
    assert [len(points) for points in drawn.values(paths.POINTS, 'positions')] == [16, 0]
    in_array = RIG.camera_in_array.project(np.array(drawn.values(paths.POINTS, 'positions')[0]))
    np.testing.assert_allclose(in_array.mean(axis=0), [185.5, 125.5], atol=1e-2)
    assert [len(peaks) for peaks in drawn.values(paths.PEAKS, 'positions')] == [1, 0]


def test_what_was_heard_stays_over_an_image_that_was_passed_over_but_not_for_ever(draw):
    passed_over = [AcousticMap.blank(to_nanoseconds(1 + late), 'vggcf') for late in (0.04, 0.6)]
    drawn = draw(
        lambda scene: scene.draw_rig(RIG, 0),
        lambda scene: scene.draw_map(make_map(to_nanoseconds(1.0))),
        *[lambda scene, m=m: scene.draw_map(m) for m in passed_over],
    )
    assert [len(peaks) for peaks in drawn.values(paths.PEAKS, 'positions')] == [1, 0]


def test_nothing_stays_of_who_has_gone(draw):
    drawn = draw(
        lambda scene: scene.draw_tracks(TrackFrame(0, (make_talker(1), make_talker(4, x=1.0)))),
        lambda scene: scene.draw_tracks(TrackFrame(1, (make_talker(4, x=1.5),))),
        lambda scene: scene.draw_tracks(TrackFrame(2, ())),
    )
    assert drawn.values(paths.CAPTIONS, 'labels') == [
        ['1: 90% speaks', '4: 90% speaks'],
        ['4: 90% speaks'],
        [],
    ]
    assert drawn.values(paths.HEADS, 'positions')[1] == [[1.5, 0.0, 1.0]]
    assert [len(trails) for trails in drawn.values(paths.TRAILS, 'strips')] == [2, 1, 0]
    assert drawn.values(paths.TRAILS, 'strips')[1] == [[[1.0, 0.0, 1.0], [1.5, 0.0, 1.0]]]
    (first, *_) = drawn.values(paths.UNCERTAINTY, 'half_sizes')
    np.testing.assert_allclose(first, 0.3)
    assert [len(boxes) for boxes in drawn.values(paths.BOXES, 'half_sizes')] == [2, 1, 0]
    assert drawn.values(paths.BOX_CAPTIONS, 'labels') == [['1', '4'], ['4'], []]
    assert [s for s in drawn.values('speaking/4', 'scalars') if s] == [[0.9], [0.9]]
    assert any(drawn.values('speaking/1', 'is_recursive')), 'the line ends'


def test_captions_are_light_on_the_dark_ground_whatever_the_colour_of_the_track(draw):
    drawn = draw(lambda scene: scene.draw_tracks(TrackFrame(0, (make_talker(1), make_talker(2)))))
    for path in (paths.CAPTIONS, paths.BOX_CAPTIONS):
        ((shade, *_),) = drawn.values(path, 'colors')
        assert min(shade.to_bytes(4, 'big')[:3]) > 200


def test_the_legend_tells_what_grey_balls_are(draw):
    drawn = draw(lambda scene: scene.draw_rig(RIG, 0))
    ((text,),) = drawn.values(paths.LEGEND, 'text')
    assert 'yellow is speech, grey is not' in text


def test_a_voice_out_of_view_has_no_box(draw):
    frame = TrackFrame(0, (make_talker(1, box=None),))
    drawn = draw(lambda scene: scene.draw_tracks(frame))
    assert drawn.values(paths.HEADS, 'positions') == [[[0.0, 0.0, 1.0]]]
    assert drawn.values(paths.BOXES, 'half_sizes') == [[]]


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """A second of noise before a grey wall, and somebody who is said to be there."""
    path = tmp_path_factory.mktemp('bags') / 'bag'
    noise = np.random.default_rng(1).standard_normal((round(SECONDS * RATE), 4))
    noise = (0.01 * noise).astype(np.float32)
    waiting = [to_nanoseconds(10.05 + k / FRAME_RATE) for k in range(25)]
    with BagWriter(path) as writer:
        writer.write_rig(RIG, to_nanoseconds(10.0))
        for first in range(0, len(noise), 160):
            stamp = to_nanoseconds(10.0 + first / RATE)
            while waiting and waiting[0] < stamp:
                writer.write_image(ImageFrame(waiting[0], IMAGE), RIG.camera)
                writer.write_ground_truth(TrackFrame(waiting.pop(0), (make_talker(1),)))
            writer.write_audio(AudioBlock(stamp, first, RATE, noise[first : first + 160]))
    return path


def test_a_bag_becomes_a_recording(bag, tmp_path):
    shares = []
    watch_bag(bag, partial(open_scene, tmp_path / 'a.rrd'), 'vggcf', progress=shares.append)
    drawn = Drawn(tmp_path / 'a.rrd')
    assert drawn.rows[paths.MICROPHONES] == drawn.rows[paths.CAMERA] == 1
    everywhere = (paths.MAP, paths.HEADS, paths.TRAILS, paths.UNCERTAINTY, paths.BOXES)
    assert {path: drawn.rows[path] for path in everywhere} == dict.fromkeys(everywhere, 25)
    assert drawn.rows[paths.TRUTH] == 25
    assert drawn.layouts == 1
    assert len([value for value in drawn.values(paths.IMAGE, 'blob') if value]) == 25
    assert shares == sorted(shares)
    assert shares[-1] > 0.8
