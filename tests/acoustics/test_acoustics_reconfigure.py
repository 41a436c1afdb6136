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

"""Numbers of the acoustic stage that change while it hears."""

from dataclasses import fields, replace

import numpy as np
import pytest
from acoustic_scenes import blocks, frame_at, meeting_rig, propagate, two_circles, voice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics import MEASURES, AcousticConfig, AcousticStage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.head import face_box

RIG = meeting_rig()
PLACES = np.array([0.9, -0.3, 0.7]), np.array([0.7, 0.6, 0.7])
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
    return blocks(propagate(sources, two_circles(), noise=2e-3))


def hearing(heard, measure='vggcf', config=None):
    stage = AcousticStage(RIG, measure, 'numba', config)
    for block in heard:
        stage.add(block)
    return stage


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


def assert_same(one, other):
    np.testing.assert_array_equal(one.values, other.values)
    assert (one.pitch, one.depth, one.audio_stamp) == (other.pitch, other.depth, other.audio_stamp)
    for first, second in zip((*one.peaks, *one.faces), (*other.peaks, *other.faces), strict=True):
        for each in fields(first):
            np.testing.assert_array_equal(getattr(first, each.name), getattr(second, each.name))


@pytest.mark.thorough
@given(config=CONFIGS, measure=st.sampled_from(list(MEASURES)))
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_a_stage_that_takes_numbers_over_hears_as_one_that_had_them(heard, config, measure):
    stage = hearing(heard, measure)
    for time in (0.9, 0.94):
        stage.process(frame_at(time, *BOXES))
    stage.prepare(frame_at(1.1).stamp)
    stage.reconfigure(config)
    expected = hearing(heard, measure, config)
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
    stage = hearing(heard)
    before = stage.process(frame_at(1.0, *BOXES))
    for name, value in FIXED.items():
        with pytest.raises(InputError, match=f'{name} cannot change'):
            stage.reconfigure(replace(AcousticConfig(), min_score=0.2, **{name: value}))
    assert stage.config == AcousticConfig()
    assert_same(stage.process(frame_at(1.0, *BOXES)), before)
