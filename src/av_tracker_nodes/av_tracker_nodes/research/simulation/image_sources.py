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

"""Image sources of a box room (Allen and Berkley 1979), for talkers that move and turn.

All walls reflect the share `reflection` of the pressure at all frequencies. Pressure is that of a
source of unit pressure 1 m in front of the mouth: the direct path arrives as ``1 / range``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numba
import numpy as np
from scipy.signal import butter, lfilter

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.research.simulation.speech import RATE

EARLY_ORDER = 3
"""Reflections of up to this many walls move with the talker, later ones are a diffuse tail."""

HOP = 160
"""Path lengths are exact every `HOP` samples and linear in between."""

_TAPS = 16
_PHASE_BITS = 10
_POSITION_BITS = 26
_CROSSOVER = 1500.0
_BEHIND_LOW, _BEHIND_HIGH = 10 ** (-3 / 20), 10 ** (-14 / 20)


@dataclass(frozen=True)
class Images:
    """Mirror images of a point in a box room.

    With `place` a point of the room, its image `i` lies at ``sign[i] * place + shift[i]``, and a
    sound from there has met `walls[i]` walls.

    Attributes
    ----------
    sign, shift : np.ndarray, shape (images, 3)
    walls : np.ndarray, shape (images,)
    """

    sign: np.ndarray
    shift: np.ndarray
    walls: np.ndarray

    def of(self, place: np.ndarray) -> np.ndarray:
        """Positions of the images, shape (images, ..., 3), of places of shape (..., 3)."""
        shape = (len(self.walls),) + (1,) * (place.ndim - 1) + (3,)
        return self.sign.reshape(shape) * place + self.shift.reshape(shape)


def image_sources(room: Room, reach: np.ndarray, order: int | None = None) -> Images:
    """Enumerate the images in at most `reach` (3,) room lengths, of at most `order` walls."""
    axes = [images_along(room, axis, int(reach[axis])) for axis in range(3)]
    grids = [np.meshgrid(*[axis[part] for axis in axes], indexing='ij') for part in range(3)]
    sign, shift = (np.stack([grid.ravel() for grid in grids[part]], axis=-1) for part in (0, 1))
    walls = sum(grid.ravel() for grid in grids[2])
    kept = walls <= (walls.max() if order is None else order)
    return Images(sign[kept].astype(float), shift[kept].astype(float), walls[kept])


def images_along(room: Room, axis: int, reach: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sign, shift (m) and walls, each (images,), of the images along one axis of a room.

    Those of a room are all combinations of the three axes; see `Images`.
    """
    size, low = room.maximum[axis] - room.minimum[axis], room.minimum[axis]
    mirrored, cell = np.array(list(product((0, 1), range(-reach, reach + 1)))).T
    walls = np.abs(cell) + np.abs(cell - mirrored)
    return 1 - 2 * mirrored, 2 * cell * size + 2 * mirrored * low, walls


