# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What machines in a room emit, as dry signals at the rate of the voices."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE, Voice, talk

_CHORD_SECONDS = 2.0
_CHORDS = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6))
"""Fundamentals (Hz) of the chords that a television plays under its talk."""
_MUSIC_SHARE = 0.4


def fan_sound(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Hum of a motor and rush of air, shape (samples,), float32."""
    time = np.arange(samples) / RATE
    hum = sum(np.sin(2 * np.pi * 97.0 * k * time) / k for k in range(1, 6))
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    rush = np.fft.irfft(spectrum / (1 + (frequency / 900.0) ** 2), samples)
    return (0.5 * hum / hum.std() + rush / rush.std()).astype(np.float32)


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
