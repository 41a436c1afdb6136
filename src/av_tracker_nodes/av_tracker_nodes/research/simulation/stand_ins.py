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

"""Simulated stand-ins of the sequences of AV16.3 and CAV3D.

A stand-in has the name of a sequence, its number of people, its kind of motion as far as that is
published, the starts of its videos, and is as long as the published frames need. Room, people,
voices and paths are those of the simulator, so a score on a stand-in says nothing of the corpus:
stand-ins are there to run the whole machinery. Those of CAV3D are recorded by the room, the two
arrays and the cameras of AV16.3, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.av163_protocol import AUDIO_LAGS, FRAME_RANGES
from av_tracker_nodes.research.datasets.corpus import Corpus
from av_tracker_nodes.research.datasets.protocols import AV163, CAV3D
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.cast import Cast
from av_tracker_nodes.research.simulation.conditions import Conditions
from av_tracker_nodes.research.simulation.gathering import Gathering
from av_tracker_nodes.research.simulation.people_source import Stage
from av_tracker_nodes.research.simulation.scenarios import Scenario, draw_scene, script_of
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Scene
from av_tracker_nodes.research.simulation.simulate import write_scene

FOLDERS = {AV163: 'av163', CAV3D: 'cav3d'}
"""Where the stand-ins of each corpus are put."""

STATIC, WALKING, CROSSING = 'static', 'walking', 'crossing'

_MARGIN = 0.6
"""Seconds after the last published frame."""

_TEST_SEED, _TRAINING_SEED, _CAV3D_SEED = 5000, 900, 5100
_CONDITIONS = Conditions((0.3, 0.55), (12.0, 22.0), (0.2, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class StandIn:
    """What stands for a sequence.

    Attributes
    ----------
    name : str
        Full name of the sequence.
    corpus : str
    people : int
    motion : str
        `STATIC`: stands at marked places and talks only there; `WALKING`; `CROSSING`: two who
        walk past each other.
    seed : int
        From 5000 on for sequences that are tested on, below 1000 for those that are learnt on:
        the voices and faces of one never appear in the other.
    seconds : float
        Length, where no frames are published.
    """

    name: str
    corpus: str
    people: int
    motion: str
    seed: int
    seconds: float

    @property
    def short_name(self) -> str:
        """Name without its flags."""
        return self.name.partition('-')[0]

    @property
    def learnt_on(self) -> bool:
        """Whether publications learn on the sequence."""
        return self.seed < _TEST_SEED

    @property
    def lags(self) -> tuple[float, float, float] | None:
        """Published starts of the videos after the sound (s), where there are any."""
        return AUDIO_LAGS.get(self.short_name) if self.corpus == AV163 else None

    @property
    def duration(self) -> float:
        """Seconds of sound that the published frames need."""
        lags = self.lags or (1.6, 1.6, 1.6)
        ends = [
            lag + last / FRAME_RATE
            for ranges in FRAME_RANGES.values()
            for lag, (_, last) in zip(lags, ranges.get(self.short_name, ()), strict=False)
        ]
        known = self.corpus == AV163 and ends
        return round(max(ends) + _MARGIN, 2) if known else self.seconds

    def scene(self) -> Scene:
        """Draw the scene."""
        scenario = Scenario(self.name, self.duration, self._script())
        scene = replace(draw_scene(scenario, self.name, self.seed), name=self.name)
        return scene if self.lags is None else replace(scene, video_starts=self.lags)

    def _script(self) -> Callable:
        if self.motion == WALKING:
            return partial(_walking, people=self.people)
        return script_of('static_single' if self.motion == STATIC else 'two_crossing')


def _walking(stage: Stage, people: int) -> Cast:
    """People walk about, face all ways, and talk most of the time."""
    gathering = Gathering(
        people=(people,),
        seated=0.0,
        walking=0.8,
        averted=0.15,
        talkative=(0.5, 0.85),
        loudness_db=(-3.0, 2.0),
        apart=0.4 if people < 3 else 0.3,
        conditions=_CONDITIONS,
    )
    return Cast(gathering.draw_people(stage), conditions=gathering.conditions)


def _av163(name: str, motion: str, learnt_on: bool = False) -> StandIn:
    people, number = int(name.split('-')[1][0]), int(name[3:5])
    first = _TRAINING_SEED if learnt_on else _TEST_SEED
    return StandIn(name, AV163, people, motion, first + number, 30.0)


def _cav3d(number: int, people: int) -> StandIn:
    name, seconds = f'seq{number:02d}-{people}p-cav3d', 40.0 if people == 1 else 60.0
    return StandIn(name, CAV3D, people, WALKING, _CAV3D_SEED + number, seconds)


STAND_INS = (
    _av163('seq01-1p-0000', STATIC, learnt_on=True),
    _av163('seq02-1p-0000', STATIC, learnt_on=True),
    _av163('seq03-1p-0000', STATIC, learnt_on=True),
    _av163('seq08-1p-0100', WALKING),
    _av163('seq11-1p-0100', WALKING),
    _av163('seq12-1p-0100', WALKING),
    _av163('seq18-2p-0101', WALKING, learnt_on=True),
    _av163('seq19-2p-0101', WALKING, learnt_on=True),
    _av163('seq24-2p-0111', CROSSING),
    _av163('seq25-2p-0111', CROSSING),
    _av163('seq30-2p-1101', WALKING),
    # The full name of seq35 is not published; two people are assumed.
    _av163('seq35-2p-0000', WALKING, learnt_on=True),
    _av163('seq40-3p-0111', WALKING, learnt_on=True),
    _av163('seq45-3p-1111', WALKING),
    *(_cav3d(number, 1) for number in (*range(6, 14), 20)),
    *(_cav3d(number, 2) for number in (22, 23, 24)),
    *(_cav3d(number, 3) for number in (25, 26)),
)
"""One for each sequence of every protocol."""


def represented_corpus(corpus: Corpus) -> str:
    """Name the corpus that a directory holds, or that its stand-ins stand for.

    The files of a stand-in are those of AV16.3, whatever it stands for.
    """
    of = {stand_in.name: stand_in.corpus for stand_in in STAND_INS}
    others = (of[name] for name in corpus.sequences() if of.get(name, corpus.name) != corpus.name)
    return next(others, corpus.name)


def choose_stand_ins(names: tuple[str, ...] = (), learning: bool = False) -> list[StandIn]:
    """Choose stand-ins.

    Parameters
    ----------
    names : tuple of str
        ``AV16.3``, ``CAV3D``, or full or short names; all where left out. A short name chooses
        the sequences of both corpora.
    learning : bool
        Include those of sequences that publications learn on even if they are not named.

    Raises
    ------
    InputError
        When a name is unknown.
    """
    chosen = []
    for name in names:
        found = [s for s in STAND_INS if name in (s.name, s.short_name, s.corpus)]
        if not found:
            raise InputError(f"no stand-in for '{name}'")
        chosen += [s for s in found if learning or not s.learnt_on or name != s.corpus]
    if not names:
        chosen = [s for s in STAND_INS if learning or not s.learnt_on]
    return list(dict.fromkeys(chosen))


def make_stand_ins(
    chosen: list[StandIn], out: Path, progress: Progress | None = None
) -> Iterator[Path]:
    """Simulate stand-ins that are not there yet.

    Parameters
    ----------
    chosen : list of StandIn
    out : Path
        Folder of the corpora: ``av163/`` and ``cav3d/`` are made in it.
    progress : Progress, optional

    Yields
    ------
    Path
        Folder of each sequence.
    """
    total = sum(stand_in.duration for stand_in in chosen)
    before = 0.0
    for stand_in in chosen:
        root = out / FOLDERS[stand_in.corpus]

        def advance(share: float, text: str, stand_in=stand_in, before=before) -> None:
            if progress is not None:
                done = (before + share * stand_in.duration) / total
                progress(done, f'{stand_in.corpus} {stand_in.short_name}: {text}')

        if not (root / stand_in.name).exists():
            write_scene(stand_in.scene(), root, advance)
        advance(1.0, 'is there')
        before += stand_in.duration
        yield root / stand_in.name