def split_bands(speech: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split a signal at 1.5 kHz into a low and a high part that add up to it."""
    low = lfilter(*butter(1, _CROSSOVER, fs=RATE), speech).astype(np.float32)
    return low, np.asarray(speech, np.float32) - low


def directivity(cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gain of the low and high band of a voice towards a direction.

    From 1 in front to -3 dB (low) and -14 dB (high) behind the head, in between like a cardioid;
    about what was measured on talkers (Dunn and Farnsworth 1939).

    Parameters
    ----------
    cosine : np.ndarray
        Of the angle between the direction and the nose.
    """
    front = (1 + cosine) / 2
    return _BEHIND_LOW + (1 - _BEHIND_LOW) * front, _BEHIND_HIGH + (1 - _BEHIND_HIGH) * front


def diffuse_gain() -> tuple[float, float]:
    """Root mean square over all directions of the two gains of `directivity`."""
    low, high = directivity(np.linspace(-1, 1, 1001))
    return float(np.sqrt(np.mean(low**2))), float(np.sqrt(np.mean(high**2)))


def render_early(
    speech: np.ndarray,
    mouth: np.ndarray,
    facing: np.ndarray,
    microphones: np.ndarray,
    groups: np.ndarray,
    room: Room,
    reflection: float,
    speed_of_sound: float,
) -> np.ndarray:
    """Render the direct path and the first reflections of a moving talker.

    Every path is a fractional delay that changes smoothly with the distance, so there is Doppler
    shift and no switching of impulse responses. The directivity is evaluated towards the centre of
    each rigid array.

    Parameters
    ----------
    speech : np.ndarray, shape (samples,)
        Dry signal at 16 kHz.
    mouth, facing : np.ndarray, shape (samples // 160 + 2, 3)
        Place (m) and direction of the mouth every `HOP` samples.
    microphones : np.ndarray, shape (microphones, 3)
        Metres; where they move, of shape (samples // 160 + 2, microphones, 3), every `HOP`
        samples.
    groups : np.ndarray, shape (microphones,)
        Rigid array of each microphone.
    room : Room
    reflection : float
        Pressure reflection factor of the walls.
    speed_of_sound : float
        m/s.

    Returns
    -------
    np.ndarray, shape (microphones, samples), float32
    """
    images = image_sources(room, np.full(3, EARLY_ORDER // 2 + 1), EARLY_ORDER)
    low, high = split_bands(speech)
    sounding = np.concatenate([[0], np.cumsum(np.abs(low) + np.abs(high) > 1e-7)])
    result = np.zeros((microphones.shape[-2], speech.size), np.float32)
    table = _sinc_table()
    for sign, places, walls in zip(images.sign, images.of(mouth), images.walls, strict=True):
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            towards = microphones[..., members, :].mean(axis=-2) - places
            distance = np.linalg.norm(towards, axis=1)
            cosine = np.einsum('ij,ij->i', sign * facing, towards) / distance
            gain_low, gain_high = directivity(cosine)
            emitted = _mix_bands(low, high, gain_low.astype('f4'), gain_high.astype('f4'))
            for member in members:
                path = np.linalg.norm(microphones[..., member, :] - places, axis=1)
                delay = path * (RATE / speed_of_sound)
                gain = (reflection**walls / path).astype(np.float32)
                _add_path(result[member], emitted, delay, gain, table, sounding)
    return result


def _sinc_table() -> np.ndarray:
    """Hann-windowed sinc interpolators for fractions of a sample, shape (phases, taps)."""
    phases = 1 << _PHASE_BITS
    fraction = (np.arange(phases)[:, None] + 0.5) / phases
    offset = np.arange(_TAPS) - (_TAPS // 2 - 1) - fraction
    window = np.cos(np.pi * offset / (_TAPS + 1)) ** 2
    table = np.sinc(offset) * window
    return (table / table.sum(axis=1, keepdims=True)).astype(np.float32)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _mix_bands(low, high, gain_low, gain_high):
    """Mix the bands with gains that change linearly between knots; zeros around the result."""
    mixed = np.zeros(low.size + 2 * _TAPS, np.float32)
    for start in range(0, low.size, HOP):
        knot = start // HOP
        slope_low = (gain_low[knot + 1] - gain_low[knot]) / np.float32(HOP)
        slope_high = (gain_high[knot + 1] - gain_high[knot]) / np.float32(HOP)
        for n in range(min(HOP, low.size - start)):
            k = np.float32(n)
            mixed[_TAPS + start + n] = (gain_low[knot] + k * slope_low) * low[start + n] + (
                gain_high[knot] + k * slope_high
            ) * high[start + n]
    return mixed


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_path(result, emitted, delay, gain, table, sounding):
    """Add one path: sample n hears what was emitted `delay` samples before."""
    samples, half = result.size, _TAPS // 2 - 1
    for start in range(0, samples, HOP):
        knot, count = start // HOP, min(HOP, samples - start)
        slope = (delay[knot + 1] - delay[knot]) / HOP
        gain_slope = (gain[knot + 1] - gain[knot]) / np.float32(HOP)
        longest = max(delay[knot], delay[knot + 1])
        shortest = min(delay[knot], delay[knot + 1])
        first = min(max(int(start - longest) - _TAPS, 0), samples)
        last = min(max(int(start + count - shortest) + _TAPS, 0), samples)
        if sounding[last] == sounding[first]:
            continue
        # Fixed point: whole samples in the upper bits, below them the row of the table.
        position = np.int64((_TAPS + start - delay[knot] - half) * (1 << _POSITION_BITS))
        step = np.int64((1 - slope) * (1 << _POSITION_BITS))
        for n in range(count):
            begin = position >> _POSITION_BITS
            row = (position >> (_POSITION_BITS - _PHASE_BITS)) & ((1 << _PHASE_BITS) - 1)
            position += step
            if begin < 0:
                continue
            taps, heard = table[row], emitted[begin : begin + _TAPS]
            total = np.float32(0)
            for k in range(_TAPS):
                total += taps[k] * heard[k]
            result[start + n] += (gain[knot] + np.float32(n) * gain_slope) * total
