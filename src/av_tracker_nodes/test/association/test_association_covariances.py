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

"""Whatever is detected, from wherever, and whenever: what is published has covariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.association.kalman import Measurement
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD
from av_tracker_nodes.types import Detection, DetectionFrame, Modality

coordinates = st.tuples(*3 * [st.floats(-3, 3)]).map(np.array)


def camera_at(eye):
    return Camera(400, 400, 180, 144, (360, 288), pose=RigidTransform(np.eye(3), eye))


def is_covariance(matrix):
    """Tell by Cholesky, which fails where a matrix is not positive definite."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return bool(np.array_equal(matrix, matrix.T))


@st.composite
def covariances(draw, narrowest=-6, widest=2):
    """Ellipsoids of any proportions, turned any way."""
    turn, _ = np.linalg.qr(np.array(draw(st.tuples(*3 * [coordinates]))) + 10 * np.eye(3))
    variances = [10.0 ** draw(st.floats(narrowest, widest)) for _ in range(3)]
    return turn @ np.diag(variances) @ turn.T


@st.composite
def detections(draw):
    seen = draw(st.booleans())
    return Detection(
        position=draw(coordinates),
        covariance=draw(covariances()),
        modalities=Modality.VISUAL if seen else Modality.AUDIO,
        size_gain=draw(st.floats(0, 1)) if seen else 0.0,
        quality=draw(st.floats(0, 1)),
        speaking=draw(st.floats(0, 1)),
        delay=draw(st.floats(0, 1)),
        tracklet=draw(st.integers(0, 2)) if seen else 0,
    )


steps = st.tuples(
    st.one_of(st.just(0.04), st.floats(0, 1), st.floats(0, 1000)),
    st.lists(detections(), max_size=3),
    st.none() | coordinates.map(camera_at),
)
configs = st.builds(
    TrackerConfig,
    systematic_std=st.sampled_from([0.0, 0.03]),
    seen_correlation=st.floats(0, 5),
    acceleration=st.floats(0.01, 20),
    patience=st.floats(0.1, 60),
)


@settings(max_examples=60)
@given(configs, st.lists(steps, min_size=1, max_size=15))
def test_every_track_is_published_with_a_covariance(config, history):
    tracker, stamp = SpeakerTracker(config), 10**9
    for seconds, found, camera in history:
        stamp += int(seconds * 1e9)
        frame = tracker.process(DetectionFrame(stamp, tuple(found)), camera)
        for track in frame.tracks:
            assert is_covariance(track.covariance)
            assert is_covariance(track.covariance[:3, :3])
            assert is_covariance(track.covariance[3:, 3:])


@pytest.mark.parametrize('knows_camera', [True, False])
def test_faces_as_they_are_seen_live_leave_covariances(knows_camera):
    """5 mm across, and long along the line of sight, from a camera that is known or not yet."""
    eye = np.array([-1.57, 2.01, 1.43])
    for place in np.array([[1.12, 0.78, 0.8], [0.78, -0.76, 0.92], [1.2, -0.3, 0.9]]):
        sight = (place - eye) / np.linalg.norm(place - eye)
        for along, gain in [(0.05, 0.1), (0.1, 0.3), (0.2, 0.6), (0.2, 1.0)]:
            covariance = 3e-5 * np.eye(3) + along**2 * np.outer(sight, sight)
            tracker = SpeakerTracker()
            for k in range(8):
                detection = Detection(
                    place + 0.02 * np.sin(k + np.arange(3)),
                    covariance,
                    Modality.VISUAL,
                    size_gain=gain,
                    tracklet=1,
                )
                frame = tracker.process(
                    DetectionFrame(10**9 + k * 40_000_000, (detection,)),
                    camera_at(eye) if knows_camera else None,
                )
                assert [is_covariance(track.covariance) for track in frame.tracks] == [True]


@given(covariances(), coordinates, coordinates, st.floats(0, 1))
def test_what_is_left_of_a_covariance_without_the_head_size_is_one(covariance, place, eye, gain):
    measured = Measurement(place, covariance, gain, eye)
    assert is_covariance(measured.noise)
    # It has become smaller in no direction but along the line of sight.
    lost = covariance + 1e-6 * np.trace(covariance) * np.eye(3) - measured.noise
    assert np.linalg.eigvalsh(lost)[0] > 0


@given(st.floats(0.02, 0.2), st.floats(0.1, 1), coordinates)
def test_the_doubt_about_the_head_size_is_taken_out_of_a_covariance_that_holds_it(
    std, gain, place
):
    eye = place - np.array([2.0, 1.0, 0.5])
    across = std**2 * np.eye(3)
    by_size = gain * HEAD_SIZE_STD * (place - eye)
    measured = Measurement(place, across + np.outer(by_size, by_size), gain, eye)
    np.testing.assert_allclose(measured.noise, across, atol=1e-6)


def test_without_a_viewpoint_the_size_of_a_head_says_nothing():
    """The covariance is what it is for a head of a size that is known."""
    place, results = np.array([1.0, 2.0, 0.5]), []
    for gain in (0.0, 1.0):
        tracker = SpeakerTracker()
        for k in range(5):
            detection = Detection(place, 0.1**2 * np.eye(3), Modality.VISUAL, size_gain=gain)
            frame = tracker.process(DetectionFrame(10**9 + k * 40_000_000, (detection,)))
        results.append(frame.tracks[0].covariance)
    np.testing.assert_array_equal(*results)
