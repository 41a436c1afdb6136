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

"""Numbers of the acoustic stage, with their meaning and range."""

from __future__ import annotations

from dataclasses import dataclass

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.settings import Settings, number, numbers, switch


@dataclass(frozen=True)
class AcousticConfig(Settings):
    """How sound is cut into frames, where sources are sought, and what counts as one.

    Times are in seconds, lengths in metres, angles in degrees. Tables rest on what is not live.

    Raises
    ------
    InputError
        When a value is out of its range, or two contradict each other.

    Notes
    -----
    Fitted on simulated training scenes: `range_gain` (seeds 0 and 1, every scenario),
    `curvature_gain` and `direction_floor` (seeds 3 and 4 of two_crossing and one_walking, and
    rooms of 0.2 to 0.6 s with CAV3D's array, a UMA-16 and a ReSpeaker) so that about 95 % of
    errors lie inside the 95 % region; the speech coefficients (seeds 21 to 73, every scenario,
    some at 0 to 15 dB) by logistic regression against stretches of speech, of all peaks and of
    the faces that are listened to. Among these scenes are static_single with white or pink noise,
    a fan, or hum of 50 to 150 Hz in the place of the voice (weight 0.35) or beside it (0.5),
    steady and switched. Slope and constant for faces were then set, on the same scenes, for the
    best F1 of the decision averaged over 0.15 s with at most 3 % of false alarms where there is no
    voice. `context`, the scores and `quiet_share` were chosen by recall of simultaneous talkers.
    `voice_frames` and the limit of coherence in `activity` were chosen on validation scenes
    (seeds 1001, 1003 and 1005).
    """

    frame: float = number(
        0.040,
        0.010,
        0.200,
        'Length of the frames of sound that are transformed; they overlap by half (s)',
        live=False,
    )
    band: tuple[float, float] = numbers(
        (200.0, 7500.0),
        20.0,
        50_000.0,
        'Lowest and highest frequency that is correlated (Hz)',
        live=False,
    )
    oversampling: int = number(
        6,
        1,
        16,
        'Lags of the correlation in a period of twice the highest frequency',
        live=False,
    )
    across: bool = switch(False, 'Correlate microphones of different arrays too', live=False)
    max_pairs: int = number(
        160,
        1,
        10_000,
        'Pairs of microphones that are correlated at most; large arrays have more',
        live=False,
    )
    context: int = number(
        10, 1, 50, 'Frames that are averaged, the last one ending at the stamp: 10 span 220 ms'
    )
    floor_memory: float = number(
        2.0,
        0.2,
        30.0,
        'Time over which noise is learnt (s)',
        live=False,
    )
    lateness: float = number(
        8.0,
        0.0,
        60.0,
        'How late images may come for which the sound is still held (s)',
        live=False,
    )
    quiet_share: float = number(
        0.05,
        0.001,
        1.0,
        'Share of silent time and frequency that halves the coherence of all that is not silent',
    )
    columns: int = number(120, 10, 1000, 'Points of the global map along the width of the image')
    surround_step: float = number(
        4.0, 1.0, 20.0, 'Spacing of the directions in which sources are sought (deg)', live=False
    )
    surround_parallax: float = number(
        11.5,
        1.0,
        90.0,
        'Angle between two arrays by which neighbouring ranges of the search differ (deg)',
        live=False,
    )
    min_range: float = number(
        0.5,
        0.05,
        50.0,
        'Nearest source that is sought, from the centre of the microphones (m)',
        live=False,
    )
    max_range: float = number(
        6.0,
        0.1,
        100.0,
        'Farthest source that is sought, from the centre of the microphones (m)',
        live=False,
    )
    max_peaks: int = number(4, 1, 16, 'Sources sought in one frame')
    min_score: float = number(0.04, 0.0, 1.0, 'Weakest coherence that counts as a source')
    min_relative_score: float = number(
        0.10, 0.0, 1.0, 'Weakest coherence that counts, relative to the strongest source'
    )
    min_activity: float = number(
        0.015,
        0.0,
        1.0,
        'Least share of time and frequency that a source fills, with small arrays',
    )
    curvature_gain: float = number(
        400.0,
        0.1,
        100_000.0,
        'Log-likelihood a unit of coherence, mean over pairs: scales the curvature at a peak to '
        'the certainty of its place',
    )
    direction_floor: float = number(
        1.5, 0.001, 45.0, 'Smallest standard deviation of a direction (deg)'
    )
    face_rows: int = number(12, 2, 64, 'Points over the height of a face box')
    face_columns: int = number(12, 2, 64, 'Points over the width of a face box')
    face_ranges: int = number(24, 2, 128, 'Points along each ray through a face box')
    face_range_limits: tuple[float, float] = numbers(
        (0.6, 1.6),
        0.1,
        10.0,
        'Nearest and farthest range of a face, relative to what the height of its box implies',
    )
    range_gain: float = number(
        400.0, 0.1, 100_000.0, 'Log-likelihood a unit of coherence along the rays of a face'
    )
    face_gate: float = number(
        16.0,
        0.0,
        100.0,
        'A source within this squared Mahalanobis distance of a face can be its voice',
    )
    history: int = number(
        3, 1, 25, "Earlier images that the enhanced maps of faces draw on (AVCLNet's n)"
    )
    stgcf_frames: int = number(15, 1, 50, 'Frames that stgcf chooses from')
    stgcf_best: int = number(
        1, 1, 50, 'Frames among them that stgcf averages: those of the highest peaks'
    )
    stgcf_decay: float = number(
        0.0125, 0.0, 0.1, 'Loss of weight of a peak for stgcf a frame back in time'
    )
    voice_frames: int = number(
        16,
        1,
        64,
        'Frames of 32 ms that the voice activity detector hears, the last one ending at the stamp',
        live=False,
    )
    peak_speech: tuple[float, float, float, float] = numbers(
        (4.465, 0.296, 9.9, 1.07),
        -100.0,
        100.0,
        'Logistic coefficients of speech from a source: of the logarithm of its coherence, of the '
        'log-odds of the voice activity detector, the constant, and what a single pair of '
        'microphones adds to it',
    )
    face_speech: tuple[float, float, float, float] = numbers(
        (4.5, 0.63, 10.56, 1.0), -100.0, 100.0, 'The same coefficients for speech from a face'
    )

    def __post_init__(self) -> None:
        """Check every value, and those that belong together against each other."""
        super().__post_init__()
        for name in ('band', 'face_range_limits'):
            low, high = getattr(self, name)
            if low >= high:
                raise InputError(f'{name} must be the lower value and the higher one')
        if self.min_range >= self.max_range:
            raise InputError('min_range must be below max_range')
        if self.stgcf_best > self.stgcf_frames:
            raise InputError('stgcf_best must not be above stgcf_frames')
