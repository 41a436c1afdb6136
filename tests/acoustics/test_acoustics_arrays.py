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

"""Arrays of every size and shape: the direction is found, to what the geometry resolves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    angle_between,
    fed,
    frame_at,
    look_at,
    normalised_error,
    person,
    propagate,
    seconds,
    two_circles,
)
from builders import LINE, LOOKS_ALONG_X, SQUARE, TWO_SQUARES, towards

from av_tracker_nodes.acoustics import AcousticConfig, AcousticStage
from av_tracker_nodes.acoustics.activity import VoiceActivity
from av_tracker_nodes.acoustics.hearing import Hearing
from av_tracker_nodes.acoustics.measures import find_measure
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.geometry.calibration import load_microphones, load_room
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.geometry.region import SourceRegion
from av_tracker_nodes.types import AudioBlock, Face, FaceFrame

CALIBRATION = Path(__file__).resolve().parents[2] / 'calibration'
SHIPPED = sorted(path.stem for path in CALIBRATION.glob('*.yaml'))
PLACES = np.array([[1.2, -0.8, 0.7], [-0.9, 1.6, 0.5], [0.3, 1.1, 0.9]])
CHI_SQUARE_99 = 11.34
"""99 % quantile for three degrees of freedom."""


def four_arrays():
    tetrahedron = 0.06 * np.array([[1, 0, 0], [-0.5, 0.87, 0], [-0.5, -0.87, 0], [0, 0, 1.0]])
    corners = np.array([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0.0]])
    positions = (corners[:, None] + tetrahedron).reshape(-1, 3)
    return MicrophoneArray(positions, groups=np.repeat(np.arange(4), 4))


def sixty_four(rate=16_000):
    row = 0.04 * (np.arange(8) - 3.5)
    grid = np.stack(np.meshgrid(row, row, [0.0]), axis=-1).reshape(-1, 3)
    return MicrophoneArray(grid, rate=rate)


SYNTHETIC = {
    'three': lambda: MicrophoneArray([[-0.05, 0, 0], [0.05, 0, 0], [0, 0.087, 0]]),
    'sixty-four': sixty_four,
    'four arrays': four_arrays,
}


def array_of(name):
    if name in SYNTHETIC:
        return SYNTHETIC[name]()
    return load_microphones(CALIBRATION / f'{name}.yaml')


def stage_for(array, room=None, **settings):
    camera = look_at(
        array.centre + np.array([-1.6, 0.3, 1.0]), array.centre + np.array([0, 0, 0.4])
    )
    return AcousticStage(Rig(camera, array, room=room), config=AcousticConfig(**settings))


def sound_from(place, array, noise=1e-3):
    """Half a second of silence, half a second of white noise from a place."""
    rng = np.random.default_rng(3)
    sound = 0.05 * rng.normal(size=array.rate) * (np.arange(array.rate) > array.rate // 2)
    channels = np.zeros((array.rate, array.channels.max() + 1), np.float32)
    channels[:, array.channels] = propagate([(place, sound)], array, noise)
    return channels


def hearing_of(array, **settings):
    config = AcousticConfig(**settings)
    voice = VoiceActivity(config.voice_frames)
    return Hearing(
        array, SourceRegion.of(Rig(None, array)), find_measure('gcf'), 'numba', voice, config
    )


def listen(stage, array, place):
    stage.reset()
    fed(stage, sound_from(place, array), array.rate // 100, array.rate)
    return stage.process(frame_at(0.8))


@pytest.mark.parametrize('name', [*SHIPPED, *SYNTHETIC])
def test_a_source_is_found_and_its_place_is_within_the_covariance(name):
    array = array_of(name)
    stage = stage_for(array)
    for offset in PLACES:
        place = array.centre + offset
        heard = listen(stage, array, place)
        peak = heard.peaks[0]
        assert heard.dead_channels == ()
        assert len(heard.peaks) == 1
        assert peak.score > 0.7
        assert angle_between(peak.direction, offset) < 3
        assert normalised_error(peak, place) < CHI_SQUARE_99


@pytest.mark.parametrize('name', ['av163_arrays', 'four arrays'])
def test_pairs_across_arrays_find_it_too(name):
    array = array_of(name)
    stage = stage_for(array, across=True)
    assert len(hearing_of(array, across=True).delays.pairs) == 120
    for offset in PLACES:
        peak = listen(stage, array, array.centre + offset).peaks[0]
        assert peak.score > 0.7
        assert angle_between(peak.direction, offset) < 1
        assert normalised_error(peak, array.centre + offset) < CHI_SQUARE_99


def test_two_microphones_tell_a_cone_and_say_so():
    array = MicrophoneArray([[-0.1, 0, 0], [0.1, 0, 0]])
    stage = stage_for(array)
    for offset in PLACES:
        peak = listen(stage, array, offset).peaks[0]
        line = np.array([1.0, 0, 0])
        assert angle_between(peak.direction, line) == pytest.approx(
            angle_between(offset, line), abs=3
        )
        around = np.cross(line, peak.direction)
        around /= np.linalg.norm(around)
        outwards = np.linalg.norm(peak.position - array.centre)
        assert np.sqrt(around @ peak.covariance @ around) > 0.5 * outwards
        assert normalised_error(peak, offset) < CHI_SQUARE_99


def test_a_small_array_leaves_the_range_open_and_two_tell_it():
    deviations = {}
    for name in ('respeaker_4mic', 'av163_arrays'):
        array = array_of(name)
        place = array.centre + PLACES[0]
        peak = listen(stage_for(array), array, place).peaks[0]
        deviations[name] = np.sqrt(peak.direction @ peak.covariance @ peak.direction)
    assert deviations['respeaker_4mic'] > 1
    assert deviations['av163_arrays'] < 0.1


def test_directions_are_finer_than_a_sample():
    """A sample is 6 degrees on a baseline of 0.2 m at 16 kHz."""
    array = MicrophoneArray(two_circles().positions[:8])
    stage = stage_for(array)
    rng = np.random.default_rng(8)
    errors = []
    for _ in range(12):
        offset = rng.uniform([-1, -1, 0.3], [1, 1, 1.0])
        offset *= 2.5 / np.linalg.norm(offset)
        peak = listen(stage, array, array.centre + offset).peaks[0]
        errors.append(angle_between(peak.direction, offset))
    assert np.median(errors) < 0.3
    assert max(errors) < 1.0


@pytest.mark.parametrize('rate', [16_000, 48_000, 96_000])
def test_cost_does_not_grow_with_the_sampling_rate(rate):
    array = replace(array_of('cav3d_array'), rate=rate)
    gcc = hearing_of(array).gcc
    assert gcc.length == round(0.04 * rate)
    assert gcc.frequencies[-1] == pytest.approx(7500, abs=30)
    assert 290 < len(gcc.frequencies) < 320
    assert 105 < len(gcc.lags) < 115
    peak = listen(stage_for(array), array, PLACES[0]).peaks[0]
    assert angle_between(peak.direction, PLACES[0]) < 1


def test_sixty_four_microphones_cost_no_more_than_160_pairs():
    pairs = hearing_of(sixty_four()).delays.pairs
    assert len(pairs) == AcousticConfig().max_pairs == 160
    assert set(pairs.ravel()) == set(range(64))


def test_nobody_sits_in_the_table():
    """What is heard from inside the table is taken for its echo above, or for nothing."""
    array = load_microphones(CALIBRATION / 'av163_arrays.yaml')
    room = load_room(CALIBRATION / 'av163_arrays.yaml')
    table = Box(np.array([0.3, -1.5, -0.8]), np.array([1.8, 1.5, 0.35]))
    furnished = Room(room.minimum, room.maximum, (table,))
    place = np.array([1.0, -0.2, 0.2])
    assert room.contains(place)
    assert not furnished.contains(place)
    free = listen(stage_for(array, room), array, place)
    masked = listen(stage_for(array, furnished), array, place)
    assert np.linalg.norm(free.peaks[0].position - place) < 0.1
    for peak in masked.peaks:
        assert furnished.contains(peak.position)


CAMERA = Camera(500, 500, 320, 240, (640, 480), pose=RigidTransform(LOOKS_ALONG_X))


def speech_of(faces, voice, array):
    """Probabilities of the faces at each instant while somebody talks, shape (instants, faces)."""
    faces = tuple(
        Face(face_box(CAMERA, 2.0 * towards(*place)), 0.9, None, number)
        for number, place in enumerate(faces, 1)
    )
    stage = AcousticStage(Rig(CAMERA, array), 'vggcf')
    sound = propagate([(2.0 * towards(*voice), person(3.0))], array, noise=1e-4)
    stage.add(AudioBlock(0, 0, RATE, sound))
    frames = [FaceFrame(seconds(time), CAMERA.size, faces) for time in np.arange(0.4, 3.0, 0.1)]
    return np.array([[face.speech for face in stage.process(f).faces] for f in frames])


@pytest.mark.parametrize(
    ('array', 'voice', 'is_heard'),
    [
        (SQUARE, (15, 30), True),
        (SQUARE, (15, -28), True),
        (SQUARE, (50, 4), False),
        (LINE, (165, 4), True),
        (LINE, (-60, 4), False),
        (TWO_SQUARES, (15, 40), False),
    ],
)
def test_a_face_is_given_its_voice_as_far_as_the_array_can_tell(array, voice, is_heard):
    """A face 15 degrees to the left and 4 up, and a voice elsewhere."""
    assert (np.mean(speech_of([(15, 4)], voice, array) > 0.5) > 0.5) == is_heard


@pytest.mark.parametrize(
    ('voice', 'other', 'shares'),
    [
        # On the cone of a line with the face that talks, above it; and well aside.
        ((15, -3), (15.3, 10), 'both'),
        ((15, 0), (-15, 0), 'one'),
    ],
)
def test_two_faces_on_a_cone_share_a_voice(voice, other, shares):
    """Neither is told to speak rather than the other, where nothing tells them apart."""
    talker, neighbour = np.median(speech_of([voice, other], voice, LINE), axis=0)
    if shares == 'both':
        assert 0.25 < talker < 0.75
        assert neighbour == pytest.approx(talker, abs=0.2)
    else:
        assert talker > 0.75
        assert neighbour < 0.25
