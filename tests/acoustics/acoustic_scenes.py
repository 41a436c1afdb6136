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

"""Hand-made sound fields with known answers."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.research.simulation.speech import draw_voices
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, Face, FaceFrame

RATE = 16_000
SPEED = 343.0
ROOM = Room(np.array([-1.8, -6.0, -0.04]), np.array([1.8, 2.2, 1.67]))
IMAGE = (360, 288)
TALKER = np.array([0.9, -0.3, 0.7])
"""Where somebody sits whom the camera of the meeting sees and its microphones hear."""


def two_circles() -> MicrophoneArray:
    """Two circles of eight microphones on a table, 0.8 m apart."""
    angle = np.pi + np.arange(8) * np.pi / 4
    circle = 0.1 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    north = np.array([0, 0.4, 0])
    positions = np.concatenate([circle + north, circle - north])
    return MicrophoneArray(positions, groups=np.repeat([0, 1], 8))


def look_at(centre, target, focal: float = 400.0) -> Camera:
    """Upright camera that looks at a point."""
    forward = np.subtract(target, centre) / np.linalg.norm(np.subtract(target, centre))
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward], axis=-1)
    return Camera(focal, focal, 179.5, 143.5, IMAGE, pose=RigidTransform(axes, np.array(centre)))


def meeting_rig(**changes) -> Rig:
    """A camera in the corner of a room and two circles on the table."""
    parts = {
        'camera': look_at([-1.57, 2.01, 1.43], [0.75, 0.2, 0.6]),
        'microphones': two_circles(),
        'room': ROOM,
    }
    return Rig(**(parts | changes))


RIG = meeting_rig()


def voice(seconds: float, pitch: float = 130.0, seed: int = 0) -> np.ndarray:
    """Syllables of gliding, harmonic, formant-shaped sound with hiss: like speech to a machine."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    glide = pitch * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    sound = np.zeros_like(time)
    for harmonic in range(1, 40):
        frequency = harmonic * pitch
        gain = sum(np.exp(-(((frequency - f) / 250) ** 2)) for f in (500, 1500, 2500, 3500))
        sound += (gain + 0.05) / harmonic**0.5 * np.cos(harmonic * phase + rng.uniform(0, 6))
    sound += 0.05 * rng.normal(size=time.size)
    syllables = np.clip(np.sin(2 * np.pi * 2.1 * time + rng.uniform(0, 6)) + 0.3, 0, None)
    return 0.05 * sound * syllables


def person(seconds: float, seed: int = 0) -> np.ndarray:
    """Speech of a recorded person, one phrase after the other."""
    (drawn,) = draw_voices(Split.VALIDATION, 1, np.random.default_rng(seed))
    return np.resize(np.concatenate(drawn.phrases), round(seconds * RATE))


def machine(kind: str, seconds: float, seed: int = 4) -> np.ndarray:
    """Sound of something that is no voice, of unit deviation.

    Parameters
    ----------
    kind : str
        ``white`` or ``pink`` noise; ``fan``: rush of air with a motor, ``low fan``: rush alone;
        ``hum``: harmonics of 100 Hz, ``mains``: a few of 50 Hz.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    hiss = np.fft.rfft(rng.normal(size=time.size))
    frequency = np.fft.rfftfreq(time.size, 1 / RATE)

    def harmonics(pitch: float, count: int) -> np.ndarray:
        return sum(np.cos(2 * np.pi * pitch * n * time + n * n) / n for n in range(1, count))

    rush = np.fft.irfft(hiss / (1 + (frequency / 900) ** 2), time.size)
    sound = {
        'white': lambda: np.fft.irfft(hiss, time.size),
        'pink': lambda: np.fft.irfft(hiss / np.sqrt(np.maximum(frequency, 20)), time.size),
        'low fan': lambda: rush,
        'fan': lambda: rush / rush.std() + 0.5 * harmonics(97, 6),
        'hum': lambda: harmonics(100, 30),
        'mains': lambda: harmonics(50, 8),
    }[kind]()
    return sound / sound.std()


def propagate(sources, array: MicrophoneArray, noise: float = 0.0, seed: int = 1) -> np.ndarray:
    """Record point sources in a free field.

    Parameters
    ----------
    sources : list of (position, sound)
    array : MicrophoneArray
    noise : float
        Deviation of white noise at each microphone.

    Returns
    -------
    np.ndarray, shape (samples, microphones), float32
    """
    length = len(sources[0][1])
    padded = length + array.rate
    frequency = np.fft.rfftfreq(padded, 1 / array.rate)
    heard = np.zeros((length, len(array.positions)))
    for position, sound in sources:
        distance = np.linalg.norm(array.positions - position, axis=1)
        turn = np.exp(-2j * np.pi * frequency[:, None] * distance / array.speed_of_sound)
        spectrum = np.fft.rfft(sound, padded)[:, None]
        heard += np.fft.irfft(spectrum * turn / distance, padded, axis=0)[:length]
    heard += noise * np.random.default_rng(seed).normal(size=heard.shape)
    return heard.astype(np.float32)


def blocks(samples: np.ndarray, size: int = 160, start: int = 0, rate: int = RATE):
    """Cut samples into blocks; `start` is the stamp of the first (ns)."""
    return [
        AudioBlock(start + first * NANOSECONDS // rate, first, rate, samples[first : first + size])
        for first in range(0, len(samples), size)
    ]


def seconds(value: float) -> int:
    """Stamp in nanoseconds."""
    return round(value * NANOSECONDS)


def fed(stage, sound, size: int = 160, rate: int = RATE):
    """The stage, when it has heard sound: samples, or blocks of them."""
    for block in blocks(sound, size, rate=rate) if isinstance(sound, np.ndarray) else sound:
        stage.add(block)
    return stage


def frame_at(time: float, *boxes) -> FaceFrame:
    """Face frame with tracklets 1, 2, ..."""
    faces = tuple(Face(np.asarray(box), 0.9, tracklet=n + 1) for n, box in enumerate(boxes))
    return FaceFrame(seconds(time), IMAGE, faces)


def angle_between(first, second) -> float:
    """Degrees."""
    first, second = np.asarray(first, float), np.asarray(second, float)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def normalised_error(peak, place) -> float:
    """Squared error of the place of a peak by its covariance."""
    error = peak.position - place
    return error @ np.linalg.solve(peak.covariance, error)


def peak_pixel(shown) -> np.ndarray:
    """Where in the image a map is highest."""
    row, column = np.unravel_index(np.argmax(shown.values), shown.values.shape)
    return (np.array([column, row]) + 0.5) * shown.pitch - 0.5


def assert_same(one, other):
    """Two maps are the same to the last bit, with their peaks and faces."""
    np.testing.assert_array_equal(one.values, other.values)
    for name in ('stamp', 'audio_stamp', 'coverage', 'pitch', 'depth'):
        np.testing.assert_equal(getattr(one, name), getattr(other, name))
    for first, second in zip((*one.peaks, *one.faces), (*other.peaks, *other.faces), strict=True):
        for each in fields(first):
            np.testing.assert_array_equal(getattr(first, each.name), getattr(second, each.name))


class Everywhere:
    """A region: all of space."""

    def contains(self, points):
        return np.ones(points.shape[:-1], bool)
