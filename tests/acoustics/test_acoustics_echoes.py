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

"""Echoes, tails and mirror images, made by hand."""

import numpy as np
import pytest
from acoustic_scenes import RATE, person, propagate
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.acoustics import AcousticStage
from av_tracker_nodes.acoustics.beam import PartedBeams
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.echoes import TAIL_FRAMES, EchoFinder, without_tails
from av_tracker_nodes.acoustics.mirror_images import MirrorImages
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

ANGLES = np.arange(6) * np.pi / 3
CIRCLE = MicrophoneArray(
    0.045 * np.stack([np.cos(ANGLES), np.sin(ANGLES), 0 * ANGLES], axis=-1), rate=RATE
)
FRONT, ASIDE = np.array([2.0, 0.3, 0.2]), np.array([-1.0, 1.8, 0.2])
UNKNOWN = 9.0 * np.eye(3)
"""Covariance of a place of which no more than the direction is known."""
SECONDS = 1.6


def later(sound, lag):
    """The sound `lag` seconds later."""
    shift = round(lag * RATE)
    return np.concatenate([np.zeros(shift), sound])[: len(sound)]


def recording(copy):
    """A voice in front, and something of half its loudness aside."""
    return propagate([(FRONT, person(SECONDS, 1)), (ASIDE, 0.5 * copy)], CIRCLE, noise=1e-3)


def is_echo(sound, image=ASIDE):
    """Ask whether what comes from the direction of `image` is an echo of what comes from front."""
    heard = sound[-RATE // 2 :]
    beams = PartedBeams(PairDelays.of(CIRCLE), RATE, RATE, len(heard), lowest=60.0)
    places = np.array([FRONT, image])
    spectra = beams.spectra(heard, np.ones(6, bool), places)
    finder = EchoFinder(CIRCLE, beams.bin_width)
    found = finder.find(spectra, places, np.array([UNKNOWN, UNKNOWN]), [1])
    assert found <= {1}
    return found == {1}


@pytest.mark.parametrize('milliseconds', [3, 8, 14, 25])
def test_the_same_sound_a_little_later_is_an_echo(milliseconds):
    assert is_echo(recording(later(person(SECONDS, 1), 1e-3 * milliseconds)))


@pytest.mark.parametrize('seed', [2, 3, 4])
def test_another_voice_is_no_echo(seed):
    assert not is_echo(recording(person(SECONDS, seed)))


def test_what_comes_a_long_time_later_or_before_is_no_echo():
    voice = person(SECONDS, 1)
    assert not is_echo(recording(later(voice, 0.2)))
    early = propagate([(FRONT, later(voice, 0.012)), (ASIDE, 0.5 * voice)], CIRCLE, noise=1e-3)
    assert not is_echo(early)


def test_nobody_is_asked_about_for_nothing():
    finder = EchoFinder(CIRCLE, 2.0)
    beams = np.zeros((1, 4001), np.complex64)
    assert finder.find(beams, FRONT[None], UNKNOWN[None], []) == set()


def test_silence_echoes_nothing():
    finder = EchoFinder(CIRCLE, 2.0)
    beams = np.zeros((2, 4001), np.complex64)
    places = np.array([FRONT, ASIDE])
    assert finder.find(beams, places, np.array([UNKNOWN, UNKNOWN]), [1]) == set()


@pytest.mark.thorough
def test_an_echo_is_nobody_and_a_second_voice_is_somebody():
    def speech_aside(copy):
        stage = AcousticStage(CIRCLE)
        stage.add(AudioBlock(0, 0, RATE, recording(copy)))
        stamps = (np.arange(0.9, SECONDS, 0.05) * NANOSECONDS).astype(int)
        aside = ASIDE[:2] / np.linalg.norm(ASIDE[:2])
        return np.mean(
            [
                any(
                    p.speech >= 0.5 and p.direction[:2] @ aside > 0.8
                    for p in stage.listen(s).peaks
                )
                for s in stamps.tolist()
            ]
        )

    voice = person(SECONDS, 1)
    assert speech_aside(later(voice, 0.009)) < 0.25
    assert speech_aside(person(SECONDS, 2)) > 0.5


POWER = st.lists(st.floats(0, 1e6), min_size=16, max_size=16)


@given(levels=POWER)
def test_a_share_only_becomes_smaller(levels):
    power = np.outer(levels, np.ones(40)).astype(np.float32)
    share = np.full((10, 40), 0.7, np.float32)
    kept = without_tails(share, power)
    assert kept.dtype == np.float32
    assert (kept >= 0).all()
    assert (kept <= share).all()


@pytest.mark.parametrize(
    ('decibels', 'kept'),
    [
        # A hop: a sound that sets in, one that stays, and tails of rooms of 0.9 s and 0.4 s.
        (20.0, 1.0),
        (0.0, 1 - 10**-0.4),
        (-20 / 15, 0.0),
        (-3.0, 0.0),
    ],
)
def test_what_decays_no_slower_than_a_room_is_its_tail(decibels, kept):
    power = np.outer(10 ** (decibels / 10 * np.arange(16.0)), np.ones(40))
    share = without_tails(np.ones((10, 40), np.float32), power)
    np.testing.assert_allclose(share, kept, atol=0.02)


def test_what_has_no_past_counts_in_full():
    power = np.zeros((16, 40))
    power[-TAIL_FRAMES:] = 1.0
    share = without_tails(np.ones((10, 40), np.float32), power)
    np.testing.assert_array_equal(share[-TAIL_FRAMES:], 1.0)


# ---- mirror images, made by mirroring


FLAT = MicrophoneArray(0.05 * np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]))
SOLID = MicrophoneArray(0.2 * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]))
SOURCE = np.array([1.5, 0.4, 0.3])
KNOWN = 1e-4 * np.eye(3)


