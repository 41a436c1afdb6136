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

"""What is found of sources: peaks, and the field of faces."""

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    RIG,
    ROOM,
    TALKER,
    Everywhere,
    angle_between,
    normalised_error,
    propagate,
    two_circles,
    voice,
)

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.coherence_field import CoherenceField
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.faces import FaceField, FaceVolume
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.peaks import SourceFinder, surround_inverse_ranges
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.geometry.grid import directions, surround_grid
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.geometry.ray_map import RayMap
from av_tracker_nodes.types import Face

CONFIG = AcousticConfig()
CIRCLES = two_circles()


def finder_for(array, region=ROOM):
    delays, gcc = correlation_of(array)
    grid = surround_grid(
        array.centre, directions(np.deg2rad(4)), surround_inverse_ranges(delays, CONFIG), region
    )
    field = CoherenceField(delays, gcc, grid)
    return SourceFinder(delays, gcc, field, region, CONFIG)


def correlation_of(array):
    """Delays of an array, and what correlates its channels."""
    delays = PairDelays.of(array)
    return delays, GccPhat(RATE, delays.longest, CONFIG.frame, CONFIG.band, CONFIG.oversampling)


def cross_spectra(samples, array=CIRCLES, frames=10):
    delays, gcc = correlation_of(array)
    hop = gcc.length // 2
    whitened = np.array(
        [
            gcc.whiten(gcc.spectra(samples[first : first + gcc.length]))
            for first in range(0, frames * hop, hop)
        ]
    )
    weights = np.full(whitened[:, 0].shape, 1 / whitened[:, 0].size, np.float32)
    return kernels.weighted_cross(whitened, weights, delays.pairs)


@pytest.fixture(scope='module')
def finder():
    return finder_for(CIRCLES)


@pytest.mark.parametrize(
    'place', [(0.8, -0.6, 0.5), (1.1, 0.9, 0.85), (-1.0, -0.4, 0.6), (0.4, -2.5, 0.7)]
)
def test_one_source_is_placed(finder, place):
    samples = propagate([(np.array(place), voice(1.0))], CIRCLES, noise=1e-3)
    sources, _ = finder.find(finder.survey(cross_spectra(samples[3000:])))
    best = sources[0]
    offset = place - CIRCLES.centre
    assert angle_between(best.direction, offset) < 1.0
    across = abs(place[0]) > abs(place[1])
    if across:  # A source in line with both arrays keeps its range to itself.
        assert np.linalg.norm(best.position - place) < 0.1 * np.linalg.norm(offset)
    assert normalised_error(best, place) < 16
    assert 0.1 < best.score <= 1.01


def test_two_sources_at_once_are_both_placed(finder):
    places = np.array([[0.8, -0.7, 0.6], [0.9, 0.8, 0.7]])
    rng = np.random.default_rng(2)
    sounds = [rng.normal(size=RATE // 2) for _ in places]
    samples = propagate(list(zip(places, sounds, strict=True)), CIRCLES)
    sources, residual = finder.find(finder.survey(cross_spectra(samples[2000:])))
    for place in places:
        assert min(np.linalg.norm(source.position - place) for source in sources[:2]) < 0.08
    whole = cross_spectra(samples[2000:])
    rebuilt = residual + sum(source.cross for source in sources)
    np.testing.assert_allclose(rebuilt, whole, atol=1e-5)


def test_removing_a_source_leaves_little(finder):
    place = np.array([0.8, -0.6, 0.5])
    sound = np.random.default_rng(0).normal(size=RATE // 2)
    cross = cross_spectra(propagate([(place, sound)], CIRCLES)[2000:])
    before = finder.coherence_of(finder.survey(cross).correlation, place[None])[0]
    _, residual = finder.find(finder.survey(cross))
    assert before > 0.9
    assert abs(finder.coherence_of(finder.survey(residual).correlation, place[None])[0]) < 0.1


def test_range_is_vague_where_the_geometry_does_not_tell_it():
    circle = CIRCLES
    single = MicrophoneArray(circle.positions[:8])
    place = np.array([1.0, 1.9, 0.9])
    deviations = []
    for array in (circle, single):
        finder = finder_for(array, Everywhere())
        sound = np.random.default_rng(0).normal(size=RATE // 2)
        samples = propagate([(place, sound)], array, noise=0.05)
        source = finder.find(finder.survey(cross_spectra(samples[2000:], array)))[0][0]
        deviations.append(np.sqrt(source.direction @ source.covariance @ source.direction))
        across = np.cross(source.direction, [0, 0, 1.0])
        across /= np.linalg.norm(across)
        assert np.sqrt(across @ source.covariance @ across) < 0.15
    assert deviations[1] > 2 * deviations[0]
    assert deviations[1] > 0.5


def test_nothing_is_found_in_nothing(finder):
    delays, gcc = correlation_of(CIRCLES)
    shape = (len(delays.pairs), len(gcc.frequencies))
    sources, residual = finder.find(finder.survey(np.zeros(shape, np.complex64)))
    assert sources == []
    assert not residual.any()


# ---- faces


CAMERA = RIG.camera_in_array
BOX = face_box(CAMERA, TALKER)


@pytest.fixture
def volume():
    return FaceVolume.behind(RayMap(CAMERA), Face(BOX, 0.9), CONFIG)


def test_points_project_into_the_box_at_all_ranges(volume):
    assert volume.points.shape == (24, 12, 12, 3)
    pixels = CAMERA.project(volume.points)
    assert (pixels >= BOX[:2]).all()
    assert (pixels <= BOX[:2] + BOX[2:]).all()
    distance = np.linalg.norm(volume.points - CAMERA.centre, axis=-1)
    np.testing.assert_allclose(distance, volume.ranges[:, None, None] * np.ones((24, 12, 12)))


def test_the_mouth_belongs_to_its_face_and_not_to_one_behind(volume):
    sharp = 0.05**2 * np.eye(3)
    assert volume.distance(TALKER, sharp) < 3
    ray = (TALKER - CAMERA.centre) / np.linalg.norm(TALKER - CAMERA.centre)
    assert volume.distance(TALKER + 1.5 * ray, sharp) > CONFIG.face_gate
    # A vague source may be anywhere along the ray.
    vague = sharp + np.outer(ray, ray)
    assert volume.distance(TALKER + 1.5 * ray, vague) < CONFIG.face_gate


def test_a_sharp_peak_tells_the_range_and_a_flat_field_does_not(volume):
    field = np.zeros((24, 12, 12), np.float32)
    flat = FaceField.of(volume, field, CONFIG)
    field[10, 8, 5] = 0.5
    sharp = FaceField.of(volume, field, CONFIG)
    assert sharp.peak == 0.5
    assert sharp.mean == pytest.approx(0.5 / 144)
    assert sharp.range == volume.ranges[10]
    np.testing.assert_array_equal(sharp.position, volume.points[10, 8, 5])
    np.testing.assert_array_equal(sharp.values, field[10])
    assert sharp.range_std < 0.1
    assert flat.range_std > 0.5
