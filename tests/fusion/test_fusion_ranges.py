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

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.fusion.ranges import SIZE_STD, Range, range_of_face, ranged
from av_tracker_nodes.fusion.sight_frame import SightFrame
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.research.simulation.meeting_room import cameras
from av_tracker_nodes.types import AcousticPeak, Detection, Face, FaceSound, Modality

CAMERA = Camera(400.0, 400.0, 180.0, 144.0, (360, 288))
BOX = np.array([160.0, 120.0, 30.0, 40.0])


def face(depth=np.nan):
    return Face(BOX, 0.9, range=depth)


def sound(distance, std, peak=0.3, speech=0.9):
    return FaceSound(
        1, np.zeros((4, 4), np.float32), peak, 0.1, np.zeros(3), distance, std, speech
    )


ranges = st.builds(Range, st.floats(1.0, 8.0), st.floats(0.02, 2.0), st.floats(0.0, 1.0))


GRID = np.linspace(-20.0, 40.0, 60001)


def gaussian(mean, std):
    return np.exp(-(((GRID - mean) / std) ** 2) / 2) / std


def moments(density):
    density = density / density.sum()
    mean = density @ GRID
    return mean, np.sqrt(density @ (GRID - mean) ** 2)


@given(ranges, ranges, ranges)
def test_a_product_is_that_of_densities(one, two, three):
    joined = one.times(two).times(three)
    logs = sum(-(((GRID - each.mean) / each.std) ** 2) / 2 for each in (one, two, three))
    mean, std = moments(np.exp(logs - logs.max()))
    assert joined.mean == pytest.approx(mean, abs=0.01)
    assert joined.std == pytest.approx(std, rel=0.02, abs=0.001)
    gains = [each.size_gain for each in (one, two, three)]
    assert min(gains) - 1e-9 <= joined.size_gain <= max(gains) + 1e-9


@given(st.floats(1.0, 6.0), st.floats(0.7, 1.4), st.floats(0.02, 0.28), st.floats(0.5, 0.97))
def test_sound_counts_as_far_as_it_is_probably_of_the_face(distance, ratio, std, speech):
    """Bayes on a grid: what is heard is the face, or anything within 0.3 of its range."""
    by_size, sound = Range.by_size(distance), Range(ratio * distance, std * ratio * distance)
    prior = gaussian(by_size.mean, by_size.std)
    of_face = gaussian(sound.mean, sound.std)
    others = np.hypot(sound.std, 0.3 * distance)
    of_others = (gaussian(sound.mean, others) * prior).sum()
    posterior = prior * (speech * of_face + (1 - speech) * of_others / prior.sum())
    mean, std = moments(posterior)
    joined = by_size.heard(sound, speech)
    assert joined.mean == pytest.approx(mean, rel=0.01)
    assert joined.std == pytest.approx(std, rel=0.03)


@pytest.mark.parametrize(('apart', 'share'), [(0.0, 0.98), (2.0, 0.9), (6.0, 0.0)])
def test_what_contradicts_is_left_out(apart, share):
    by_size = Range(2.0, 0.16, 1.0)
    sound = Range(2.0 + apart * np.hypot(0.16, 0.12), 0.12)
    joined, product = by_size.heard(sound, 0.95), by_size.times(sound)
    moved = 1 - (joined.size_gain - product.size_gain) / (1 - product.size_gain)
    assert moved == pytest.approx(share, abs=0.05)


def test_sound_of_no_certain_range_tells_none():
    by_size = Range.by_size(2.0)
    assert by_size.heard(Range(1.0, 0.5), 0.97) is by_size


def test_a_measured_depth_wins_over_size_and_rests_on_no_head():
    # A child, whose face says that it is a third farther away.
    by_size = Range.by_size(2.0)
    near = range_of_face(by_size, face(depth=1.5), None)
    assert near.mean == 1.5
    assert near.std < 0.05
    assert near.size_gain == 0
    both = range_of_face(by_size, face(depth=1.5), sound(1.52, 0.03))
    assert 1.5 < both.mean < 1.52
    assert both.size_gain == 0