def mirrored(normal, distance):
    """The image of the source in the plane ``normal . x = distance``."""
    normal = normal / np.linalg.norm(normal)
    return SOURCE + 2 * (distance - SOURCE @ normal) * normal


def weight(array, image, covariance=KNOWN, up=(0.0, 0, 1)):
    """Weight of the detour by way of an image."""
    centre = array.centre
    detour = np.linalg.norm(image - centre) - np.linalg.norm(SOURCE - centre)
    images = MirrorImages(array, np.array([detour]))
    images.up = np.array(up)
    return images.weights(SOURCE, covariance, image).item()


ROOM = {
    'ceiling': ([0.0, 0, 1], 1.6),
    'table': ([0.0, 0, -1], 0.4),
    'floor': ([0.0, 0, -1], 1.0),
    'wall behind the talker': ([1.0, 0.3, 0], 3.0),
    'wall behind the array': ([-1.0, 0.1, 0], 1.0),
    'wall aside': ([0.1, 1.0, 0], 2.0),
}


@pytest.mark.parametrize('plane', ROOM.values(), ids=ROOM)
@pytest.mark.parametrize('array', [FLAT, SOLID], ids=['flat', 'solid'])
def test_planes_of_a_room_have_images(plane, array):
    image = mirrored(*map(np.array, plane))
    loud = np.linalg.norm(SOURCE) / np.linalg.norm(image)
    assert weight(array, image) == pytest.approx(np.sqrt(loud), rel=0.2)
    assert weight(array, image, UNKNOWN) > 0.3


@pytest.mark.parametrize('tilt', [35.0, 45.0, 55.0])
def test_only_arrays_that_know_elevations_ask_whether_planes_are_level_or_upright(tilt):
    angle = np.deg2rad(tilt)
    normal = np.array([0.0, np.cos(angle), np.sin(angle)])
    image = mirrored(normal, 1.5)
    assert weight(SOLID, image) < 0.7 * weight(FLAT, image)
    # The same plane is a wall in a rig that leans.
    assert weight(SOLID, image, up=np.cross(normal, [1.0, 0, 0])) > 0.9 * weight(FLAT, image)


@pytest.mark.parametrize(
    ('normal', 'distance'),
    [
        pytest.param([-1.0, 0, 0], 0.1, id='plane at the microphones'),
        pytest.param([1.0, 0, 0], 1.6, id='plane at the mouth'),
        pytest.param([1.0, 0, 0], 6.0, id='plane far away'),
    ],
)
def test_planes_that_are_too_near_or_too_far_have_none(normal, distance):
    assert weight(FLAT, mirrored(np.array(normal), distance)) == 0


DIRECTION = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1)


@given(image=DIRECTION, spread=st.floats(1e-3, 10))
def test_weights_are_shares(image, spread):
    for array in (FLAT, SOLID):
        images = MirrorImages(array, np.linspace(0.3, 10, 20))
        weights = images.weights(SOURCE, spread * np.eye(3), np.array(image) + array.centre)
        assert ((weights >= 0) & (weights <= 1)).all()
