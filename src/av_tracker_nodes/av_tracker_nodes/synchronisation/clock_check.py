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

"""Finds stamps that do not fit together; messages name both times."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import permutations

from av_tracker_nodes.synchronisation.lateness import LONGEST_LATENESS, MARGIN, MAX_LATENESS
from av_tracker_nodes.synchronisation.rounds import Arrival, Rounds
from av_tracker_nodes.types import JUMP, to_nanoseconds, to_seconds

_ENOUGH = 10
"""As many messages in a row prove what a single one does not."""
_LASTING = to_nanoseconds(1.0)
_SETTLED = to_nanoseconds(3.5)
"""Streams that jump together, by a loop or after a pause, have done so within this (ns)."""


@dataclass
class _Stream:
    """Where a stream is: its stamp, when that came, and how often it came in a row."""

    stamp: int
    at: int | None
    repeats: int = 1


@dataclass
class _Behind:
    """A stream that is too far behind another one, since that was at a stamp (all ns)."""

    since: int
    least: int
    count: int = 0


@dataclass
class _Leap:
    """Stamps of a stream that leapt, and where the others were then."""

    stream: str
    before: int
    after: int
    others: dict[str, int]
    is_shared: bool = False


@dataclass(frozen=True)
class _Step:
    """A clock that was set, while another stream went on from a stamp (all ns)."""

    stream: str
    before: int
    after: int
    other: str
    then: int


class ClockCheck:
    """Takes stamps as they come and reports what is wrong with their clocks.

    It recognises stamps that stand still, as those of drivers that do not stamp; streams that
    are farther apart than `max_lateness` allows, of which each goes on; and a clock that was set
    while another one went on. Streams that jump together, as in a recording that loops, are well.

    Parameters
    ----------
    max_lateness : float
        A stream may be this late (s), and a quarter more.
    sound : str
        Name of the stream that ``audio_offset`` shifts.
    audio_offset : float
        What was added to the stamps of the sound already (s).
    memory : float
        For how long (s) it is told that a clock was set.
    """

    def __init__(
        self,
        max_lateness: float = MAX_LATENESS,
        sound: str = 'audio',
        audio_offset: float = 0.0,
        memory: float = float('inf'),
    ) -> None:
        self._max_lateness = max_lateness
        self._limit = max(to_nanoseconds(MARGIN * max_lateness), JUMP)
        self._sound, self._audio_offset, self._memory = sound, audio_offset, memory
        self._streams: dict[str, _Stream] = {}
        self._rounds = Rounds()
        self._behind: dict[tuple[str, str], _Behind] = {}
        self._leaps: list[_Leap] = []
        self._step: _Step | None = None
        self._told: dict[Hashable, str] = {}

    def note(self, stream: str, stamp: int, at: int | None = None) -> None:
        """Take a stamp (ns), in the order of arrival.

        Parameters
        ----------
        stream : str
            What it is called in the problems.
        stamp : int
            For sound the end of the block.
        at : int, optional
            When it came, by any clock that is the same for all streams (ns), as the times in a
            bag. Without it the other streams say how time goes on.
        """
        before = self._streams.get(stream)
        repeats = before.repeats + 1 if before is not None and before.stamp == stamp else 1
        follows = before is not None and self._follow_leaps(stream, before.stamp, stamp)
        arrival = self._rounds.arrive(stream, stamp)
        if arrival is Arrival.JUMPS_BACK:
            self._behind.clear()
        if before is not None and not follows and arrival is not Arrival.LEFT_OVER:
            self._suspect(stream, before, stamp, at)
        self._streams[stream] = _Stream(stamp, at, repeats)
        if arrival is not Arrival.LEFT_OVER:
            for other in self._streams.keys() - {stream}:
                self._compare(stream, other)

    def finish(self) -> None:
        """Decide open cases at the end of a recording, when no more stamps come."""
        for leap in self._leaps:
            for other, then in leap.others.items():
                if not leap.is_shared and self._streams[other].stamp - then > _LASTING:
                    self._step = _Step(leap.stream, leap.before, leap.after, other, then)
        self._leaps.clear()

    @property
    def problem(self) -> str | None:
        """What is wrong, None when all is well."""
        return next(iter(self.problems), None)

    @property
    def problems(self) -> list[str]:
        """All problems, root causes first.

        The times in a text are those at which it was first told.
        """
        still = {name for name in self._streams if self._streams[name].repeats >= _ENOUGH}
        wrong: list[Hashable] = sorted(still)
        wrong += [self._step] if self._step_is_recent() else []
        wrong += [
            pair
            for pair in permutations(self._streams, 2)
            if self._is_apart(*pair) and not still & set(pair)
        ]
        self._told = {key: self._told.get(key) or self._tell(key) for key in wrong}
        return list(self._told.values())

    # ---- what is measured

    def _now(self, stream: str, at: int | None) -> int:
        """Where a stream is at a time at which another one came."""
        known = self._streams[stream]
        gone = at - known.at if at is not None and known.at is not None else 0
        return known.stamp + gone

    def _compare(self, stream: str, other: str) -> None:
        here = self._streams[stream]
        now = self._now(other, here.at)
        behind = now - here.stamp
        pair = stream, other
        if behind > self._limit:
            measured = self._behind.setdefault(pair, _Behind(now, behind))
            measured.count += 1
            measured.least = min(measured.least, behind)
        elif behind >= -self._limit:
            # Far ahead it would tell nothing: the other may have stopped.
            self._behind.pop(pair, None)

    def _is_apart(self, stream: str, other: str) -> bool:
        measured = self._behind.get((stream, other))
        if measured is None or measured.count < _ENOUGH:
            return False
        return self._streams[other].stamp - measured.since >= _LASTING

    # ---- clocks that were set

    def _suspect(self, stream: str, before: _Stream, stamp: int, at: int | None) -> None:
        """Note stamps that leap while the others go on."""
        others = {name: self._now(name, at) for name in self._streams.keys() - {stream}}
        falls_back = stamp < before.stamp - JUMP
        # What is late and catches up leaps too, but not past the others.
        gets_ahead = others and all(
            before.stamp - JUMP <= other < stamp - JUMP for other in others.values()
        )
        if others and (falls_back or gets_ahead):
            self._leaps.append(_Leap(stream, before.stamp, stamp, others))

    def _follow_leaps(self, stream: str, before: int, stamp: int) -> bool:
        """Tell whether a stream takes part in a leap; one that none takes part in was a clock."""
        follows = False
        for leap in list(self._leaps):
            if stream == leap.stream:
                if self._has_come_back(leap, stamp):
                    follows = True
                    self._leaps.remove(leap)
            elif stream not in leap.others:
                continue
            elif self._is_shared(leap, before, stamp):
                follows = leap.is_shared = True
                leap.others[stream] = stamp
            elif stamp - leap.others[stream] > _SETTLED:
                self._leaps.remove(leap)
                if not leap.is_shared:
                    then = leap.others[stream]
                    self._step = _Step(leap.stream, leap.before, leap.after, stream, then)
        return follows

    def _is_shared(self, leap: _Leap, before: int, stamp: int) -> bool:
        if leap.after < leap.before:
            return stamp < before - JUMP
        return stamp > before + JUMP or self._has_caught_up(leap, stamp)

    def _has_come_back(self, leap: _Leap, stamp: int) -> bool:
        """Tell whether a stream is where it would be had it not leapt: single stamps are wrong."""
        gone = [self._streams[name].stamp - then for name, then in leap.others.items()]
        return any(abs(leap.before + each - stamp) < JUMP for each in gone)

    def _has_caught_up(self, leap: _Leap, stamp: int) -> bool:
        return stamp > self._streams[leap.stream].stamp - JUMP

    def _step_is_recent(self) -> bool:
        if self._step is None:
            return False
        gone = self._streams[self._step.other].stamp - self._step.then
        return to_seconds(gone) < self._memory

    # ---- what is told

    def _tell(self, wrong: Hashable) -> str:
        if isinstance(wrong, _Step):
            return self._tell_step(wrong)
        return self._tell_still(wrong) if isinstance(wrong, str) else self._tell_apart(*wrong)

    def _tell_still(self, stream: str) -> str:
        others = ''.join(
            f', those of {name} are at {_time(known.stamp)}'
            for name, known in self._streams.items()
            if name != stream
        )
        return (
            f'the stamps of {stream} stand still at {_time(self._streams[stream].stamp)}{others}: '
            'set up its driver so that it stamps what it publishes'
        )

    def _tell_step(self, step: _Step) -> str:
        return (
            f'the clock of {step.stream} was set from {_time(step.before)} to '
            f'{_time(step.after)} while {step.other} went on from {_time(step.then)}: keep the '
            'clocks together (chrony, NTP), and set them before recording'
        )

    def _tell_apart(self, stream: str, other: str) -> str:
        behind = self._behind[stream, other].least
        stamp = self._streams[stream].stamp
        both = (
            f'the stamps of {stream} are at {_time(stamp)} when those of {other} are at '
            f'{_time(stamp + behind)}'
        )
        cure = 'set the clocks (chrony, NTP)'
        if self._sound in (stream, other):
            shift = behind if stream == self._sound else -behind
            offset = self._audio_offset + to_seconds(shift)
            cure += f', or make up for a constant difference with audio_offset:={offset:.3f}'
        if behind > to_nanoseconds(LONGEST_LATENESS):
            return f'{both}: {cure}'
        return (
            f'{both}, {to_seconds(behind):.1f} s ahead; max_lateness is {self._max_lateness:g} s: '
            f'raise it if {stream} is late, else {cure}'
        )


def _time(stamp: int) -> str:
    return f'{to_seconds(stamp):.1f} s'
