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

"""Dry voices: recorded people, the same at another pitch, and speech synthesisers.

The recordings are those of Debian's pocketsphinx-testdata: a LibriVox reader and a man who reads
commands, numbers and playing cards. Training, validation and test scenes use different recordings
and different synthetic voices. The two recorded people are the same in all three splits, at
different pitches; no other real speech is packaged for Debian.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

from av_tracker_nodes import InputError
from av_tracker_nodes.research.simulation.splits import Split

RATE = 16_000
"""Sampling rate of all voices (Hz)."""

ACTIVE_LEVEL = 0.05
"""Root mean square of speech, pauses left out, 1 m in front of the mouth (full scale is 1)."""

RECORDINGS = Path('/usr/share/pocketsphinx/test/data')
INSTALL = 'apt-get install pocketsphinx-testdata espeak-ng flite'

MERGED_PAUSE = 0.3
"""Shorter pauses (s) belong to the stretch of speech around them."""

_READER = 'librivox/sense_and_sensibility_01_austen_64kb-{}.wav'
_RECORDED = {
    Split.TRAIN: {
        'reader': [_READER.format('0870'), _READER.format('0880')],
        'speaker': ['cards/001.wav', 'cards/002.wav', 'cards/003.wav', 'numbers.raw'],
    },
    Split.VALIDATION: {
        'reader': [_READER.format('0890')],
        'speaker': ['cards/004.wav', 'goforward.raw', 'tidigits/dhd.2934z.raw'],
    },
    Split.TEST: {
        'reader': [_READER.format('0920'), _READER.format('0930')],
        'speaker': ['cards/005.wav', 'something.raw'],
    },
}
_SYNTHETIC = {
    Split.TRAIN: [
        *[
            ('espeak-ng', voice)
            for voice in ('en-us+m1', 'en-gb-x-rp+f1', 'en-us+f3', 'en-gb-scotland+m3')
        ],
        ('flite', 'awb'),
        ('flite', 'kal16'),
    ],
    Split.VALIDATION: [
        ('espeak-ng', 'en-us+f4'),
        ('espeak-ng', 'en-gb-scotland+m4'),
        ('flite', 'rms'),
    ],
    Split.TEST: [('espeak-ng', 'en-us+f2'), ('espeak-ng', 'en-gb-x-rp+m7'), ('flite', 'slt')],
}
_TEXTS = {
    Split.TRAIN: [
        'The projector is on the left, please move the chairs a little closer to the wall.',
        'We measured it twice on Monday, and once more after lunch.',
        'I would rather take the early train, it is never as full.',
    ],
    Split.VALIDATION: [
        'Could you open the window, the room is getting warm.',
        'Seven boxes arrived yesterday, but only five of them are labelled.',
    ],
    Split.TEST: [
        'Nobody told me that the meeting had been moved to the second floor.',
        'First we draw the plan, then we look for the missing parts.',
    ],
}

_LOWEST_PITCH, _HIGHEST_PITCH, _PITCH_STEP = 0.88, 1.12, 0.04
_SYNTHETIC_SHARE = 0.25
_FRAME = 0.02


@dataclass(frozen=True)
class Voice:
    """Somebody's dry speech.

    Attributes
    ----------
    name : str
        Source and pitch factor.
    phrases : tuple of np.ndarray, each of shape (samples,), float32
        Utterances at 16 kHz and `ACTIVE_LEVEL`.
    """

    name: str
    phrases: tuple[np.ndarray, ...]


def draw_voices(split: Split, count: int, rng: np.random.Generator) -> list[Voice]:
    """Draw different voices for the talkers of one scene.

    The first is always a recorded person, the others mostly; nobody sounds like somebody else in
    the same scene.

    Raises
    ------
    InputError
        Where the recordings or a synthesiser are not installed.
    """
    sources = list(rng.permutation(list(_RECORDED[split])))
    pitches = rng.permutation(np.arange(_LOWEST_PITCH, _HIGHEST_PITCH + 0.01, _PITCH_STEP))
    synthetic = rng.permutation(_SYNTHETIC[split])
    voices = []
    for index in range(count):
        pitch = float(pitches[index % len(pitches)])
        if index > 0 and rng.uniform() < _SYNTHETIC_SHARE:
            program, name = synthetic[index % len(synthetic)]
            voices.append(_synthetic_voice(str(program), str(name), split, pitch))
        else:
            voices.append(_recorded_voice(str(sources[index % len(sources)]), split, pitch))
    return voices


def talk(
    voice: Voice, turns: list[tuple[float, float]], duration: float, rng: np.random.Generator
) -> np.ndarray:
    """Let a voice speak during its turns, with short pauses between phrases.

    Parameters
    ----------
    voice : Voice
    turns : list of (float, float)
        Start and end (s) of each turn; speech is faded out at the end of a turn.
    duration : float
        Of the result (s).
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (duration * 16000,), float32
        Exactly zero outside the stretches that `speech_segments` finds.
    """
    speech = np.zeros(round(duration * RATE), np.float32)
    order = _endless_order(len(voice.phrases), rng)
    for start, end in turns:
        position, stop = round(start * RATE), min(round(end * RATE), speech.size)
        while stop - position > 0.5 * RATE:
            phrase = voice.phrases[next(order)][: stop - position].copy()
            _fade_ends(phrase)
            speech[position : position + phrase.size] = phrase
            position += phrase.size + round(rng.uniform(0.2, 0.6) * RATE)
    return _silence_pauses(speech)


def speech_segments(speech: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Find the stretches of speech in a dry signal by its energy.

    A frame of 20 ms is speech above -26 dB re `ACTIVE_LEVEL`. Pauses under 0.3 s are merged and
    bursts under 0.1 s dropped.

    Parameters
    ----------
    speech : np.ndarray, shape (samples,)
        At `RATE`.

    Returns
    -------
    tuple of (float, float)
        Start and end of each stretch (s).
    """
    frame = round(_FRAME * RATE)
    loud = frame_level(speech, frame) > ACTIVE_LEVEL * 10 ** (-26 / 20)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]]).astype(int)))
    merged: list[list[float]] = []
    for start, end in edges.reshape(-1, 2) * (frame / RATE):
        if merged and start - merged[-1][1] < MERGED_PAUSE:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    return tuple((float(start), float(end)) for start, end in merged if end - start >= 0.1)


