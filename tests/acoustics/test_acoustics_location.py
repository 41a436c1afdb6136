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

"""Whether peaks are as well known as they say."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyroomacoustics as pra
import pytest
from acoustic_scenes import (
    RATE,
    Everywhere,
    angle_between,
    fed,
    frame_at,
    look_at,
    normalised_error,
    two_circles,
    voice,
)
from builders import square, towards
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from av_tracker_nodes.acoustics import AcousticConfig, AcousticStage
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.elevation import Plane
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.kernels import correlation_at
from av_tracker_nodes.acoustics.location import SourceLocator, local_axes
from av_tracker_nodes.geometry import MicrophoneArray, Rig, Room
from av_tracker_nodes.geometry.calibration import load_microphones

CALIBRATION = Path(__file__).resolve().parents[2] / 'calibration'
SCENES = 16
FIRST_SEED = 1500
GROSS = 12.0
"""Degrees; what is farther aside is an echo or another mistake, which no covariance covers."""

HALF, MOST = 2.37, 7.81
"""50 % and 95 % quantiles of chi square with three degrees of freedom."""


@dataclass
class Heard:
    """What was found of a source: squared normalised error, and the range with its deviation."""

    normalised: float
    range_error: float
    range_std: float


def reverberant_scene(array, seed):
    """Sound (samples, microphones), place of the source, and room, in the array frame.

    Microphones stand up to 2 mm aside of where they are said to be.
    """
    rng = np.random.default_rng(seed)
    size = rng.uniform([4, 4, 2.5], [8, 6.5, 3.5])
    centre = np.array([*(rng.uniform(0.35, 0.65, 2) * size[:2]), 0.75])
    place = np.append(rng.uniform(0.3, size[:2] - 0.3), centre[2] + rng.uniform(0.3, 1.0))
    absorption = min(pra.inverse_sabine(rng.uniform(0.2, 0.6), size)[0], 0.95)
    room = pra.ShoeBox(size, fs=RATE, materials=pra.Material(absorption), max_order=14)
    room.add_source(place, signal=voice(1.2, rng.uniform(90, 240), seed))
    aside = rng.uniform(-0.002, 0.002, array.positions.shape)
    room.add_microphone((array.positions + aside - array.centre + centre).T)
    room.simulate()
    sound = room.mic_array.signals[:, : round(1.2 * RATE)].T
    sound += sound.std() * 10 ** (-rng.uniform(5, 25) / 20) * rng.normal(size=sound.shape)
    corner = array.centre - centre
    return sound.astype(np.float32), corner + place, Room(corner, corner + size)


def listen(name):
    array = replace(load_microphones(CALIBRATION / f'{name}.yaml'), rate=RATE)
    camera = look_at(array.centre + np.array([-1, 0.2, 1.0]), array.centre + np.array([0, 0, 0.3]))
    heard = []
    for scene in range(SCENES):
        sound, place, room = reverberant_scene(array, FIRST_SEED + scene)
        stage = fed(AcousticStage(Rig(camera, array, room=room)), sound, 480)
        for time in (0.5, 0.8, 1.1):
            peaks = stage.process(frame_at(time)).peaks
            offset = place - array.centre
            if not peaks or angle_between(peaks[0].direction, offset) > GROSS:
                continue
            best = peaks[0]
            heard.append(
                Heard(
                    normalised_error(best, place),
                    np.linalg.norm(best.position - array.centre) - np.linalg.norm(offset),
                    np.sqrt(best.direction @ best.covariance @ best.direction),
                )
            )
    return heard


@pytest.fixture(scope='module')
def everything():
    names = ('av163_arrays', 'cav3d_array', 'minidsp_uma16')
    return {name: listen(name) for name in names}


@pytest.mark.thorough
def test_errors_are_as_large_as_the_covariance_says(everything):
    errors = np.array([one.normalised for heard in everything.values() for one in heard])
    assert len(errors) > 60
    assert np.mean(errors < MOST) >= 0.90
    # Not for being generous: half of them would lie in the 50 % region.
    assert 0.4 < np.mean(errors < HALF) < 0.9


def test_every_array_is_honest_about_range(everything):
    for name, heard in everything.items():
        scaled = np.array([abs(one.range_error) / one.range_std for one in heard])
        assert np.mean(scaled < 1.96) > 0.9, name


def test_one_small_array_does_not_tell_the_range_and_two_do(everything):
    medians = {n: np.median([one.range_std for one in heard]) for n, heard in everything.items()}
    for single in ('cav3d_array', 'minidsp_uma16'):
        assert medians[single] > max(0.6, 1.5 * medians['av163_arrays'])


def locator_for(array):
    config = AcousticConfig(curvature_gain=1.0)
    return SourceLocator(PairDelays.of(array), Everywhere(), (1 / 6, 2.0), config)


def at_maximum(angular, pairs, spectrum):
    """Correlation and its derivatives where the phases of a spectrum agree."""
    return np.tile([spectrum.sum(), 0, -spectrum @ angular**2], (pairs, 1))


def test_information_is_the_curvature_of_the_coherence():
    """Against finite differences of the steered response of a clean source."""
    array = two_circles()
    delays, place = PairDelays.of(array), np.array([0.9, -0.5, 0.6])
    frequencies = GccPhat(RATE, delays.longest).frequencies
    angular = 2 * np.pi * frequencies
    spectrum = np.random.default_rng(0).uniform(0, 1, len(frequencies)) / len(frequencies)
    cross = spectrum * np.exp(-1j * angular * delays.at(place)[:, None])
    distance, axes = local_axes(place - array.centre)

    def coherence(angles_and_inverse_range):
        first, second, inverse = angles_and_inverse_range
        ray = axes[0] + first * axes[1] + second * axes[2]
        point = array.centre + ray / np.linalg.norm(ray) / (1 / distance + inverse)
        steered = cross * np.exp(1j * angular * delays.at(point)[:, None])
        return steered.real.sum(axis=1).mean()

    step = 1e-4 * np.eye(3)
    numeric = [
        [coherence(a + b) - coherence(a - b) - coherence(b - a) + coherence(-a - b) for a in step]
        for b in step
    ]
    correlation = at_maximum(angular, len(cross), spectrum)
    information = locator_for(array).information(correlation, place)
    np.testing.assert_allclose(
        information, -np.array(numeric) / 4e-8, rtol=0.02, atol=0.02 * information.max()
    )


def test_a_step_leads_to_the_source():
    array = two_circles()
    delays, place = PairDelays.of(array), np.array([0.9, -0.5, 0.6])
    gcc = GccPhat(RATE, delays.longest)
    band = gcc.first_bin, gcc.bin_width
    angular = 2 * np.pi * gcc.frequencies
    cross = np.exp(-1j * angular * delays.at(place)[:, None]) / len(angular)
    locator = locator_for(array)
    near = place + np.array([0.02, -0.02, 0.015])
    for _ in range(3):
        near = locator.step(correlation_at(cross, delays.at(near), *band), near)
    np.testing.assert_allclose(near, place, atol=2e-3)


def test_a_line_of_microphones_tells_a_circle():
    """Moments of a circle about one of its points: 3/2 towards its axis, 1/2 along, times r^2."""
    line = MicrophoneArray(np.linspace([-0.2, 0, 0], [0.2, 0, 0], 4))
    frequencies = np.linspace(200, 7500, 300)
    # So far away that the line is a point, and of one known range.
    config = AcousticConfig(direction_floor=0.01)
    limits = 1 / 50.01, 1 / 49.99
    locator = SourceLocator(PairDelays.of(line), Everywhere(), limits, config)
    angle = np.radians(50)
    peak = 50 * np.array([np.cos(angle), np.sin(angle), 0])
    correlation = at_maximum(2 * np.pi * frequencies, 6, np.full(300, 1 / 300))
    position, covariance = locator.locate(correlation, peak, correlation[:, 0].mean())
    np.testing.assert_allclose(position, peak, atol=0.05)
    radius = 50 * np.sin(angle)
    assert covariance[0, 0] < 0.01 * radius**2
    assert covariance[1, 1] == pytest.approx(1.5 * radius**2, rel=0.3)
    assert covariance[2, 2] == pytest.approx(0.5 * radius**2, rel=0.3)


def test_nothing_known_is_the_middle_of_what_can_be():
    array = MicrophoneArray(0.02 * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0.0]]))
    frequencies, limits = np.linspace(200, 7500, 300), (1 / 6, 2.0)
    locator = SourceLocator(PairDelays.of(array), Everywhere(), limits, AcousticConfig())
    peak = np.array([0.0, 0.4, 0.4])
    correlation = at_maximum(2 * np.pi * frequencies, 6, np.full(300, 1 / 300))
    position, covariance = locator.locate(correlation, peak, correlation[:, 0].mean())
    distance, axes = local_axes(position)
    assert distance == pytest.approx(3.25, abs=0.15)
    assert np.sqrt(axes[0] @ covariance @ axes[0]) == pytest.approx(5.5 / np.sqrt(12), rel=0.1)


# ---- what flat arrays tell of the elevation of a voice


FLAT = square(0.023).positions
SHARP = -((2 * np.pi * 2500) ** 2)
ANGLE = st.floats(-180, 180)


def located(elevation, coherence, azimuth=40.0, turn=None):
    """Elevation that is told of a peak, and its deviation (degrees)."""
    turn = np.eye(3) if turn is None else turn
    array = MicrophoneArray(FLAT @ turn.T)
    locator = SourceLocator(PairDelays.of(array), Everywhere(), (1 / 6, 2.0), AcousticConfig())
    correlation = np.tile([coherence, 0.0, coherence * SHARP], (6, 1))
    position, covariance = locator.locate(
        correlation, turn @ (2.0 * towards(azimuth, elevation)), correlation[:, 0].mean()
    )
    position, covariance = turn.T @ position, turn.T @ covariance @ turn
    distance = np.linalg.norm(position)
    upright = np.cross(position, np.cross([0, 0, 1.0], position))
    upright /= np.linalg.norm(upright)
    told = np.degrees(np.arcsin(position[2] / distance))
    return told, np.degrees(np.sqrt(upright @ covariance @ upright) / distance)


def test_a_voice_on_the_level_of_the_array_is_not_put_above_it():
    """Floor, ceiling and a diffuse field make it sound from 35 degrees above."""
    told, deviation = located(35.0, 0.28)
    assert told < 20
    assert told - 1.96 * deviation < 0 < 35 < told + 2.5 * deviation


@pytest.mark.parametrize('elevation', [50.0, 65.0, 80.0])
def test_a_coherent_voice_far_above_is_left_there(elevation):
    told, deviation = located(elevation, 0.6)
    assert told == pytest.approx(elevation, abs=6)
    assert deviation < 20


def test_the_nearer_to_the_plane_the_less_is_known():
    deviations = [located(elevation, 0.5)[1] for elevation in (30.0, 55.0, 75.0)]
    assert deviations[0] > deviations[1] > deviations[2]


def test_below_is_no_less_known_than_above():
    told, deviation = located(-10.0, 0.5)
    mirrored, same = located(10.0, 0.5)
    assert told == pytest.approx(-mirrored, abs=0.01)
    assert deviation == pytest.approx(same, rel=1e-3)


@given(azimuth=ANGLE, elevation=st.floats(5, 85), lie=st.tuples(ANGLE, ANGLE, ANGLE))
def test_it_is_the_plane_that_counts_and_not_how_it_lies(azimuth, elevation, lie):
    turn = Rotation.from_euler('xyz', lie, degrees=True).as_matrix()
    lying, turned = located(elevation, 0.4, azimuth), located(elevation, 0.4, azimuth, turn)
    np.testing.assert_allclose(lying, turned, rtol=0.02, atol=0.3)


@pytest.mark.parametrize(
    ('positions', 'groups', 'is_one'),
    [
        (FLAT, None, True),
        (FLAT[:2], None, False),
        (np.vstack([FLAT, [[0, 0, 0.05]]]), None, False),
        (np.vstack([FLAT, FLAT + np.array([0, 0.5, 0])]), np.repeat([0, 1], 4), False),
    ],
)
def test_only_one_flat_array_has_a_plane(positions, groups, is_one):
    array = MicrophoneArray(positions, groups)
    assert (Plane.of(PairDelays.of(array), 0.02) is not None) == is_one


def test_on_the_axis_itself_an_elevation_is_told_too():
    told, deviation = located(90.0, 0.5)
    assert told > 85
    assert 1 < deviation < 20
