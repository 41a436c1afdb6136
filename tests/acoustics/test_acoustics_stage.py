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

import inspect
from dataclasses import replace

import numpy as np
import pytest
import reference_kernels
from acoustic_scenes import (
    IMAGE,
    RATE,
    RIG,
    TALKER,
    angle_between,
    assert_same,
    blocks,
    fed,
    frame_at,
    look_at,
    machine,
    peak_pixel,
    person,
    propagate,
    seconds,
    two_circles,
)

from av_tracker_nodes.acoustics import MEASURES, AcousticStage, kernels
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT
from av_tracker_nodes.geometry.head import face_box, range_of_box
from av_tracker_nodes.types import AudioBlock

LISTENER = np.array([0.85, 0.7, 0.75])
CENTRE = RIG.microphones.centre
BOXES = [face_box(RIG.camera, TALKER), face_box(RIG.camera, LISTENER)]


@pytest.fixture(scope='module')
def spoken():
    return propagate([(TALKER, person(3.0))], two_circles(), noise=2e-3)


@pytest.fixture
def stage():
    return AcousticStage(RIG)


def run(stage, samples, times, *boxes):
    """Maps at times, each made as soon as the sound is there."""
    maps = []
    pending = blocks(samples)
    for time in times:
        while not stage.covers(seconds(time)):
            stage.add(pending.pop(0))
        maps.append(stage.process(frame_at(time, *boxes)))
    return maps


def times(start, end):
    return np.arange(round(start * 25), round(end * 25)) / 25


def loudest(maps):
    return max(maps, key=lambda m: m.peaks[0].score if m.peaks else 0)


def test_a_talker_is_heard_seen_and_told_from_a_listener(stage, spoken):
    maps = run(stage, spoken, times(0.5, 2.9), *BOXES)
    heard = [m for m in maps if m.peaks and m.peaks[0].speech > 0.5]
    assert len(heard) > 0.5 * len(maps)
    errors = [angle_between(m.peaks[0].direction, TALKER - CENTRE) for m in heard]
    assert np.median(errors) < 1
    assert np.percentile(errors, 90) < 3
    talks, listens = zip(*[(m.faces[0].speech, m.faces[1].speech) for m in heard], strict=True)
    assert np.median(talks) > 0.8
    assert max(listens) < 0.5
    ranges = np.array([m.faces[0].range for m in heard])
    truth = np.linalg.norm(TALKER - RIG.camera.centre)
    assert np.median(np.abs(ranges - truth)) < 0.1
    assert np.median([m.faces[0].range_std for m in heard]) < 0.5 < heard[0].faces[1].range_std


def test_the_map_peaks_at_the_mouth(stage, spoken):
    shown = max(run(stage, spoken, times(0.5, 2.9)), key=lambda m: m.peak)
    assert shown.values.shape == (96, 120)
    assert np.linalg.norm(peak_pixel(shown) - RIG.camera.project(TALKER)) < 12
    assert shown.depth == pytest.approx(float(RIG.camera.depth(TALKER)), abs=0.15)
    assert shown.coverage == 1


def test_only_samples_and_stamps_matter(spoken):
    moments = times(0.4, 1.2)
    live = run(AcousticStage(RIG), spoken, moments, *BOXES)
    late = fed(AcousticStage(RIG), spoken[: round(1.6 * RATE)], size=4411)
    for time, expected in zip(moments, live, strict=True):
        assert_same(late.process(frame_at(time, *BOXES)), expected)
    alone = fed(AcousticStage(RIG), spoken[: round(1.2 * RATE)])
    assert_same(alone.process(frame_at(moments[-1], *BOXES)), live[-1])


