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

"""What is heard in a room and is nobody's voice, as dry signals at the rate of the voices.

No two draws of a kind are alike, or whoever learns from them learns one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE, Voice, talk

Noise = Callable[[int, np.random.Generator], np.ndarray]
"""Draws as many samples as are asked for, shape (samples,), float32."""

_CHORD_SECONDS = 2.0
_CHORDS = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6))
"""Fundamentals (Hz) of the chords that a television plays under its talk."""
_MUSIC_SHARE = 0.4

_MAINS = (50.0, 60.0, 100.0, 120.0, 150.0)
"""Fundamentals (Hz) of the hum of mains and transformers."""

_KEYS = np.array([0, 2, 4, 5, 7, 9, 11])
"""Half tones above the key note of a major scale."""


def fan_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Hum of a motor and rush of air, shape (samples,), float32."""
    time = np.arange(samples) / RATE
    hum = sum(np.sin(2 * np.pi * 97.0 * k * time) / k for k in range(1, 6))
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    rush = np.fft.irfft(spectrum / (1 + (frequency / 900.0) ** 2), samples)
    return (0.5 * hum / hum.std() + rush / rush.std()).astype(np.float32)


def motor_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Sound of a servo drive: the tone of its gears and the whine of its winding follow its speed.

    A move speeds up, goes on, and slows down in 0.3 to 2 s; between moves it rests.
    """
    sound = np.zeros(samples, np.float32)
    whine = rng.uniform(5, 11)
    for start, stop in _on_and_off(samples, (0.3, 2.0), (0.3, 1.5), rng):
        count = stop - start
        ramp = np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.15 * RATE)
        speed = np.clip(ramp, 0.0, 1.0)
        turns = np.cumsum((0.3 + 0.7 * speed) * rng.uniform(150, 450)) / RATE
        tones = [
            np.cos(2 * np.pi * (order * turns + rng.uniform())) / order ** rng.uniform(0.3, 1.2)
            for order in range(1, 13)
        ]
        tones.append(0.5 * np.cos(2 * np.pi * whine * turns))
        rasp = 0.4 * rng.standard_normal(count) * (1 + np.cos(2 * np.pi * turns))
        sound[start:stop] = np.sqrt(speed) * (np.sum(tones, axis=0) + rasp)
    return _of_unit_power(sound)


def hum_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Hum of mains: a fundamental of 50 to 150 Hz and 4 to 30 of its harmonics."""
    pitch, count, slope = rng.choice(_MAINS), rng.integers(4, 31), rng.uniform(0.3, 1.5)
    time = np.arange(samples) / RATE
    sound = np.zeros(samples)
    for order in range(1, count + 1):
        gain = rng.uniform(0.3, 1.0) / order**slope
        sound += gain * np.cos(2 * np.pi * (pitch * order * time + rng.uniform()))
    return _of_unit_power(sound)


def music_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Chords that are held, a plucked melody and drums, in a key and a tempo; nobody sings."""
    beat = 60 / rng.uniform(70, 140)
    key = 110 * 2 ** (rng.integers(0, 12) / 12)
    beats = int(samples / RATE / beat) + 1
    sound = np.zeros(samples)

    def add(note: np.ndarray, beats_in: float, gain: float) -> None:
        start = round(beats_in * beat * RATE)
        part = note[: max(samples - start, 0)]
        sound[start : start + len(part)] += gain * part

    def pitch(step: int) -> float:
        octave, degree = divmod(step, len(_KEYS))
        return key * 2 ** (octave + _KEYS[degree] / 12)

    for bar in range(0, beats, 4):
        root = int(rng.choice((0, 3, 4, 5)))
        for step in (root, root + 2, root + 4):
            add(_organ(pitch(step), 4 * beat, rng), bar, 0.25)
    step = 7
    for half in range(2 * beats):
        if rng.uniform() < 0.6:
            step = int(np.clip(step + rng.integers(-2, 3), 3, 18))
            add(_plucked(pitch(step), 1.0, rng), half / 2, 0.8)
        if half % 4 == 0:
            add(_drum(60.0, 0.15, rng, hiss=0.05), half / 2, 1.0)
        if half % 4 == 2:
            add(_drum(180.0, 0.12, rng, hiss=1.0), half / 2, 0.5)
    return _of_unit_power(sound)


def knocks_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Clicks, knocks on wood and claps, up to four in a second, at times in quick succession."""
    sound = np.zeros(samples, np.float32)
    at = rng.uniform(0, 0.5)
    while at * RATE < samples:
        kind = rng.choice(('click', 'knock', 'clap'))
        if kind == 'click':
            blow = _drum(rng.uniform(1500, 4000), 0.004, rng, hiss=0.5)
        elif kind == 'knock':
            blow = _drum(rng.uniform(150, 600), 0.03, rng, hiss=0.3)
        else:
            blow = _drum(rng.uniform(800, 1600), 0.012, rng, hiss=3.0)
        start = round(at * RATE)
        part = blow[: samples - start]
        sound[start : start + len(part)] += part * rng.uniform(0.5, 1.0)
        at += rng.choice((rng.uniform(0.12, 0.25), rng.uniform(0.4, 1.5)))
    return _of_unit_power(sound)


