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

"""Where people of a simulated scene come from: what they share, and how one is put together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.simulation import meeting_room
from av_tracker_nodes.research.simulation.conditions import USUAL, Conditions
from av_tracker_nodes.research.simulation.scene import Person
from av_tracker_nodes.research.simulation.speech import (
    MERGED_PAUSE,
    RATE,
    Voice,
    draw_voices,
    speech_segments,
    talk,
)
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.research.simulation.trajectories import (
    SAMPLE_RATE,
    Itinerary,
    Look,
    body_axis,
    jaw_opening,
    look_ahead,
    look_away,
    mouth_of,
    turn_head,
)

STANDING = (0.74, 1.00)
"""World z of the mouth (m) of people who stand: 1.47 m to 1.73 m above the floor."""

SEATED = (0.43, 0.52)
"""World z of the mouth (m) of people who sit."""

TABLE = np.array([0.0, 0.0, 0.0])

_MARGIN = 1.5
_IDENTITIES_PER_SPLIT = 1000

Turns = list[tuple[float, float]]


@dataclass(frozen=True)
class Stage:
    """Room, time and chance that the people of one scene share.

    Attributes
    ----------
    split : Split
        Decides which voices and identities may appear.
    duration : float
        Seconds.
    rng : np.random.Generator
        Every draw of the scene.
    """

    split: Split
    duration: float
    rng: np.random.Generator

    @property
    def times(self) -> np.ndarray:
        """Scene times (s) of all motion; they begin before the audio, as some videos do."""
        return np.arange(-_MARGIN, self.duration + _MARGIN, 1 / SAMPLE_RATE)

    def voices(self, count: int) -> list[Voice]:
        """Draw different voices."""
        return draw_voices(self.split, count, self.rng)

    def identity(self) -> int:
        """Draw the looks of somebody of the split."""
        first = _IDENTITIES_PER_SPLIT * list(Split).index(self.split)
        return first + int(self.rng.integers(_IDENTITIES_PER_SPLIT))

    def height(self, limits: tuple[float, float] = STANDING) -> float:
        """Draw the height of a mouth (m)."""
        return self.rng.uniform(*limits)

    def near(self, x: float, y: float, spread: float = 0.08) -> np.ndarray:
        """Draw a place on the floor within `spread` (m) of a point."""
        return np.array([x, y]) + self.rng.uniform(-spread, spread, 2)

    def axis(self, itinerary: Itinerary, height: float) -> np.ndarray:
        """Head axis (n, 3) of somebody who follows an itinerary."""
        return body_axis(itinerary, height, self.times, self.rng)

    def camera(self, number: int) -> np.ndarray:
        """Centre of camera 1, 2 or 3 (m)."""
        return meeting_room.cameras()[number - 1].centre

    @property
    def robot(self) -> np.ndarray:
        """Where the robot is that people talk to (m)."""
        return TABLE

    def glances(self, axis: np.ndarray, others: list[np.ndarray] | None = None) -> list[Look]:
        """Draw what somebody looks at.

        Camera 1 and the robot for 1.5 s to 3.5 s; now and then the way ahead and other people
        (n, 3), for up to 1.5 s.
        """
        targets = [self.camera(1), self.robot, look_ahead(axis, self.times), *(others or [])]
        weights = np.array([0.60, 0.24, 0.05, *[0.11 / len(others or [0])] * len(others or [])])
        looks, start = [], 0.0
        while start < self.duration:
            choice = self.rng.choice(len(targets), p=weights / weights.sum())
            looks.append(Look(start, targets[choice]))
            start += self.rng.uniform(*((1.5, 3.5) if choice < 2 else (0.7, 1.5)))
        return looks

    def turns(
        self,
        start: float,
        end: float,
        talking: tuple[float, float] = (3.0, 5.5),
        pause: tuple[float, float] = (0.9, 2.2),
    ) -> Turns:
        """Draw turns of speech between two times, with pauses; limits in seconds."""
        turns = []
        while end - start > 1.0:
            stop = min(start + self.rng.uniform(*talking), end)
            turns.append((start, stop))
            start = stop + self.rng.uniform(*pause)
        return turns

    def chatter(self, talkative: tuple[float, float]) -> Turns:
        """Draw turns of somebody who talks for a share of the time between two limits."""
        share = self.rng.uniform(*talkative)
        mean_pause = 3.0 * (1 - share) / share
        return self.turns(
            self.rng.uniform(0.0, mean_pause),
            self.duration - 0.1,
            talking=(1.5, 4.5),
            pause=(0.5 * mean_pause, 1.5 * mean_pause),
        )

    def person(
        self,
        axis: np.ndarray,
        looks: list[Look],
        voice: Voice | None = None,
        turns: Turns | None = None,
        loudness_db: tuple[float, float] = (-2.0, 2.0),
        raised: np.ndarray | None = None,
    ) -> Person:
        """Put a person together; without a voice somebody who stays silent.

        How loud the person speaks (dB re a usual voice) is drawn between the limits.
        """
        speech = np.zeros(round(self.duration * RATE), np.float32)
        if voice is not None:
            loudness = 10 ** (self.rng.uniform(*loudness_db) / 20)
            dry = talk(voice, turns or [], self.duration, self.rng)
            speech, segments = (loudness * dry).astype(np.float32), speech_segments(dry)
        else:
            segments = ()
        orientation = turn_head(axis, looks, self.times, self.rng)
        return Person(
            identity=self.identity(),
            head_scale=self.rng.uniform(0.92, 1.08),
            times=self.times,
            mouth=mouth_of(axis, orientation),
            orientation=orientation,
            jaw=jaw_opening(speech, self.times),
            speech=speech,
            segments=segments,
            voice=voice.name if voice else 'silent',
            raised=raised,
        )


@dataclass(frozen=True)
class Company(ABC):
    """Who comes together, how restless they are, and how well they are heard and seen.

    Attributes
    ----------
    people : tuple of int
        Numbers of people to draw from, one as likely as the other.
    seated, walking : float
        Shares of people who sit and who walk all the time; the rest stand and step about.
    averted, bowed : float
        Shares of looks with the back to a camera, and with the head bowed.
    talkative : (float, float)
        Share of the time that somebody talks.
    silent : float
        Share of people who never talk.
    loudness_db : (float, float)
        Voices re a usual one (dB).
    defective : float
        Share of scenes where some of four or more microphones are dead.
    conditions : Conditions
    """

    people: tuple[int, ...]
    seated: float = 0.2
    walking: float = 0.3
    averted: float = 0.1
    bowed: float = 0.0
    talkative: tuple[float, float] = (0.4, 0.8)
    silent: float = 0.0
    loudness_db: tuple[float, float] = (-2.0, 2.0)
    defective: float = 0.0
    conditions: Conditions = USUAL

    def people_on(self, stage: Stage, axes: list[np.ndarray], voices: list[Voice]) -> list[Person]:
        """Draw who goes each way (n, 3): looks, speech and hands."""
        people = []
        for axis, voice in zip(axes, voices, strict=True):
            others = [other for other in axes if other is not axis]
            looks = self._looks(stage, axis, others)
            silent = stage.rng.uniform() < self.silent
            turns = stage.chatter(self.talkative)
            raised = self.raised(stage)
            voice = None if silent else voice
            people.append(stage.person(axis, looks, voice, turns, self.loudness_db, raised))
        return people

    def raised(self, stage: Stage) -> np.ndarray | None:
        """Draw when somebody raises a hand; None for who does not."""
        return None

    @abstractmethod
    def targets(self, stage: Stage) -> list[np.ndarray]:
        """Return a camera (m), which may be drawn, and what else people look at in the room."""

    def dead_microphones(self, stage: Stage, count: int, part: int) -> tuple[int, ...]:
        """Draw which of so many microphones are dead: one in `part` at most."""
        if stage.rng.uniform() >= self.defective or count < 4:
            return ()
        dead = stage.rng.permutation(count)[: stage.rng.integers(1, count // part + 1)]
        return tuple(sorted(dead.tolist()))

    def _looks(self, stage: Stage, axis: np.ndarray, others: list[np.ndarray]) -> list[Look]:
        rng = stage.rng
        looks, start = [], 0.0
        while start < stage.duration:
            seen = self.targets(stage)
            targets = [*seen, look_ahead(axis, stage.times), *others]
            target, kind, bow = targets[rng.integers(len(targets))], rng.uniform(), 0.0
            if kind < self.averted:
                target = look_away(axis, seen[0])
            elif kind < self.averted + self.bowed:
                bow = rng.uniform(*np.radians([15.0, 45.0]))
            looks.append(Look(start, target, bow))
            start += rng.uniform(1.0, 4.0)
        return looks


def round_robin(stage: Stage, count: int, start: float, end: float) -> list[Turns]:
    """Draw a conversation: one after the other, a third of the turns begun too early.

    Returns
    -------
    list of turns, one a person
    """
    turns: list[Turns] = [[] for _ in range(count)]
    speaker = int(stage.rng.integers(count))
    while end - start > 1.5:
        stop = min(start + stage.rng.uniform(2.0, 4.5), end)
        turns[speaker].append((start, stop))
        early = stage.rng.uniform() < 0.35
        gap = stage.rng.uniform(-1.2, -0.3) if early else stage.rng.uniform(MERGED_PAUSE, 0.9)
        start = stop + gap
        speaker = (speaker + int(stage.rng.integers(1, count))) % count
    return turns