@pytest.mark.parametrize('measure', MEASURES)
def test_preparing_changes_nothing(measure, spoken):
    plain, prepared = (fed(AcousticStage(RIG, measure), spoken[:RATE]) for _ in range(2))
    for time in times(0.6, 0.9):
        expected = plain.process(frame_at(time, *BOXES))
        prepared.prepare(seconds(time))
        assert_same(prepared.process(frame_at(time, *BOXES)), expected)
    # Prepared for another image than the one that comes.
    prepared.prepare(seconds(0.9))
    assert_same(prepared.process(frame_at(0.94, *BOXES)), plain.process(frame_at(0.94, *BOXES)))


def test_sound_that_comes_after_preparing_still_counts(stage, spoken):
    late = blocks(spoken[:RATE])
    missing = late.pop(95)
    whole = fed(AcousticStage(RIG), spoken[:RATE])
    fed(stage, late)
    stage.prepare(seconds(0.98))
    stage.add(missing)
    expected = whole.process(frame_at(0.98, *BOXES))
    found = stage.process(frame_at(0.98, *BOXES))
    assert_same(found, expected)
    assert found.coverage == 1


def test_what_is_not_there_yet_cannot_be_prepared(stage, spoken):
    stage.prepare(seconds(0.5))
    fed(stage, spoken[: round(0.4 * RATE)])
    stage.prepare(seconds(0.5))
    fed(stage, blocks(spoken[: round(0.6 * RATE)])[40:])
    whole = fed(AcousticStage(RIG), spoken[: round(0.6 * RATE)])
    assert_same(stage.process(frame_at(0.5, *BOXES)), whole.process(frame_at(0.5, *BOXES)))


def test_frame_grid_need_not_match_the_images(stage, spoken):
    loud = loudest(run(stage, spoken, 0.5 + np.arange(20) * 0.0333, BOXES[0]))
    assert angle_between(loud.peaks[0].direction, TALKER - CENTRE) < 2


@pytest.mark.parametrize('measure', MEASURES)
def test_every_measure_finds_the_face(measure, spoken):
    maps = run(AcousticStage(RIG, measure), spoken, times(0.5, 1.5), *BOXES)
    best = max(maps, key=lambda m: m.faces[0].peak)
    assert best.measure == measure
    assert best.faces[0].peak > 2 * best.faces[1].peak
    assert best.faces[0].values.shape == (12, 12)
    assert 0 <= best.stamp - best.audio_stamp <= seconds(0.3)


def test_stgcf_says_when_it_heard(spoken):
    burst = np.zeros_like(spoken)
    burst[8000:9600] = propagate(
        [(TALKER, np.random.default_rng(0).normal(size=1600))], two_circles()
    )
    burst += 1e-3 * np.random.default_rng(1).normal(size=burst.shape).astype(np.float32)
    shown = run(AcousticStage(RIG, 'stgcf'), burst, [0.76])[0]
    assert seconds(0.5) < shown.audio_stamp <= seconds(0.64)
    assert run(AcousticStage(RIG, 'gcf'), burst, [0.76])[0].audio_stamp == seconds(0.76)


@pytest.mark.parametrize('dead', [(3,), tuple(range(0, 16, 2)), (1, 2, 6, 8, 10, 12, 15)])
def test_dead_microphones_are_left_out(stage, spoken, dead):
    damaged = spoken.copy()
    damaged[:, list(dead)] = 0
    loud = loudest(run(stage, damaged, times(0.5, 2.0)))
    assert loud.dead_channels == dead
    assert angle_between(loud.peaks[0].direction, TALKER - CENTRE) < 3
    assert loud.peaks[0].score > 0.2


def test_one_array_may_be_dead_altogether(stage, spoken):
    damaged = spoken.copy()
    damaged[:, :8] = 0
    loud = loudest(run(stage, damaged, times(0.5, 2.0)))
    assert loud.dead_channels == tuple(range(8))
    heard_from = RIG.microphones.positions[8:].mean(axis=0)
    assert angle_between(loud.peaks[0].position - heard_from, TALKER - heard_from) < 3


