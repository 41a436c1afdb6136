# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Reverberation: walls that give a wanted decay, and the diffuse tail after the early reflections.

Formulas for the absorption that belongs to a reverberation time (Sabine, Eyring) are far off in a
flat room with equal walls. Here the decay is computed from all image sources, and the reflection
factor is sought whose decay, measured as an acoustician does (T30), is the one asked for.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.signal import oaconvolve

from av_tracker_nodes.geometry import Room
from av_tracker_nodes.simulation.diffuse import DiffuseField
from av_tracker_nodes.simulation.image_sources import (
    EARLY_ORDER,
    HOP,
    diffuse_gain,
    image_sources,
    split_bands,
)
from av_tracker_nodes.simulation.speech import RATE

TALKER_PLACE = (1.0, 0.1, 0.85)
"""Where the decay is calibrated: mouth of somebody who stands behind the table (m)."""

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
    paths = _late_paths(room, np.array(TALKER_PLACE), 1.1 * rt60, speed_of_sound)

    def excess(reflection: float) -> float:
        return _decay_time(_energy(*paths, reflection), _BIN / RATE) - rt60

    return float(brentq(excess, 0.3, 0.97, xtol=1e-4))


def tail_envelope(
    room: Room, place: np.ndarray, reflection: float, rt60: float, speed_of_sound: float
) -> np.ndarray:
    """Deviation of the tail's samples, shape (samples,), for a source of unit pressure at 1 m.

    The energy of all image sources of more than `EARLY_ORDER` walls, as seen from the origin, so
    that early reflections and tail together decay like the whole room.
    """
    samples = min(round(rt60 * RATE), DiffuseField.BLOCK)
    arrival, distance, walls = _late_paths(room, place, samples / RATE, speed_of_sound)
    late = walls > EARLY_ORDER
    energy = _energy(arrival[late], distance[late], walls[late], reflection)
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


def _late_paths(
    room: Room, place: np.ndarray, seconds: float, speed_of_sound: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrival times (s), lengths (m) and walls of all paths to the origin within a time."""
    longest = seconds * speed_of_sound
    reach = np.ceil(longest / (2 * (room.maximum - room.minimum)))
    images = image_sources(room, reach)
    distance = np.linalg.norm(images.of(place), axis=-1)
    heard = distance < longest
    return distance[heard] / speed_of_sound, distance[heard], images.walls[heard]


def _energy(
    arrival: np.ndarray, distance: np.ndarray, walls: np.ndarray, reflection: float
) -> np.ndarray:
    """Energy that arrives in each 5 ms, from a source of unit pressure at 1 m."""
    energy = reflection ** (2 * walls) / distance**2
    return np.bincount((arrival * RATE / _BIN).astype(int), weights=energy)


def _decay_time(energy: np.ndarray, step: float) -> float:
    remaining = np.cumsum(energy[::-1])[::-1]
    level = 10 * np.log10(np.maximum(remaining / remaining[0], 1e-12))
    fitted = (level <= -5) & (level >= -35)
    slope = np.polyfit(np.flatnonzero(fitted) * step, level[fitted], 1)[0]
    return float(-60 / slope)
