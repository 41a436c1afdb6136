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

"""Tells whether it is speech that comes from a place.

Coherence alone cannot tell: a fan is as coherent as a talker. So a network for voice activity
listens to a beam to the place, and says what the sound is. A beam also hears what is louder
elsewhere: what beams to several places have in common is parted among them, or a fan beside a
talker would seem to talk, and coherence says how much of the sound comes from the place at all.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from av_tracker_nodes.acoustics.beam import PartedBeams
from av_tracker_nodes.acoustics.buffer import StampedAudio
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.models.zoo import SILERO_VAD, open_model

_MOST_COHERENCE = 0.10
"""What is more coherent is nearer or in a drier room, not more like speech."""

_MICROPHONES = 16
"""In the scenes that the coefficients were fitted on."""

_PAIR = 2
"""Microphones with one coherence only."""

_SUREST = 4.0
"""Log-odds beyond which the network is not surer: of what it is sure it is mostly right."""

UNHEARD = -_SUREST
"""Log-odds of a place that was not listened to."""

_LOWEST = 60.0
"""Below this (Hz) there are offset and rumble, and no voice."""

_LEVEL = 0.05
"""Root mean square that signals are brought to: the gain of a sound card says nothing."""


class VoiceActivity:
    """The network Silero VAD, run on the end of each of several signals, from a blank state.

    Parameters
    ----------
    frames : int
        Frames of 32 ms that are heard, the last one ending with the signal.
    model : Path, optional
        That of `models.zoo.SILERO_VAD` if left out.

    Attributes
    ----------
    length : int
        Samples of a signal.

    Raises
    ------
    InputError
        The model is missing or is another one.
    """

    RATE = 16_000
    _FRAME, _OVERLAP, _STATE = 512, 64, 128

    def __init__(self, frames: int, model: Path | None = None) -> None:
        self.length = frames * self._FRAME + self._OVERLAP
        self._starts = np.arange(frames) * self._FRAME
        self._session = open_model(
            model or SILERO_VAD.verified(), SILERO_VAD.task, ['speech_probs']
        )

    def __call__(self, signals: np.ndarray) -> np.ndarray:
        """Judge signals.

        Parameters
        ----------
        signals : np.ndarray, shape (signals, length), float32
            At 16 kHz.

        Returns
        -------
        np.ndarray, shape (signals,)
            Log-odds of speech at the end of each.
        """
        count = len(signals)
        if count == 0:
            return np.zeros(0)
        level = np.sqrt(np.mean(np.square(signals), axis=1, keepdims=True))
        levelled = _LEVEL * np.divide(signals, level, out=np.zeros_like(signals), where=level > 0)
        windows = np.lib.stride_tricks.sliding_window_view(
            levelled, self._FRAME + self._OVERLAP, axis=1
        )
        frames = windows[:, self._starts].swapaxes(0, 1).reshape(-1, windows.shape[-1])
        blank = np.zeros((1, count, self._STATE), np.float32)
        inputs = {'input': frames, 'h': blank, 'c': blank}
        speech = self._session.run(['speech_probs'], inputs)[0].reshape(count, -1)[:, -1]
        odds = np.clip(speech.astype(float), 1e-6, 1 - 1e-6)
        return np.log(odds / (1 - odds))


class BeamListener:
    """Judges what is heard from places.

    Parameters
    ----------
    voice : VoiceActivity
    array : MicrophoneArray
    delays : PairDelays
        Of the array.
    """

    def __init__(
        self,
        voice: VoiceActivity,
        array: MicrophoneArray,
        delays: PairDelays,
    ) -> None:
        self._voice = voice
        self._channels = array.channels
        extent = np.linalg.norm(np.ptp(array.positions, axis=0)) / array.speed_of_sound
        self._count = int(np.ceil((voice.length / voice.RATE + extent) * array.rate))
        self._beams = PartedBeams(delays, array.rate, voice.RATE, self._count, _LOWEST)

    @property
    def bin_width(self) -> float:
        """Hertz between the bins of `beams`."""
        return self._beams.bin_width

    def listen(
        self, audio: StampedAudio, end: int, alive: np.ndarray, places: np.ndarray
    ) -> np.ndarray:
        """Judge the beams to places (places, 3), see `beams` and `judge`."""
        return self.judge(self.beams(audio, end, alive, places))

    def beams(
        self, audio: StampedAudio, end: int, alive: np.ndarray, places: np.ndarray
    ) -> np.ndarray:
        """Form beams to places.

        Parameters
        ----------
        audio : StampedAudio
        end : int
            Index after the last sample that is heard.
        alive : np.ndarray, shape (microphones,), bool
        places : np.ndarray, shape (places, 3)
            Metres, array frame.

        Returns
        -------
        np.ndarray, shape (places, bins), complex64
            Their spectra.
        """
        samples, _ = audio.read(end, self._count)
        return self._beams.spectra(samples[:, self._channels], alive, places)

    def judge(self, beams: np.ndarray) -> np.ndarray:
        """Tell the log-odds (places,) of speech in beams (places, bins)."""
        return self._voice(self._beams.signals(beams)[:, -self._voice.length :])


def speech_probability(
    coherence: float, microphones: int, voice: float, coefficients: tuple[float, ...]
) -> float:
    """Probability of speech, by logistic regression.

    Parameters
    ----------
    coherence : float
        At the place, mean over pairs.
    microphones : int
        That are alive: the fewer, the more coherence is chance.
    voice : float
        Log-odds of speech in a beam to the place.
    coefficients : tuple of float
        Of the logarithm of coherence, of the log-odds, the constant, and what is added to it where
        a single pair of microphones hears: its coherence is no mean over pairs that disagree.
    """
    evidence = coherence * math.sqrt(min(microphones / _MICROPHONES, 1.0))
    coherent, voiced, constant, of_pair = coefficients
    odds = coherent * math.log(min(max(evidence, 0.0), _MOST_COHERENCE) + 0.01)
    odds += voiced * _not_too_sure(voice) + constant
    return _probability(odds + of_pair if microphones == _PAIR else odds)


def speech_without_coherence(voice: float, coefficients: tuple[float, ...]) -> float:
    """Probability of speech where a single microphone hears it.

    Parameters
    ----------
    voice : float
        Log-odds of speech in its signal.
    coefficients : tuple of float
        As of `speech_probability`; only that of the log-odds counts.
    """
    voiced = coefficients[1]
    return _probability(voiced * _not_too_sure(voice))


def _not_too_sure(voice: float) -> float:
    return min(max(voice, -_SUREST), _SUREST)


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
