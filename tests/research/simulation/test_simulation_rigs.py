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

"""Simulated scenes in front of any rig, and the bags of them."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import yaml

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.geometry.rig_files import load_rig_description, shipped_rigs
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.recordings.messages import from_transforms, typestore
from av_tracker_nodes.research.simulation.image_sources import HOP, render_early
from av_tracker_nodes.research.simulation.rig_bag import START, simulate_rig, write_rig_scene
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.types import AudioBlock, ImageFrame

RIGS = [name for name in shipped_rigs() if load_rig_description(name).microphones is not None]
SMALL = {
    'name': 'small',
    'mount': {'parent': 'base_link', 'xyz': [0.3, -0.2, 1.3], 'yaw_deg': 120},
    'camera': {
        'frame': 'eye',
        'size': [160, 120],
        'field_of_view_deg': {'horizontal': 70},
        'mount': {'pitch_deg': -5},
    },
    'array': {
        'frame': 'ears',
        'sample_rate': 48000,
        'card_channels': 4,
        'processed_channels': [0],
        'microphones': [{'channel': 2, 'xyz': [0, 0.1, 0]}, {'channel': 1, 'xyz': [0, -0.1, 0]}],
    },
}


def rig_of(folder, **changes):
    path = folder / 'small.yaml'
    path.write_text(yaml.safe_dump(SMALL | changes), encoding='utf-8')
    return load_rig_description(path)


@lru_cache
def scene_of(rig, scenario='two_talking', seed=2000):
    return build_rig_scene(load_rig_description(rig), scenario, seed, 8.0)


@pytest.mark.thorough
@pytest.mark.parametrize('rig', RIGS)
def test_whole_heads_are_in_view_at_ranges_of_people_who_talk_to_a_robot(rig):
    drawn = scene_of(rig)
    scene, camera = drawn.scene, drawn.scene.calibrated_cameras[0]
    times = scene.frame_times(0)
    assert len(scene.people) == 2
    mouths = [person.at(times, person.mouth) for person in scene.people]
    for mouth in mouths:
        away = np.linalg.norm((mouth - camera.centre)[:, :2], axis=1)
        assert away.min() > 0.7
        assert away.max() < 4.1
        box = face_box(camera, mouth)
        assert camera.contains(box[:, :2]).all()
        assert camera.contains(box[:, :2] + box[:, 2:]).all()
        assert scene.room.contains(mouth).all()
    pixels = [camera.project(mouth)[:, 0] for mouth in mouths]
    assert (pixels[0] < pixels[1]).all() or (pixels[1] < pixels[0]).all()
    assert scene.people[0].voice != scene.people[1].voice
    assert all(person.segments for person in scene.people)


def test_the_scene_is_that_of_rig_scenario_and_seed(tmp_path):
    rig = rig_of(tmp_path)
    first, again = (build_rig_scene(rig, 'one_talking', 3, 2.0).scene for _ in range(2))
    np.testing.assert_array_equal(first.people[0].mouth, again.people[0].mouth)
    np.testing.assert_array_equal(first.people[0].speech, again.people[0].speech)
    other = build_rig_scene(rig, 'one_talking', 4, 2.0).scene
    assert not np.array_equal(first.people[0].mouth, other.people[0].mouth)
    assert first.name == 'sim3-1p-one_talking-small'


@pytest.mark.parametrize(('scenario', 'people'), [('nobody', 0), ('two_silent', 2)])
def test_nobody_talks_where_nobody_should(tmp_path, scenario, people):
    scene = build_rig_scene(rig_of(tmp_path), scenario, 0, 2.0).scene
    assert len(scene.people) == people
    assert not any(person.segments for person in scene.people)
    assert record(scene).shape == (2 * RATE, 2)


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    folder = tmp_path_factory.mktemp('rig')
    drawn = build_rig_scene(rig_of(folder), 'one_talking', 2000, 2.4)
    seen = []
    path = write_rig_scene(drawn, folder / 'bag', lambda share, text: seen.append(share))
    assert seen == sorted(seen)
    return drawn, path


@pytest.mark.thorough
def test_a_bag_has_the_geometry_and_the_frames_of_the_rig(bag):
    drawn, path = bag
    rig = drawn.rig.rig()
    with BagReader(path) as reader:
        read = reader.rig('base_link')
    np.testing.assert_allclose(read.camera.pose.rotation, rig.camera.pose.rotation, atol=1e-9)
    np.testing.assert_allclose(read.camera.centre, rig.camera.centre, atol=1e-9)
    np.testing.assert_allclose(
        read.target_from_array @ read.microphones.positions,
        rig.target_from_array @ rig.microphones.positions,
        atol=1e-6,
    )
    assert read.microphones.channels.tolist() == [2, 1]
    assert read.microphones.rate == 48000
    assert read.camera.size == (160, 120)


@pytest.mark.thorough
def test_sound_comes_in_the_channels_of_the_card(bag):
    _, path = bag
    with BagReader(path) as reader:
        blocks = [each for each in reader.records() if isinstance(each, AudioBlock)]
    assert [block.first_sample for block in blocks] == list(range(0, 48000 * 24 // 10, 480))
    assert all(block.rate == 48000 for block in blocks)
    assert blocks[0].stamp == START
    sound = np.concatenate([block.samples for block in blocks])
    assert sound.shape == (48000 * 24 // 10, 4)
    assert (sound[:, 1:3].std(axis=0) > 1e-3).all()
    assert not sound[:, 3].any()
    lag = round(0.06 * 48000)
    mean = sound[:-lag, 1:3].mean(axis=1)
    assert np.corrcoef(sound[lag:, 0], mean)[0, 1] > 0.99


@pytest.mark.thorough
def test_delays_between_the_channels_are_those_of_the_true_place(bag):
    """Independent: cross-correlation of the raw channels against the published truth."""
    drawn, path = bag
    with BagReader(path) as reader:
        records = list(reader.records())
        rig = reader.rig('base_link')
        truth = {frame.stamp: frame for frame in reader.ground_truth()}
    sound = np.concatenate([r.samples for r in records if isinstance(r, AudioBlock)])
    (person,) = drawn.scene.people
    start, end = max(person.segments, key=lambda segment: segment[1] - segment[0])
    left, right = (sound[round(start * 48000) : round(end * 48000), c] for c in (2, 1))
    spectrum = np.fft.rfft(left, 2 * len(left)) * np.conj(np.fft.rfft(right, 2 * len(left)))
    correlation = np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-9))
    lags = np.arange(-40, 41)
    measured = lags[np.argmax(correlation[lags])] / 48000
    middle = START + round((start + end) / 2 * 1e9)
    nearest = truth[min(truth, key=lambda stamp: abs(stamp - middle))]
    ears = rig.target_from_array @ rig.microphones.positions
    distances = np.linalg.norm(nearest.tracks[0].position - ears, axis=1)
    expected = (distances[0] - distances[1]) / rig.microphones.speed_of_sound
    assert measured == pytest.approx(expected, abs=0.01 * 2 / 343 + 2 / 48000)


@pytest.mark.thorough
def test_truth_is_where_the_person_is_and_when_it_talks(bag):
    drawn, path = bag
    (person,) = drawn.scene.people
    with BagReader(path) as reader:
        stamps = [each.stamp for each in reader.records() if isinstance(each, ImageFrame)]
        frames = reader.ground_truth()
    assert [frame.stamp for frame in frames] == stamps
    parent_from_scene = drawn.scene_from_parent.inverse
    for frame in frames:
        (track,) = frame.tracks
        seconds = (frame.stamp - START) / 1e9
        expected = parent_from_scene @ person.at(np.array([seconds]), person.mouth)[0]
        np.testing.assert_allclose(track.position, expected, atol=0.02)
        assert drawn.rig.camera.contains(track.box[:2] + track.box[2:] / 2)
    talking = [frame.tracks[0].is_speaking for frame in frames]
    assert any(talking)
    assert not all(talking)


def test_noise_is_as_loud_as_the_rig_says(tmp_path):
    fan = {'kind': 'fan', 'xyz': [0.3, 0.8, 1.0], 'level_db': -6}
    drawn = build_rig_scene(rig_of(tmp_path, noise=[fan]), 'one_talking', 1, 4.0)
    quiet = replace(drawn.scene, sources=(), snr_db=40.0)
    noisy = replace(drawn.scene, snr_db=40.0)
    speech, both = record(quiet), record(noisy)
    (person,) = drawn.scene.people
    times = np.arange(len(speech)) / RATE
    talking = np.any([(times >= a) & (times < b) for a, b in person.segments], axis=0)
    level = np.mean((both - speech) ** 2) / np.mean(speech[talking] ** 2)
    assert 10 * np.log10(level) == pytest.approx(-6, abs=1.0)


MOTIONS = {
    'static': {'kind': 'static'},
    'pan': {'kind': 'pan', 'angle_deg': 60, 'period': 4},
    'drive': {'kind': 'drive', 'distance_m': 0.5, 'period': 4},
}


def with_noise(folder, motion, mounted):
    """Nobody, but noise beside the rig, which moves."""
    noise = {'kind': 'white', 'xyz': [0.1, 0.2, 1.0], 'level_db': 0, 'mounted': mounted}
    rig = rig_of(folder, noise=[noise], motion=MOTIONS[motion])
    return build_rig_scene(rig, 'nobody', 1001, 4.0).scene


@pytest.mark.parametrize('motion', MOTIONS)
@pytest.mark.parametrize('mounted', [True, False])
def test_noise_on_the_rig_stays_where_it_is_from_the_microphones(tmp_path, motion, mounted):
    scene = with_noise(tmp_path, motion, mounted)
    times = np.linspace(0, 4, 41)
    ears, noise = scene.microphones_at(times), scene.source_at(scene.sources[0], times)
    ranges = np.linalg.norm(noise[:, None] - ears, axis=-1)
    stays = mounted or motion == 'static'
    assert (np.ptp(ranges, axis=0).max() < 1e-9) == stays
    np.testing.assert_allclose(noise[0], scene.sources[0].place)


@pytest.mark.parametrize('mounted', [True, False])
def test_noise_on_the_rig_is_heard_from_one_direction(tmp_path, mounted):
    """Independent: cross-correlation of the channels while the base turns."""
    drawn = with_noise(tmp_path, 'pan', mounted)
    sound = record(replace(drawn, snr_db=40.0, rt60=0.2))
    lags = []
    for second in (0.7, 1.7, 2.7):
        left, right = sound[round(second * RATE) :][: RATE // 2].T
        spectrum = np.fft.rfft(left, RATE) * np.conj(np.fft.rfft(right, RATE))
        correlation = np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-9))
        lags.append(int(np.argmax(np.roll(correlation, 12)[:25])) - 12)
    assert (np.ptp(lags) <= 1) == mounted


@pytest.mark.parametrize(
    ('changes', 'scenario', 'told'),
    [
        ({}, 'dance', "unknown scenario 'dance'; with a rig: two_talking"),
        ({'array': None}, 'one_talking', 'array: is missing: a simulation needs both'),
        ({'camera': None}, 'one_talking', 'camera: is missing: a simulation needs both'),
        (
            {'camera': SMALL['camera'] | {'mount': {'pitch_deg': 85}}},
            'one_talking',
            'sees nobody who stands or sits 0.8 m to 4.0 m in front',
        ),
        (
            {'noise': [{'kind': 'fan', 'xyz': [0, 30, 1], 'level_db': 0}]},
            'nobody',
            r'fan of the rig at \[0.0, 30.0, 1.0\] m is outside the room',
        ),
    ],
)
def test_what_cannot_be_simulated_is_told(tmp_path, changes, scenario, told):
    content = {key: value for key, value in (SMALL | changes).items() if value is not None}
    path = tmp_path / 'rig.yaml'
    path.write_text(yaml.safe_dump(content), encoding='utf-8')
    with pytest.raises(InputError, match=told):
        simulate_rig(path, scenario, 0, tmp_path / 'out', 2.0)
    assert not (tmp_path / 'out').exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    'motion',
    [
        {'kind': 'pan', 'angle_deg': 25, 'period': 4},
        {'kind': 'drive', 'distance_m': 0.4, 'period': 4},
    ],
)
def test_a_rig_that_moves_tells_where_it_is_on_tf(tmp_path, motion):
    """The person in the world, seen by the camera that /tf tells, is where the truth has it."""
    drawn = build_rig_scene(rig_of(tmp_path, motion=motion), 'one_talking', 2000, 1.2)
    path = write_rig_scene(drawn, tmp_path / 'bag')
    moving, fixed = {}, {}
    with BagReader(path) as reader:
        for message in reader.raw():
            if message.topic in ('/tf', '/tf_static'):
                content = typestore().deserialize_cdr(message.data, 'tf2_msgs/msg/TFMessage')
                for (parent, child), pose in from_transforms(content).items():
                    if message.topic == '/tf':
                        assert (parent, child) == ('base_link', 'rig_base')
                        moving[message.log_time] = pose
                    else:
                        fixed[parent, child] = pose
        truth = reader.ground_truth()
    assert set(fixed) == {('rig_base', 'eye'), ('rig_base', 'ears')}
    assert len(moving) == 61
    stamps = np.array(sorted(moving))
    for frame in truth:
        base = moving[stamps[np.argmin(np.abs(stamps - frame.stamp))]]
        told = drawn.rig.camera.in_frame(
            base @ fixed['rig_base', 'eye'] @ drawn.rig.camera.pose.inverse
        )
        (track,) = frame.tracks
        expected = face_box(told, track.position)
        np.testing.assert_allclose(track.box, expected, atol=4.0)
    still = drawn.rig.camera
    last = truth[-1].tracks[0]
    assert np.abs(face_box(still, last.position) - last.box).max() > 8.0


def test_microphones_that_turn_hear_what_a_source_on_the_other_way_round_is_heard_like(tmp_path):
    """Without walls to speak of, turning the ears is turning the world about them."""
    rig = rig_of(tmp_path, motion={'kind': 'pan', 'angle_deg': 40, 'period': 4})
    scene = build_rig_scene(rig, 'one_talking', 1, 2.0).scene
    knots = np.arange(2 * RATE // HOP + 2) * HOP / RATE
    (person,) = scene.people
    places = person.at(knots, person.mouth)
    facing = np.tile([0.0, 0.0, 1.0], (len(knots), 1))
    array, room = scene.microphones, scene.room

    def heard(microphones, places):
        return render_early(
            person.speech, places, facing, microphones, array.groups, room, 1e-6, 343.0
        )

    turned = heard(scene.microphones_at(knots), places)
    about = np.stack(
        [scene.motion.at(t).inverse @ place for t, place in zip(knots, places, strict=True)]
    )
    expected = heard(array.positions, about)
    assert np.abs(turned - expected).max() < 1e-3 * np.abs(expected).max()
    assert np.abs(turned - heard(array.positions, places)).max() > 0.1 * np.abs(expected).max()


@pytest.mark.slow
def test_people_in_front_of_a_usual_rig_are_tracked(tmp_path):
    import av_tracker_nodes as av

    path = simulate_rig('respeaker_usb_webcam', 'two_talking', 2001, tmp_path, 8.0)
    with BagReader(path) as reader:
        truth = {frame.stamp: frame.tracks for frame in reader.ground_truth()}
        frames = list(av.Pipeline(reader.rig(), 'avclnet').run(reader.records()))
    errors = []
    for frame in frames[25:]:
        for person in truth[frame.stamp]:
            apart = [np.linalg.norm(t.position - person.position) for t in frame.tracks]
            errors.append(min(apart, default=np.inf))
    assert np.median(errors) < 0.25
    assert np.mean(np.array(errors) < 0.6) > 0.95
