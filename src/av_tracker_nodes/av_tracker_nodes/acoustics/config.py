# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Settings of the acoustic stage."""

from __future__ import annotations

from dataclasses import dataclass

MEASURES = ('gcf', 'stgcf', 'vggcf', 'vwswe')


@dataclass(frozen=True)
class AcousticConfig:
    """Settings of the acoustic stage; lengths in seconds and metres, angles in degrees.

    Attributes
    ----------
    frame : float
        Length of the Hamming window; frames overlap by half.
    band : tuple of float
        Frequencies that are correlated (Hz).
    oversampling : int
        Lags a period of twice the highest frequency.
    across : bool
        Pair microphones of different rigid arrays too.
    max_pairs : int
        Pairs that are correlated; large arrays have more, see `MicrophoneArray.pairs`.
    context : int
        Frames that are averaged, the last one ending at the stamp: 10 span 220 ms.
    floor_memory : float
        Time over which noise is learnt.
    lateness : float
        How late images may come for which the sound is still held.
    quiet_share : float
        Share of silent time and frequency that halves the coherence of all that is not silent.
    columns : int
        Points of the global map along the width of the image.
    surround_step : float
        Spacing of the directions in which sources are sought.
    surround_parallax : float
        Angle between two arrays by which neighbouring ranges differ.
    min_range, max_range : float
        Of sources from the centre of the microphones.
    max_peaks : int
        Sources sought in one frame.
    min_score : float
        Weakest coherence that counts as a peak.
    min_relative_score : float
        The same, relative to the strongest peak.
    curvature_gain : float
        Log-likelihood a unit of coherence, mean over pairs: scales the curvature at a peak to an
        information matrix.
    direction_floor : float
        Deviation of a direction that no curvature improves on.
    face_rows, face_columns, face_ranges : int
        Points over a face box and along each of its rays.
    face_range_limits : tuple of float
        Nearest and farthest range, relative to the range that the height of the box implies.
    range_gain : float
        Log-likelihood a unit of coherence along the rays of a face.
    face_gate : float
        A peak within this squared Mahalanobis distance of a face can be its voice.
    history : int
        Earlier images that the enhanced map draws on (AVCLNet's n).
    stgcf_frames : int
        Frames that the spatio-temporal map chooses from.
    stgcf_best : int
        Frames among them that it averages: those of the highest peaks.
    stgcf_decay : float
        Loss of weight of a peak a frame back in time.
    voice_frames : int
        Frames of 32 ms that the voice activity detector hears, the last one ending at the stamp.
    peak_speech, face_speech : tuple of float
        Logistic coefficients of `activity.speech_probability`.

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
    voice. `context` and the scores were chosen by recall of simultaneous talkers, `quiet_share` by
    that of a talker beside a fan (validation seed 1001, a ReSpeaker).
    `voice_frames` and the limit of coherence in `activity` were chosen on validation scenes
    (seeds 1001, 1003 and 1005).
    """

    frame: float = 0.040
    band: tuple[float, float] = (200.0, 7500.0)
    oversampling: int = 6
    across: bool = False
    max_pairs: int = 160
    context: int = 10
    floor_memory: float = 2.0
    lateness: float = 8.0
    quiet_share: float = 0.02
    columns: int = 120
    surround_step: float = 4.0
    surround_parallax: float = 11.5
    min_range: float = 0.5
    max_range: float = 6.0
    max_peaks: int = 4
    min_score: float = 0.04
    min_relative_score: float = 0.10
    curvature_gain: float = 400.0
    direction_floor: float = 1.5
    face_rows: int = 12
    face_columns: int = 12
    face_ranges: int = 24
    face_range_limits: tuple[float, float] = (0.6, 1.6)
    range_gain: float = 400.0
    face_gate: float = 16.0
    history: int = 3
    stgcf_frames: int = 15
    stgcf_best: int = 1
    stgcf_decay: float = 0.0125
    voice_frames: int = 16
    peak_speech: tuple[float, ...] = (12.5, 0.66, 27.8)
    face_speech: tuple[float, ...] = (4.5, 0.63, 10.56)
