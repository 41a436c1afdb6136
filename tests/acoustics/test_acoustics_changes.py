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

"""Cameras that turn, arrays that drive about, rooms and numbers that change meanwhile."""

from dataclasses import fields, replace

import numpy as np
import pytest
from acoustic_scenes import (
    RIG,
    TALKER,
    angle_between,
    assert_same,
    fed,
    frame_at,
    look_at,
    peak_pixel,
    propagate,
    two_circles,
    voice,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.acoustics import MEASURES, AcousticConfig, AcousticStage, hearing
from av_tracker_nodes.acoustics import stage as stage_module
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, RigidTransform
from av_tracker_nodes.geometry.head import face_box

TURNED = RigidTransform(
    Rotation.from_euler('zyx', [70, 8, -5], degrees=True).as_matrix(), np.array([2.0, -1.0, 0.4])
)


@pytest.fixture(scope='module')
def spoken():
    return propagate([(TALKER, voice(1.5))], two_circles(), noise=2e-3)


@pytest.fixture
def tables(monkeypatch):
    """Points of every table that is built."""
    built = []

    class Counted(hearing.CoherenceField):
        def __init__(self, delays, gcc, points, *others):
            built.append(len(points))
            super().__init__(delays, gcc, points, *others)

    monkeypatch.setattr(hearing, 'CoherenceField', Counted)
    return built


def heard_by(rig, samples, before=None):
    """Map at 1 s of a stage that is given a rig at once, or after another."""
    stage = fed(AcousticStage(before or rig), samples)
    stage.set_rig(rig)
    return stage.process(frame_at(1.0, face_box(rig.camera, rig.target_from_array @ TALKER)))


def test_tables_last_while_microphones_and_region_do(tables, spoken):
    stage = fed(AcousticStage(RIG), spoken)
    assert len(tables) == 1
    stage.process(frame_at(1.0))
    rng = np.random.default_rng(0)
    for _ in range(5):
        centre = np.array([-1.5, 1.9, 1.4]) + rng.uniform(-0.3, 0.3, 3)
        rig = replace(RIG, camera=look_at(centre, TALKER))
        stage.set_rig(rig)
        stage.process(frame_at(1.0, face_box(rig.camera, TALKER)))
    stage.set_rig(replace(RIG, camera=look_at([-1.5, 1.9, 1.4], TALKER, focal=300)))
    stage.set_rig(replace(RIG, camera=RIG.camera.in_frame(TURNED), target_from_array=TURNED))
    stage.set_rig(replace(RIG, microphones=two_circles()))
    assert len(tables) == 1


def test_another_region_is_searched_with_the_sound_that_is_there(tables, spoken):
    stage = fed(AcousticStage(RIG), spoken)
    table = Box(np.array([-1.8, -6.0, -0.1]), np.array([0.3, 2.2, 1.7]))
    stage.set_rig(replace(RIG, room=replace(RIG.room, obstacles=(table,))))
    assert len(tables) == 2
    assert tables[1] < tables[0]
    after = stage.process(frame_at(1.0))
    assert after.coverage == 1
    assert angle_between(after.peaks[0].direction, TALKER) < 3
    # A camera that dives under the table hears its other side.
    stage.set_rig(replace(RIG, camera=look_at([-1.5, 1.9, -0.6], TALKER), room=None))
    assert len(tables) == 3


def test_other_microphones_begin_anew(tables, spoken):
    stage = fed(AcousticStage(RIG), spoken)
    moved = replace(two_circles(), positions=two_circles().positions + np.array([0, 0, 0.01]))
    stage.set_rig(replace(RIG, microphones=moved))
    assert len(tables) == 2
    assert not stage.covers(1)
    stage.set_rig(replace(RIG, microphones=replace(moved, speed_of_sound=349.0)))
    assert len(tables) == 3


def test_a_camera_that_moved_is_as_good_as_one_that_was_there(spoken):
    moved = replace(RIG, camera=look_at([-1.2, -2.0, 1.3], TALKER))
    after, fresh = heard_by(moved, spoken, before=RIG), heard_by(moved, spoken)
    np.testing.assert_allclose(after.values, fresh.values, atol=1e-5)
    np.testing.assert_allclose(after.faces[0].values, fresh.faces[0].values, atol=1e-5)
    assert np.linalg.norm(peak_pixel(after) - moved.camera.project(TALKER)) < 12
    assert after.depth == pytest.approx(float(moved.camera.depth(TALKER)), abs=0.15)


def test_the_target_frame_does_not_matter(spoken):
    """All is mapped in the array frame; camera and array described elsewhere see the same."""
    elsewhere = replace(RIG, camera=RIG.camera.in_frame(TURNED), target_from_array=TURNED)
    after, before = heard_by(elsewhere, spoken, before=RIG), heard_by(RIG, spoken)
    np.testing.assert_allclose(after.values, before.values, atol=1e-4)
    np.testing.assert_allclose(after.peaks[0].position, before.peaks[0].position, atol=1e-6)
    assert after.faces[0].range == pytest.approx(before.faces[0].range, rel=1e-3)


def test_a_robot_that_drives_about_has_nothing_to_do_again(monkeypatch, spoken):
    """Camera and array move together, also far from the origin of a map."""
    made = []

    class Counted(stage_module.ImageMap):
        def __init__(self, *arguments):
            made.append(1)
            super().__init__(*arguments)

    monkeypatch.setattr(stage_module, 'ImageMap', Counted)
    stage = fed(AcousticStage(RIG), spoken)
    before = stage.process(frame_at(1.0))
    rng = np.random.default_rng(0)
    for _ in range(20):
        turn = Rotation.random(rng=rng).as_matrix()
        base = RigidTransform(turn, rng.uniform(-1e5, 1e5, 3))
        stage.set_rig(replace(RIG, camera=RIG.camera.in_frame(base), target_from_array=base))
    assert len(made) == 1
    np.testing.assert_array_equal(stage.process(frame_at(1.0)).values, before.values)
    nudged = RIG.camera.in_frame(RigidTransform(translation=np.array([1e-3, 0, 0])))
    stage.set_rig(replace(RIG, camera=nudged))
    assert len(made) == 2


def test_an_array_that_moves_is_mapped_from_where_it_is(spoken):
    """The sound is that of the array frame; in the target frame array and talker turned."""
    nudge = RigidTransform(
        Rotation.from_euler('z', 20, degrees=True).as_matrix(), np.array([0.3, 0.2, 0.1])
    )
    driven = replace(RIG, target_from_array=nudge)
    shown = heard_by(driven, spoken, before=RIG)
    assert np.linalg.norm(peak_pixel(shown) - RIG.camera.project(nudge @ TALKER)) < 12
    assert np.linalg.norm(peak_pixel(shown) - RIG.camera.project(TALKER)) > 30
    np.testing.assert_array_equal(shown.peaks[0].position, heard_by(RIG, spoken).peaks[0].position)


@pytest.mark.parametrize('speed', [331.0, 343.0, 355.0])
def test_the_speed_of_sound_is_that_of_the_array(speed):
    array = replace(two_circles(), speed_of_sound=speed)
    samples = propagate([(TALKER, voice(1.5))], array, noise=2e-3)
    peak = heard_by(replace(RIG, microphones=array), samples).peaks[0]
    assert angle_between(peak.direction, TALKER) < 0.5
    wrong = heard_by(RIG, samples).peaks[0]
    if speed != 343.0:
        assert angle_between(wrong.direction, TALKER) > 1


# ---- numbers that change


PLACES = TALKER, np.array([0.7, 0.6, 0.7])
BOXES = [face_box(RIG.camera, place) for place in PLACES]
FIXED = {
    'frame': 0.02,
    'band': (300.0, 3400.0),
    'oversampling': 4,
    'across': True,
    'max_pairs': 20,
    'floor_memory': 1.0,
    'lateness': 1.0,
    'surround_step': 8.0,
    'surround_parallax': 20.0,
    'min_range': 0.4,
    'max_range': 5.0,
    'voice_frames': 8,
}


@pytest.fixture(scope='module')
def heard():
    sources = [(place, voice(1.2, seed=seed)) for seed, place in enumerate(PLACES)]
    return propagate(sources, two_circles(), noise=2e-3)


def stage_of(heard, measure='vggcf', config=None):
    return fed(AcousticStage(RIG, measure, 'numba', config), heard)


def values_of(each):
    """Values that a live setting may have."""
    low, high = each.metadata['low'], each.metadata['high']
    if isinstance(each.default, tuple):
        one = st.floats(low, high)
        return st.tuples(*[one] * len(each.default)).map(lambda many: tuple(sorted(many)))
    # What takes long in one image takes no longer to take over.
    few = min(high, 3 * each.default)
    return st.integers(low, few) if isinstance(each.default, int) else st.floats(low, high)


def allowed(values):
    low, high = values['face_range_limits']
    return low < high and values['stgcf_best'] <= values['stgcf_frames']


CONFIGS = (
    st.fixed_dictionaries(
        {e.name: values_of(e) for e in fields(AcousticConfig) if e.metadata['live']}
    )
    .filter(allowed)
    .map(lambda values: AcousticConfig(**values))
)


@pytest.mark.thorough
@given(config=CONFIGS, measure=st.sampled_from(list(MEASURES)))
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_a_stage_that_takes_numbers_over_hears_as_one_that_had_them(heard, config, measure):
    stage = stage_of(heard, measure)
    for time in (0.9, 0.94):
        stage.process(frame_at(time, *BOXES))
    stage.prepare(frame_at(1.1).stamp)
    stage.reconfigure(config)
    expected = stage_of(heard, measure, config)
    for time in (1.1, 1.14):
        frame = frame_at(time, *BOXES)
        sound = stage.process(frame)
        assert_same(sound, expected.process(frame))
        assert all(0 <= each.speech <= 1 for each in (*sound.peaks, *sound.faces))
        for peak in sound.peaks:
            assert np.linalg.eigvalsh(peak.covariance).min() > 0


def test_all_that_is_fixed_is_tried_here():
    assert set(FIXED) == {e.name for e in fields(AcousticConfig) if not e.metadata['live']}


def test_what_is_fixed_is_refused_and_nothing_changes(heard):
    stage = stage_of(heard)
    before = stage.process(frame_at(1.0, *BOXES))
    for name, value in FIXED.items():
        with pytest.raises(InputError, match=f'{name} cannot change'):
            stage.reconfigure(replace(AcousticConfig(), min_score=0.2, **{name: value}))
    assert stage.config == AcousticConfig()
    assert_same(stage.process(frame_at(1.0, *BOXES)), before)