def test_offset_clipping_and_a_quiet_channel_do_no_harm(stage, spoken):
    damaged = np.clip(spoken, -0.6 * spoken.std(), 0.6 * spoken.std()) + np.float32(0.1)
    damaged[:, 5] *= 0.1
    loud = loudest(run(stage, damaged, times(0.5, 2.0)))
    assert loud.dead_channels == ()
    assert angle_between(loud.peaks[0].direction, TALKER - CENTRE) < 3


def test_silence_is_silent(stage):
    maps = run(stage, np.zeros((RATE, 16), np.float32), times(0.2, 0.9), *BOXES)
    for quiet in maps:
        assert not quiet.values.any()
        assert quiet.peaks == ()
        assert quiet.dead_channels == ()
        assert all(face.peak == 0 and face.speech < 0.05 for face in quiet.faces)


def test_before_any_sound_there_is_an_empty_map(stage):
    assert not stage.covers(seconds(1))
    early = stage.process(frame_at(1.0, *BOXES))
    assert early.coverage == 0
    assert early.values.shape == (96, 120)
    assert len(early.faces) == 2
    implied = range_of_box(RIG.camera, BOXES[0], DETECTOR_FACE_HEIGHT)
    assert early.faces[0].range == pytest.approx(implied, rel=0.01)


def test_loss_is_counted_and_does_not_ring(stage, spoken):
    lost = spoken.copy()
    lost[20_000:22_000] = np.nan
    hit = run(stage, lost, [1.3, 1.4, 1.6], *BOXES)
    assert 0 < hit[1].coverage < 1
    assert hit[2].coverage == 1
    assert all(np.isfinite(m.values).all() for m in hit)
    everything = stage.process(frame_at(60.0, *BOXES))
    assert everything.coverage == 0
    assert everything.peaks == ()


def switched(sound):
    """Half a second on, and off for as long."""
    on = np.arange(len(sound)) // (RATE // 2) % 2 == 0
    return sound * np.convolve(on, np.ones(80) / 80, 'same')


@pytest.mark.thorough
@pytest.mark.parametrize('how', ['steady', 'switched'])
@pytest.mark.parametrize('kind', ['white', 'pink', 'fan', 'low fan', 'hum'])
def test_machines_do_not_speak(stage, kind, how):
    sound = 0.02 * machine(kind, 4.0)
    source = switched(sound) if how == 'switched' else sound
    maps = run(stage, propagate([(TALKER, source)], two_circles(), 1e-3), times(0.2, 3.9), *BOXES)
    if how == 'switched':
        loudest = max(peak.score for m in maps for peak in m.peaks)
        assert loudest > 0.2, 'as coherent as a talker'
    peaks = [max((peak.speech for peak in m.peaks), default=0) for m in maps]
    faces = [max(face.speech for face in m.faces) for m in maps]
    assert (np.array(peaks) > 0.5).mean() <= 0.01
    # An image where a hum sets in: the tracker asks for more before somebody speaks.
    assert (np.array(faces) > 0.5).mean() <= 0.015


def test_noise_of_the_microphones_does_not_speak(stage):
    samples = 0.01 * np.random.default_rng(0).normal(size=(4 * RATE, 16)).astype(np.float32)
    for shown in run(stage, samples, times(0.2, 3.9), *BOXES):
        assert all(sound.speech < 0.5 for sound in (*shown.peaks, *shown.faces))


@pytest.mark.parametrize('level', [0.02, 0.05])
def test_a_fan_beside_a_talker_is_no_second_talker(stage, spoken, level):
    fan = propagate([(LISTENER, level * machine('fan', 3.0))], two_circles())
    maps = run(stage, spoken + fan, times(1.0, 2.9), *BOXES)
    assert np.median([m.faces[1].peak for m in maps]) > 0.2
    talks, blows = np.array([[face.speech for face in m.faces] for m in maps]).T
    assert (talks > 0.5).mean() > 0.7
    assert (blows > 0.5).mean() < 0.1


