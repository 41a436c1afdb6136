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

"""The benchmark of beams: what is left of the wanted voice, by one microphone and by two beams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from av_tracker_nodes.acoustics.beam import delay_and_sum
from av_tracker_nodes.acoustics.beamformer import Beamformer
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.research.evaluation.sheets import Sheet
from av_tracker_nodes.research.evaluation.statistics import mean
from av_tracker_nodes.research.experiments.beams.distortion import si_sdr
from av_tracker_nodes.research.experiments.beams.scenes import (
    AV163,
    DURATION,
    QUIET,
    draw_scene,
)
from av_tracker_nodes.research.experiments.kit.benchmark import Benchmark, QuickOptions, Row
from av_tracker_nodes.research.simulation.room_acoustics import record_parts
from av_tracker_nodes.research.simulation.scene import Scene
from av_tracker_nodes.types import NANOSECONDS, AudioBlock

ARRAYS = ('pair_webcam', 'respeaker_usb_webcam', 'uma8_webcam', 'azure_kinect', AV163)
FIRST_SEED = {'validation': 1600, 'test': 2600}
"""Scenes of a split count up from here."""

_VOICES = 1, 2
_QUICK_ARRAYS, _QUICK_SECONDS = ('pair_webcam', 'respeaker_usb_webcam'), 2.5
_DIRECTION_ERROR, _RANGE_ERROR = np.radians(2.0), 0.15
"""Deviations of azimuth, elevation (rad) and log range of the places that beams are told."""
_BLOCK, _FROM_END = 0.02, 0.25


@dataclass(frozen=True)
class Options(QuickOptions):
    """What is measured.

    Attributes
    ----------
    scenes : int
        For each array, with one voice and with two.
    """

    scenes: int = 12

    @property
    def plan(self) -> dict[int, tuple[str, int, int, float]]:
        """Array, voices, seed and duration of each scene."""
        first = FIRST_SEED[self.scene_split]
        arrays = _QUICK_ARRAYS if self.quick else ARRAYS
        seeds = range(first, first + (1 if self.quick else self.scenes))
        duration = _QUICK_SECONDS if self.quick else DURATION
        scenes = product(arrays, _VOICES, seeds, [duration])
        return dict(enumerate(scenes))


def measure(name: str, voices: int, seed: int, duration: float) -> list[np.ndarray]:
    """SI-SDR (dB) of each talker of a scene: by a microphone, by delay and sum, by the beam.

    What is wanted is the sound that comes straight from the mouth to the microphone that it
    reaches last: echoes of the wanted voice count as distortion.
    """
    scene = draw_scene(name, voices, seed, duration)
    parts = record_parts(scene)
    heard = parts.voices.sum(axis=0) + parts.background
    array = scene.calibrated_microphones
    places = _told_places(scene)
    delays = PairDelays.of(array, across=True).travel(places)
    summed = delay_and_sum(heard, delays, array.rate)
    beams = stream(array, heard, places)
    judged = slice(round(QUIET * array.rate), len(heard) - round(_FROM_END * array.rate))
    scores = []
    for talker, last in enumerate(delays.argmax(axis=1)):
        wanted = parts.direct[talker, judged, last]
        signals = heard[:, last], summed[talker], beams[talker]
        scores.append(np.array([si_sdr(signal[judged], wanted) for signal in signals]))
    return scores


def stream(array: MicrophoneArray, heard: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Beams of a recording (samples, microphones) to places (n, 3), (n, samples)."""
    former, size = Beamformer(array), round(_BLOCK * array.rate)
    beams = np.zeros((len(places), len(heard)), np.float32)
    for first in range(0, len(heard), size):
        stamp = first * NANOSECONDS // array.rate
        block = AudioBlock(stamp, first, array.rate, heard[first : first + size])
        for number, beam in former.process(block, dict(enumerate(places))):
            begin = beam.first_sample
            beams[number, begin : begin + len(beam.samples)] = beam.samples[:, 0]
    return beams


def _told_places(scene: Scene) -> np.ndarray:
    """Where a tracker takes the mouths to be, on average: a little aside and too near or far."""
    rng = np.random.default_rng([scene.seed, 0x701D])
    times = np.arange(0, scene.duration, 0.1)
    mouths = np.array([person.at(times, person.mouth).mean(axis=0) for person in scene.people])
    distance = np.linalg.norm(mouths, axis=1)
    count = len(mouths)
    azimuth = np.arctan2(mouths[:, 1], mouths[:, 0]) + rng.normal(0, _DIRECTION_ERROR, count)
    elevation = np.arcsin(mouths[:, 2] / distance) + rng.normal(0, _DIRECTION_ERROR, count)
    across = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1) * np.cos(elevation)[:, None]
    towards = np.column_stack([across, np.sin(elevation)])
    return (distance * np.exp(rng.normal(0, _RANGE_ERROR, count)))[:, None] * towards


def _rows(options: Options, found: Mapping[int, list[np.ndarray]]) -> list[Row]:
    """Take the talkers of each array and number of voices together: means (dB)."""
    talkers: dict[tuple[str, int], list[np.ndarray]] = {}
    for number, scores in found.items():
        talkers.setdefault(options.plan[number][:2], []).extend(scores)
    rows: list[Row] = []
    for (name, voices), scores in talkers.items():
        microphone, summed, beam = np.array(scores).T
        rows.append(
            {
                'array': name,
                'voices': voices,
                'talkers': len(scores),
                'microphone_db': mean(microphone),
                'delay_and_sum_db': mean(summed),
                'beam_db': mean(beam),
                'gain_db': mean(beam - summed),
                'worst_gain_db': float((beam - summed).min()),
            }
        )
    return rows


def _sheets(rows: list[Row]) -> list[Sheet]:
    columns = {
        'microphone_db': 'one microphone',
        'delay_and_sum_db': 'delay and sum',
        'beam_db': 'beam',
        'gain_db': 'beam over sum',
        'worst_gain_db': 'worst talker',
    }
    header = ['array', 'voices', 'talkers', *columns.values()]
    lines = [
        [
            str(row['array']),
            str(row['voices']),
            str(row['talkers']),
            *(f'{row[name]:+.1f}' for name in columns),
        ]
        for row in rows
    ]
    return [Sheet(f'SI-SDR in dB (simulated, {rows[0]["split"]} scenes)', header, lines)]


benchmark_beams = Benchmark(
    'beams',
    'forming beams in simulated scenes',
    lambda options, out, recordings: options.plan,
    measure,
    _rows,
    _sheets,
)
"""What is left of the wanted voice."""