def white_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """All frequencies alike."""
    return rng.standard_normal(samples).astype(np.float32)


def pink_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """All octaves alike, above 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    return _of_unit_power(np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 20.0)), samples))


NOISES: dict[str, Noise] = {
    'fan': fan_sound,
    'motor': motor_sound,
    'hum': hum_sound,
    'music': music_sound,
    'knocks': knocks_sound,
    'white': white_sound,
    'pink': pink_sound,
}
"""By the kind that rig files name."""


def television_sound(samples: int, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Somebody who talks on without a pause to speak of, over chords; (samples,), float32."""
    seconds = samples / RATE
    speech = talk(voice, [(0.0, seconds)], seconds, rng)
    time = np.arange(samples) / RATE
    chord = (time / _CHORD_SECONDS).astype(int) % len(_CHORDS)
    fundamentals = np.array(_CHORDS)[chord].T
    music = sum(np.sin(2 * np.pi * f * time) + np.sin(4 * np.pi * f * time) / 3
                for f in fundamentals)  # fmt: skip
    return (speech + _MUSIC_SHARE * ACTIVE_LEVEL * music / music.std()).astype(np.float32)


def switched(sound: np.ndarray, rng: np.random.Generator, ramp: float = 0.005) -> np.ndarray:
    """Switch a sound (samples,) on and off, 0.5 to 4 s each, with ramps of a length (s)."""
    gain = np.zeros(len(sound), np.float32)
    length = round(ramp * RATE)
    for start, stop in _on_and_off(len(sound), (0.5 + ramp, 4.0), (0.5, 3.0), rng):
        rise = np.arange(stop - start) / max(length, 1)
        gain[start:stop] = np.clip(np.minimum(rise, rise[::-1]), 0, 1)
    return sound * gain


def _on_and_off(
    samples: int, on: tuple[float, float], off: tuple[float, float], rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """First and last sample of stretches of a length (s) within limits, and pauses between."""
    at = 0
    while True:
        start = at + round(rng.uniform(*off) * RATE)
        at = start + round(rng.uniform(*on) * RATE)
        if start >= samples:
            return
        yield start, min(at, samples)


def _organ(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    gains = rng.uniform(0.2, 1.0, 6) / np.arange(1, 7)
    tones = sum(g * np.sin(2 * np.pi * pitch * (k + 1) * time) for k, g in enumerate(gains))
    return tones * np.minimum(1.0, np.minimum(time, time[::-1]) / 0.05)


def _plucked(pitch: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Harmonics that fade the sooner the higher they are, as of a string."""
    time = np.arange(round(seconds * RATE)) / RATE
    place = rng.uniform(0.08, 0.4)
    orders = np.arange(1, min(25, int(0.45 * RATE / pitch)) + 1)
    gains = np.sin(np.pi * place * orders) / orders
    fading = np.exp(-np.outer(time, 3.0 + 1.2 * orders))
    return (gains * fading * np.sin(2 * np.pi * pitch * np.outer(time, orders))).sum(axis=1)


def _drum(pitch: float, decay: float, rng: np.random.Generator, hiss: float) -> np.ndarray:
    """One blow: a tone and a hiss that die away, `decay` (s) to 1/e."""
    time = np.arange(round(8 * decay * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6))
    return np.exp(-time / decay) * (tone + hiss * rng.standard_normal(len(time)))


def _of_unit_power(sound: np.ndarray) -> np.ndarray:
    """Scale a sound to unit power while it sounds; it may be silent throughout."""
    power = np.mean(np.square(sound[sound != 0], dtype=float)) if sound.any() else 1.0
    return (sound / np.sqrt(power)).astype(np.float32)
