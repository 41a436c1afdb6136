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

"""What the microphones of a scene record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.diffuse import DiffuseField
from av_tracker_nodes.research.simulation.image_sources import HOP, render_early
from av_tracker_nodes.research.simulation.noises import fan_sound
from av_tracker_nodes.research.simulation.reverberation import (
    reflection_factor,
    render_tail,
    tail_envelope,
)
from av_tracker_nodes.research.simulation.scene import Scene, SoundSource
from av_tracker_nodes.research.simulation.speech import ACTIVE_LEVEL, RATE
from av_tracker_nodes.research.simulation.trajectories import facing_vector

_TYPICAL_RANGE = 1.3
_ROOM_NOISE_SLOPE = 0.7
_SHARES = {'room': 0.9, 'microphones': 0.1}
_SHARES_WITH_FAN = {'room': 0.45, 'microphones': 0.1, 'fan': 0.45}
_FULL_SCALE = 0.95


def record(scene: Scene, progress: Progress | None = None) -> np.ndarray:
    """Render the recording of a scene.

    Parameters
    ----------
    scene : Scene
    progress : Progress, optional

    Returns
    -------
    np.ndarray, shape (samples, microphones), float32
        In [-1, 1] and never clipped; dead microphones hold zeros.
    """
    rng = np.random.default_rng([scene.seed, 0xAC])
    renderer = _Renderer(scene, rng)
    report = progress or (lambda fraction, text: None)
    speech = np.zeros((len(scene.gains), round(scene.duration * RATE)), np.float32)
    for index, person in enumerate(scene.people):
        report(0.8 * index / len(scene.people), f'speech of person {index + 1}')
        if person.segments:
            places = person.at(renderer.knots, person.mouth)
            facing = facing_vector(person.at(renderer.knots, person.orientation))
            speech += renderer.render(person.speech, places, facing)
    report(0.8, 'noise')
    heard = speech + renderer.background(speech)
    heard *= scene.gains[:, None]
    heard *= min(1.0, _FULL_SCALE / np.abs(heard).max())
    heard[list(scene.dead_microphones)] = 0.0
    report(1.0, 'audio done')
    return heard.T.astype(np.float32)


@dataclass(frozen=True)
class Parts:
    """What the microphones of a scene hear, apart; the sum of the last two is the recording.

    Attributes
    ----------
    direct : np.ndarray, shape (people, samples, microphones), float32
        Of each person, what comes straight from the mouth.
    voices : np.ndarray, shape (people, samples, microphones), float32
        The same with all reflections.
    background : np.ndarray, shape (samples, microphones), float32
        All other sound.
    """

    direct: np.ndarray
    voices: np.ndarray
    background: np.ndarray


def record_parts(scene: Scene) -> Parts:
    """Render a scene whose people all talk, each person and the rest apart.

    Gains and dead microphones are those of :func:`record`; nothing is scaled to full scale.
    """
    renderer = _Renderer(scene, np.random.default_rng([scene.seed, 0xAC]))
    direct, voices = [], []
    for person in scene.people:
        places = person.at(renderer.knots, person.mouth)
        facing = facing_vector(person.at(renderer.knots, person.orientation))
        direct.append(renderer.early(person.speech, places, facing, reflection=0.0))
        voices.append(renderer.render(person.speech, places, facing))
    background = renderer.background(sum(voices))
    gains = scene.gains.copy()
    gains[list(scene.dead_microphones)] = 0.0
    return Parts(
        *(
            np.swapaxes(gains[:, None] * part, -1, -2).astype(np.float32)
            for part in (np.array(direct), np.array(voices), background)
        )
    )


class _Renderer:
    """The room of one scene."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene, self.rng = scene, rng
        self.field = DiffuseField(scene.microphones)
        self.samples = round(scene.duration * RATE)
        self.knots = np.arange(self.samples // HOP + 2) * HOP / RATE
        self.microphones = scene.microphones_at(self.knots)
        self.reflection = reflection_factor(
            scene.room, scene.rt60, scene.microphones.speed_of_sound
        )

    def render(self, sound: np.ndarray, places: np.ndarray, facing: np.ndarray) -> np.ndarray:
        """Direct path, early reflections and tail, shape (microphones, samples)."""
        scene, speed = self.scene, self.scene.microphones.speed_of_sound
        envelope = tail_envelope(
            scene.room, places.mean(axis=0), self.reflection, scene.rt60, speed
        )
        early = self.early(sound, places, facing, self.reflection)
        return early + render_tail(sound, places, envelope, self.field, self.rng)

    def early(
        self, sound: np.ndarray, places: np.ndarray, facing: np.ndarray, reflection: float
    ) -> np.ndarray:
        """Direct path and early reflections, shape (microphones, samples)."""
        scene, array = self.scene, self.scene.microphones
        return render_early(
            sound,
            places,
            facing,
            self.microphones,
            array.groups,
            scene.room,
            reflection,
            array.speed_of_sound,
        )

    def background(self, speech: np.ndarray) -> np.ndarray:
        """Noise and all that makes noise, at their levels relative to speech (m, samples)."""
        power = _speech_power(self.scene, speech)
        level = power / 10 ** (self.scene.snr_db / 10)
        heard = self.noise() * np.float32(np.sqrt(level))
        for source in self.scene.sources:
            heard += self.source(source, power)
        return heard

    def source(self, source: SoundSource, speech_power: float) -> np.ndarray:
        """Something that makes noise, at its level relative to speech while it sounds."""
        heard = self.upward(source.sound, self.scene.source_at(source, self.knots))
        if not source.sound.any():
            return heard
        wanted = speech_power * 10 ** (source.level_db / 10)
        power = np.mean(np.square(heard[:, source.sound != 0], dtype=float))
        return heard * np.float32(np.sqrt(wanted / power))

    def upward(self, sound: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Render what sounds alike to all sides, as if it faced upwards; places (knots, 3)."""
        return self.render(sound, places, np.tile([0.0, 0.0, 1.0], (len(places), 1)))

    def noise(self) -> np.ndarray:
        """Room, microphones and fan together, of unit variance on average over microphones."""
        shape = (len(self.scene.gains), self.samples)
        parts = {
            'room': self.field.noise(self.samples, _ROOM_NOISE_SLOPE, self.rng),
            'microphones': self.rng.standard_normal(shape, dtype=np.float32),
        }
        if self.scene.fan is not None:
            places = np.tile(self.scene.fan, (len(self.knots), 1))
            parts['fan'] = self.upward(fan_sound(self.samples, self.rng), places)
        shares = _SHARES if self.scene.fan is None else _SHARES_WITH_FAN
        return sum(
            part * np.float32(np.sqrt(shares[name]) / part.std()) for name, part in parts.items()
        )


def _speech_power(scene: Scene, speech: np.ndarray) -> float:
    """Mean power of speech while anybody talks; of a usual voice where nobody does."""
    talking = np.zeros(speech.shape[1], bool)
    for person in scene.people:
        for start, end in person.segments:
            talking[round(start * RATE) : round(end * RATE)] = True
    if not talking.any():
        return (ACTIVE_LEVEL / _TYPICAL_RANGE) ** 2
    return float(np.mean(np.square(speech[:, talking], dtype=float)))
