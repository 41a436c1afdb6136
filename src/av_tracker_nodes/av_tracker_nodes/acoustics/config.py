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
    context : int
        Frames that are averaged, the last one ending at the stamp: 8 span 180 ms.
    floor_memory : float
        Time over which the noise floor is the minimum of the power.
    floor_excess, reverberation_excess : float
        Multiples of the noise floor and of the late reverberation that are taken off the power to
        tell how much of it is direct sound.
    reverberation_lag, reverberation_time : float
        The late reverberation is the power `reverberation_lag` earlier, decayed as a room of
        `reverberation_time` (RT60) lets it.
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
        A peak within this angle of a face, seen from the microphones, can be its voice.
    history : int
        Earlier images that the enhanced map draws on (AVCLNet's n).
    stgcf_frames : int
        Frames that the spatio-temporal map chooses from.
    stgcf_decay : float
        Loss of weight of a peak a frame back in time.
    voice_frames : int
        Frames that the voice cues look at.
    peak_speech, face_speech : tuple of float
        Logistic coefficients, the constant last; see `activity`.
    """

    frame: float = 0.040
    band: tuple[float, float] = (200.0, 7500.0)
    oversampling: int = 4
    across: bool = False
    context: int = 8
    floor_memory: float = 2.0
    floor_excess: float = 2.0
    reverberation_excess: float = 1.0
    reverberation_lag: float = 0.060
    reverberation_time: float = 0.4
    quiet_share: float = 0.05
    columns: int = 120
    surround_step: float = 4.0
    surround_parallax: float = 11.5
    min_range: float = 0.5
    max_range: float = 6.0
    max_peaks: int = 4
    min_score: float = 0.05
    min_relative_score: float = 0.15
    curvature_gain: float = 100.0
    direction_floor: float = 0.5
    face_rows: int = 12
    face_columns: int = 12
    face_ranges: int = 24
    face_range_limits: tuple[float, float] = (0.6, 1.6)
    range_gain: float = 100.0
    face_gate: float = 12.0
    history: int = 3
    stgcf_frames: int = 15
    stgcf_decay: float = 0.0125
    voice_frames: int = 10
    peak_speech: tuple[float, ...] = (2.0, 1.0, 6.0, 2.0)
    face_speech: tuple[float, ...] = (2.0, 1.0, 6.0, 2.0)
