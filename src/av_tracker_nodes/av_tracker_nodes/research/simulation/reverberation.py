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

"""Reverberation: walls that give a wanted decay, and the diffuse tail after the early reflections.

Formulas for the absorption that belongs to a reverberation time (Sabine, Eyring) are far off in a
flat room with equal walls. Here the decay is computed from all image sources, and the reflection
factor is sought whose decay, measured as an acoustician does (T30), is the one asked for.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
from scipy.optimize import brentq
from scipy.signal import oaconvolve

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.research.simulation.diffuse import DiffuseField
from av_tracker_nodes.research.simulation.image_sources import (
    EARLY_ORDER,
    HOP,
    diffuse_gain,
    images_along,
    split_bands,
)
from av_tracker_nodes.research.simulation.speech import RATE

TALKER_PLACES = np.array([[0.7, 1.0, 0.80], [1.0, 0.1, 0.85], [1.3, -0.9, 1.0], [0.8, -0.5, 0.45]])
"""Where the decay is calibrated: mouths of people behind the table (m)."""

_BIN = 80
_REDRAW_DISTANCE = 0.4


def reverberation_time(response: np.ndarray, rate: int) -> float:
    """Measure T30 (s) of an impulse response, shape (samples,).

    Backward integration (Schroeder 1965), a line through -5 dB to -35 dB, extrapolated to -60 dB
    (ISO 3382-2).
    """
    return _decay_time(np.square(response, dtype=float), 1 / rate)


def reflection_factor(room: Room, rt60: float, speed_of_sound: float) -> float:
    """Find the pressure reflection factor of the walls that gives a T30 of `rt60` (s)."""
    limits = tuple(room.minimum), tuple(room.maximum)
    return _reflection_factor(*limits, round(rt60, 6), round(speed_of_sound, 6))


@lru_cache(maxsize=16)
def _reflection_factor(
    minimum: tuple[float, ...], maximum: tuple[float, ...], rt60: float, speed_of_sound: float
) -> float:
    room = Room(np.array(minimum), np.array(maximum))
    parts = [_echoes(room, place, 1.1 * rt60, speed_of_sound) for place in TALKER_PLACES]
    most = np.max([part.shape for part in parts], axis=0)
    echoes = sum(np.pad(part, [(0, n) for n in most - part.shape]) for part in parts)
    walls = np.arange(most[1])

    def excess(reflection: float) -> float:
        return _decay_time(echoes @ reflection ** (2.0 * walls), _BIN / RATE) - rt60

    return float(brentq(excess, 0.3, 0.97, xtol=1e-4))


def tail_envelope(
    room: Room, place: np.ndarray, reflection: float, rt60: float, speed_of_sound: float
) -> np.ndarray:
    """Deviation of the tail's samples, shape (samples,), for a source of unit pressure at 1 m.

    The energy of all image sources of more than `EARLY_ORDER` walls, as seen from the origin, so
    that early reflections and tail together decay like the whole room.
    """
    samples = min(round(rt60 * RATE), DiffuseField.BLOCK)
    echoes = _echoes(room, place, samples / RATE, speed_of_sound)[:, EARLY_ORDER + 1 :]
    walls = EARLY_ORDER + 1 + np.arange(echoes.shape[1])
    energy = echoes @ reflection ** (2.0 * walls)
    centres = (np.arange(energy.size) + 0.5) * _BIN
    return np.interp(np.arange(samples), centres, np.sqrt(energy / _BIN))


def render_tail(
    speech: np.ndarray,
    mouth: np.ndarray,
    envelope: np.ndarray,
    field: DiffuseField,
    rng: np.random.Generator,
) -> np.ndarray:
    """Render the reverberant tail of a moving talker.

    Its fine structure is redrawn, with a crossfade of constant power, for each 0.4 m that the
    mouth moves.

    Parameters
    ----------
    speech : np.ndarray, shape (samples,)
        Dry signal.
    mouth : np.ndarray, shape (knots, 3)
        Places of the mouth every `HOP` samples (m).
    envelope : np.ndarray, shape (tail,)
        From `tail_envelope`.
    field : DiffuseField
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (microphones, samples), float32
    """
    gain_low, gain_high = diffuse_gain()
    low, high = split_bands(speech)
    radiated = gain_low * low + gain_high * high
    moved = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(mouth, axis=0), axis=1))])
    progress = np.interp(np.arange(speech.size) / HOP, np.arange(len(mouth)), moved)
    progress /= _REDRAW_DISTANCE
    result = None
    for index in range(int(progress[-1]) + 2):
        tail = field.block(rng)[:, : envelope.size] * envelope
        if result is None:
            result = np.zeros((len(tail), speech.size), np.float32)
        span = slice(*np.searchsorted(progress, [index - 1, index + 1]))
        weight = np.cos(np.pi / 2 * (progress[span] - index))
        part = (radiated[span] * weight).astype(np.float32)
        if not part.any():
            continue
        heard = oaconvolve(part[None], tail.astype(np.float32), axes=1)
        end = min(span.start + heard.shape[1], speech.size)
        result[:, span.start : end] += heard[:, : end - span.start]
    return result


def _echoes(room: Room, place: np.ndarray, seconds: float, speed_of_sound: float) -> np.ndarray:
    """Energy that reaches the origin in each 5 ms by paths of each number of walls.

    Shape (bins, walls + 1), for a source of unit pressure at 1 m and walls that reflect all.
    """
    longest = seconds * speed_of_sound
    reach = np.ceil(longest / (2 * (room.maximum - room.minimum))).astype(int)
    axes = [images_along(room, axis, reach[axis]) for axis in range(3)]
    squares = [(sign * place[axis] + shift) ** 2.0 for axis, (sign, shift, _) in enumerate(axes)]
    walls = [walls for _, _, walls in axes]
    bins_a_metre = RATE / speed_of_sound / _BIN
    shape = int(longest * bins_a_metre) + 1, sum(int(each.max()) for each in walls) + 1
    energy = np.zeros(shape)
    _add_echoes(energy, *squares, *walls, longest, bins_a_metre)
    last = [np.flatnonzero(energy.any(axis=axis)).max() + 1 for axis in (1, 0)]
    return energy[: last[0], : last[1]]


@numba.njit(cache=True, nogil=True)
def _add_echoes(energy, x2, y2, z2, x_walls, y_walls, z_walls, longest, bins_a_metre):
    """Add the energy of all images, the squares (m^2) of whose coordinates are given by axis."""
    for i in range(x2.size):
        for j in range(y2.size):
            flat = x2[i] + y2[j]
            if flat >= longest**2:
                continue
            for k in range(z2.size):
                square = flat + z2[k]
                if square < longest**2:
                    place = int(np.sqrt(square) * bins_a_metre)
                    energy[place, x_walls[i] + y_walls[j] + z_walls[k]] += 1 / square


def _decay_time(energy: np.ndarray, step: float) -> float:
    remaining = np.cumsum(energy[::-1])[::-1]
    level = 10 * np.log10(np.maximum(remaining / remaining[0], 1e-12))
    fitted = (level <= -5) & (level >= -35)
    slope = np.polyfit(np.flatnonzero(fitted) * step, level[fitted], 1)[0]
    return float(-60 / slope)