def test_two_talkers_in_line_of_sight_are_told_apart_by_range(stage):
    behind = RIG.camera.centre + 1.35 * (TALKER - RIG.camera.centre)
    samples = propagate([(TALKER, person(2.0))], two_circles(), noise=2e-3)
    boxes = [face_box(RIG.camera, TALKER), face_box(RIG.camera, behind)]
    maps = run(stage, samples, times(0.5, 1.9), *boxes)
    heard = [m for m in maps if m.faces[0].speech > 0.5]
    assert len(heard) > 10
    assert np.mean([m.faces[1].speech < 0.5 for m in heard]) > 0.95


def test_a_moving_camera_shows_the_same_sound_from_elsewhere(stage, spoken):
    before = run(stage, spoken, [1.0])[0]
    moved = replace(RIG, camera=look_at([-1.2, -2.0, 1.3], TALKER))
    stage.set_rig(moved)
    after = stage.process(frame_at(1.0, face_box(moved.camera, TALKER)))
    np.testing.assert_array_equal(after.peaks[0].position, before.peaks[0].position)
    assert np.abs(after.values - before.values).max() > 0.05
    stage.set_rig(replace(moved, room=None))
    assert len(stage.process(frame_at(1.0)).peaks) > 0


def test_a_bag_that_loops_starts_afresh(stage, spoken):
    first = run(stage, spoken, [0.6, 1.0], BOXES[0])[-1]
    again = run(stage, spoken, [0.6], BOXES[0])
    assert again[0].coverage == 1
    stage.reset()
    assert not stage.covers(seconds(0.1))
    assert_same(run(stage, spoken, [0.6, 1.0], BOXES[0])[-1], first)


def test_compiled_loops_agree_with_plain_ones(spoken, monkeypatch):
    compiled = run(AcousticStage(RIG, backend='numba'), spoken, [0.9, 1.0], *BOXES)[-1]
    for name, function in inspect.getmembers(reference_kernels, inspect.isfunction):
        if not name.startswith('_'):
            monkeypatch.setattr(kernels, name, function)
    plain = run(AcousticStage(RIG, backend='numba'), spoken, [0.9, 1.0], *BOXES)[-1]
    np.testing.assert_allclose(plain.values, compiled.values, atol=1e-4)
    for one, other in zip(plain.faces, compiled.faces, strict=True):
        np.testing.assert_allclose(one.values, other.values, atol=1e-3)


def test_other_arrays_and_images_work():
    rng = np.random.default_rng(0)
    array = MicrophoneArray(two_circles().positions[:8])
    camera = Camera(500, 500, 319.5, 239.5, (640, 480), pose=RIG.camera.pose)
    samples = rng.normal(size=(48_000, 8)).astype(np.float32)
    stage = AcousticStage(Rig(camera, replace(array, rate=48_000)))
    fed(stage, samples, 480, rate=48_000)
    shown = stage.process(replace(frame_at(0.9), image_size=(640, 480)))
    assert shown.values.shape == (90, 120)
    assert shown.pitch == pytest.approx(640 / 120)


def test_bad_requests_are_refused(stage):
    with pytest.raises(InputError, match="unknown measure 'gfc'"):
        AcousticStage(RIG, measure='gfc')
    with pytest.raises(InputError, match='unknown acoustic backend'):
        AcousticStage(RIG, backend='fpga')
    with pytest.raises(InputError, match='8 channels'):
        stage.add(AudioBlock(0, 0, RATE, np.zeros((160, 8), np.float32)))
    nowhere = replace(RIG.room, minimum=np.full(3, 50.0), maximum=np.full(3, 51.0))
    with pytest.raises(InputError, match='the room holds no point'):
        AcousticStage(replace(RIG, room=nowhere))


def test_image_size_of_the_rig_is_that_of_the_corpus():
    assert RIG.camera.size == IMAGE