@pytest.mark.parametrize(
    'heard',
    [
        None,
        sound(2.1, 0.05, speech=0.3),
        sound(2.1, 0.05, peak=0.0),
        AcousticPeak(np.ones(3), np.eye(3), np.ones(3), 0.3, 0.9),
    ],
)
def test_what_tells_no_range_leaves_that_of_the_size(heard):
    by_size = Range.by_size(2.0)
    assert range_of_face(by_size, face(), heard) is by_size


@given(
    st.floats(0.5, 8.0),
    st.floats(-0.6, 0.6),
    st.floats(0.8, 1.25),
    st.floats(0.01, 1.0),
    st.floats(0.05, 0.3),
)
def test_people_move_along_their_line_of_sight(distance, aside, ratio, std, along):
    ray = np.array([np.sin(aside), 0.0, np.cos(aside)])
    position = distance * ray
    sight = SightFrame.towards(CAMERA, position)
    seen = Detection(position, sight.covariance(0.1, along), Modality.VISUAL, size_gain=1.0)
    moved = ranged(seen, face(), sound(ratio * distance, std), CAMERA)
    expected = Range(distance, along * distance, 1.0).heard(Range(ratio * distance, std), 0.9)
    np.testing.assert_allclose(moved.position, expected.mean * ray, atol=1e-9)
    spread = np.sqrt(np.diag(sight.axes @ moved.covariance @ sight.axes.T))
    np.testing.assert_allclose(spread, [0.02, 0.02, expected.std], rtol=1e-6)
    assert moved.size_gain == pytest.approx(expected.size_gain)
    box = face_box(CAMERA, moved.position)
    if np.isfinite(box).all() and moved is not seen:
        np.testing.assert_allclose(moved.box, box)


def test_the_size_of_a_head_is_no_surer_than_heads_differ():
    assert Range.by_size(3.0).std == pytest.approx(3.0 * SIZE_STD)
    assert SIZE_STD > 0.07


FRONTAL = Camera(400.0, 400.0, 180.0, 144.0, (360, 288))


def test_offsets_are_right_and_down_in_face_heights_and_log_range():
    sight = SightFrame.towards(FRONTAL, np.array([0.0, 0.0, 2.0]))
    np.testing.assert_allclose(sight.offset(np.array([0.2, 0.0, 2.0]))[:2], [1, 0], atol=1e-12)
    np.testing.assert_allclose(sight.offset(np.array([0.0, 0.4, 2.0]))[:2], [0, 2], atol=1e-12)
    np.testing.assert_allclose(sight.offset(np.array([0.0, 0.0, 4.0])), [0, 0, np.log(2)])


@given(
    st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(-0.5, 0.5)),
    st.integers(0, 2),
)
def test_place_inverts_offset(shift, offset, number):
    camera = cameras()[number]
    sight = SightFrame.towards(camera, np.array([0.9, 0.1, 0.8]) + shift)
    np.testing.assert_allclose(sight.offset(sight.place(np.array(offset))), offset, atol=1e-9)


def test_what_lies_beside_or_behind_has_a_finite_offset():
    sight = SightFrame.towards(FRONTAL, np.array([0.0, 0.0, 2.0]))
    assert np.isfinite(sight.offset(np.array([3.0, 0.0, 0.0]))).all()
    assert np.isfinite(sight.offset(np.array([0.1, 0.0, -2.0]))).all()


def test_covariance_and_deviations_invert_each_other():
    sight = SightFrame.towards(cameras()[1], np.array([1.0, -0.3, 0.9]))
    np.testing.assert_allclose(sight.deviations(sight.covariance(0.3, 0.12)), [0.3, 0.12])
    covariance = SightFrame.towards(FRONTAL, np.array([0.0, 0.0, 2.0])).covariance(0.5, 0.1)
    np.testing.assert_allclose(np.diag(covariance), [0.01, 0.01, 0.04])
