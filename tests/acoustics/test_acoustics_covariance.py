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

"""Whether peaks are as well known as they say, in rooms of another simulator."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyroomacoustics as pra
import pytest
from acoustic_scenes import (
    RATE,
    Everywhere,
    angle_between,
    blocks,
    frame_at,
    look_at,
    two_circles,
    voice,
)

from av_tracker_nodes.acoustics import AcousticConfig, AcousticStage
from av_tracker_nodes.acoustics.delays import PairDelays
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
        stage = AcousticStage(Rig(camera, array, room=room))
        for block in blocks(sound, 480):
            stage.add(block)
        for time in (0.5, 0.8, 1.1):
            peaks = stage.process(frame_at(time)).peaks
            offset = place - array.centre
            if not peaks or angle_between(peaks[0].direction, offset) > GROSS:
                continue
            best = peaks[0]
            error = best.position - place
            heard.append(
                Heard(
                    error @ np.linalg.solve(best.covariance, error),
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