def frame_level(speech: np.ndarray, frame: int) -> np.ndarray:
    """Root mean square of consecutive frames of `frame` samples, shape (samples // frame,)."""
    frames = speech[: speech.size // frame * frame].reshape(-1, frame)
    return np.sqrt(np.mean(np.square(frames, dtype=float), axis=1))


@lru_cache(maxsize=32)
def _recorded_voice(source: str, split: Split, pitch: float) -> Voice:
    phrases = [_read_recording(RECORDINGS / name) for name in _RECORDED[split][source]]
    return _make_voice(source, phrases, pitch)


@lru_cache(maxsize=32)
def _synthetic_voice(program: str, name: str, split: Split, pitch: float) -> Voice:
    phrases = [_synthesise(program, name, text) for text in _TEXTS[split]]
    return _make_voice(f'{program} {name}', phrases, pitch)


def _make_voice(source: str, phrases: list[np.ndarray], pitch: float) -> Voice:
    shifted = [_normalise(_shift_pitch(phrase, pitch)) for phrase in phrases]
    return Voice(f'{source} x{pitch:.2f}', tuple(shifted))


def _read_recording(path: Path) -> np.ndarray:
    if not path.is_file():
        raise InputError(f'recorded speech is missing: no {path}; install it with: {INSTALL}')
    if path.suffix == '.raw':
        return np.fromfile(path, '<i2') / 32768.0
    return _read_wav(path)


def _synthesise(program: str, voice: str, text: str) -> np.ndarray:
    if shutil.which(program) is None:
        raise InputError(f'speech synthesiser {program} is not installed; try: {INSTALL}')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'speech.wav'
        options = {'espeak-ng': ['-v', voice, '-w', path, text]}
        options['flite'] = ['-voice', voice, '-t', text, '-o', path]
        subprocess.run([program, *options[program]], check=True, capture_output=True, timeout=60)
        return _read_wav(path)


def _read_wav(path: Path) -> np.ndarray:
    rate, samples = wavfile.read(path)
    ratio = Fraction(RATE, rate)
    return resample_poly(samples / 32768.0, ratio.numerator, ratio.denominator)


def _shift_pitch(phrase: np.ndarray, pitch: float) -> np.ndarray:
    """Raise pitch, formants and tempo by a factor, as a faster tape does."""
    ratio = Fraction(1 / pitch).limit_denominator(50)
    return resample_poly(phrase, ratio.numerator, ratio.denominator)


def _normalise(phrase: np.ndarray) -> np.ndarray:
    """Trim silent ends and bring the level of the loud frames to `ACTIVE_LEVEL`."""
    frame = round(_FRAME * RATE)
    level = frame_level(phrase, frame)
    loud = np.flatnonzero(level > 0.1 * np.quantile(level, 0.95))
    active = np.sqrt(np.mean(level[loud] ** 2))
    trimmed = phrase[loud[0] * frame : (loud[-1] + 1) * frame]
    return (trimmed * (ACTIVE_LEVEL / active)).astype(np.float32)


def _endless_order(count: int, rng: np.random.Generator):
    """Yield indices, each as often as the others, in changing order."""
    while True:
        yield from rng.permutation(count)


def _fade_ends(phrase: np.ndarray, seconds: float = 0.03) -> None:
    ramp = np.linspace(0, 1, min(round(seconds * RATE), phrase.size // 2), dtype=np.float32)
    phrase[: ramp.size] *= ramp
    phrase[phrase.size - ramp.size :] *= ramp[::-1]


def _silence_pauses(speech: np.ndarray) -> np.ndarray:
    """Zero what lies outside the stretches of speech: breath and the noise of the recording."""
    kept = np.zeros_like(speech)
    for start, end in speech_segments(speech):
        stretch = slice(round(start * RATE), round(end * RATE))
        kept[stretch] = speech[stretch]
    return kept
