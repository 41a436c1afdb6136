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

"""Which faces and image an acoustic map is fused with, and when it is fused without them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

from av_tracker_nodes.synchronisation.buffer import StampedBuffer
from av_tracker_nodes.synchronisation.lateness import LONGEST_WAIT, MAX_LATENESS, Lateness
from av_tracker_nodes.synchronisation.rounds import Arrival, Rounds
from av_tracker_nodes.types import to_nanoseconds

Sound = TypeVar('Sound')
Faces = TypeVar('Faces')
Image = TypeVar('Image')

_KEPT = LONGEST_WAIT + to_nanoseconds(10.0)
"""Sights that no map has come for are kept for this long (ns): lateness and patience."""


@dataclass(frozen=True)
class Joined(Generic[Sound, Faces, Image]):
    """A map with what belongs to it.

    Attributes
    ----------
    stamp : int
        Nanoseconds.
    sound
        The map.
    faces, image
        None where they did not come, or belong to no map of sound alone.
    from_image : bool
        The map is that of an image.
    """

    stamp: int
    sound: Sound
    faces: Faces | None
    image: Image | None
    from_image: bool


@dataclass
class _Sight(Generic[Faces, Image]):
    """Faces, and the image where it has come; `is_whole` once nothing more is to come."""

    faces: Faces
    image: Image | None
    is_whole: bool


class _Sights:
    """The sights of one round. Faces come long before what is whole where maps are late."""

    def __init__(self) -> None:
        self._faces: StampedBuffer[_Sight] = StampedBuffer(_KEPT)
        self._whole: StampedBuffer[_Sight] = StampedBuffer(_KEPT)

    def add(self, stamp: int, sight: _Sight) -> None:
        (self._whole if sight.is_whole else self._faces).add(stamp, sight)

    def at(self, stamp: int) -> _Sight | None:
        return self._whole.at(stamp) or self._faces.at(stamp)

    def drop_until(self, stamp: int) -> None:
        self._whole.drop_until(stamp)
        self._faces.drop_until(stamp)


@dataclass
class _Waiting(Generic[Sound]):
    """A map that awaits its sight; `is_due` once it waits no longer than for its turn."""

    stamp: int
    sound: Sound
    from_image: bool
    is_due: bool


class FusionJoin(Generic[Sound, Faces, Image]):
    """Gives every acoustic map its faces and its image, in the order of the maps.

    It is told of maps, of faces as they come, and of whole *sights*: the faces and, where it is
    wanted, the image of one stamp. Each call returns the maps that are now complete. A map is
    complete

    * with its sight;
    * without, if it is one of sound alone; or if it was passed over, which what came for a later
      image proves; or when a map came that is `faces_timeout` past it, or farther where sights
      came later than that of late (see :class:`Lateness`). If only its image is missing it has
      its faces.

    Maps that fall back by more than ``JUMP`` (a recording that loops) have started anew, and so
    have sights: the maps that still wait are returned, and none gets what is of another round.

    Parameters
    ----------
    faces_timeout, patience : float
        Seconds; `patience` is added to all the waiting.
    max_lateness : float
        Sights that are later than this (s) are not waited for.

    Attributes
    ----------
    late : int
        Sights that came after their map had been returned.
    """

    def __init__(
        self,
        faces_timeout: float = 0.08,
        patience: float = 0.0,
        max_lateness: float = MAX_LATENESS,
    ) -> None:
        self.late = 0
        self._last_late: int | None = None
        self._newest_faces = self._newest_whole = -1
        self._lateness = Lateness(0)
        self.wait_for(faces_timeout, patience, max_lateness)
        self._rounds = Rounds()
        self._waiting: deque[_Waiting[Sound]] = deque()
        self._sights, self._of_last_round = _Sights(), _Sights()

    def wait_for(
        self, faces_timeout: float, patience: float, max_lateness: float = MAX_LATENESS
    ) -> None:
        """Set how long (s) is waited."""
        self._timeout = to_nanoseconds(faces_timeout)
        self._patience = to_nanoseconds(patience)
        self._lateness.limit = to_nanoseconds(max_lateness)

    @property
    def waiting(self) -> int:
        """Maps that have not been returned."""
        return len(self._waiting)

    def reset(self) -> None:
        """Start anew, as for another recording; how late the sights are is remembered."""
        self._rounds.forget()
        self._waiting.clear()
        self._sights, self._of_last_round = _Sights(), _Sights()
        self._newest_faces = self._newest_whole = -1

    def sound(self, stamp: int, sound: Sound, from_image: bool) -> list[Joined]:
        """Tell of a map."""
        arrival = self._rounds.arrive('sound', stamp)
        before = self._begin_round() if arrival is Arrival.JUMPS_BACK else []
        # What belongs to a map from before the jump has come, or never will.
        is_due = not from_image or arrival is Arrival.LEFT_OVER
        self._waiting.append(_Waiting(stamp, sound, from_image, is_due))
        return before + self._complete()

    def faces(self, stamp: int, faces: Faces) -> list[Joined]:
        """Tell of faces whose image may yet come."""
        if self._sight_of(stamp) is not None:
            return []
        return self._see('faces', stamp, _Sight(faces, None, is_whole=False))

    def sight(self, stamp: int, faces: Faces, image: Image | None = None) -> list[Joined]:
        """Tell of faces and, where it is wanted, their image."""
        return self._see('sight', stamp, _Sight(faces, image, is_whole=True))

    def flush(self) -> list[Joined]:
        """Return every map that still waits: the input has stopped."""
        return self._release(len(self._waiting))

    def _see(self, stream: str, stamp: int, sight: _Sight) -> list[Joined]:
        arrival = self._rounds.arrive(stream, stamp)
        if arrival is Arrival.LEFT_OVER:
            return []
        before = self._begin_round() if arrival is Arrival.JUMPS_BACK else []
        self._lateness.note(max(self._now - stamp, 0), self._now)
        self._newest_faces = max(stamp, self._newest_faces)
        if sight.is_whole:
            self._newest_whole = max(stamp, self._newest_whole)
        if self._is_late(stamp):
            # Faces may be told of twice, alone and whole.
            self.late += stamp != self._last_late
            self._last_late = stamp
        else:
            self._sights.add(stamp, sight)
        return before + self._complete()

    def _is_late(self, stamp: int) -> bool:
        """Tell whether the map of a sight, or one after it, has been returned."""
        return stamp <= self._now and all(map_.stamp != stamp for map_ in self._waiting)

    def _begin_round(self) -> list[Joined]:
        """Return the maps from before a jump back; a few may yet come, and want their sights."""
        before = self.flush()
        self._sights, self._of_last_round = _Sights(), self._sights
        self._newest_faces = self._newest_whole = -1
        return before

    def _sight_of(self, stamp: int) -> _Sight | None:
        return self._sights.at(stamp) or self._of_last_round.at(stamp)

    def _complete(self) -> list[Joined]:
        return self._release(len(list(takewhile(self._is_complete, self._waiting))))

    def _is_complete(self, map_: _Waiting) -> bool:
        return (
            map_.is_due
            or self._is_whole(map_.stamp)
            or self._is_passed_over(map_.stamp)
            or self._is_overdue(map_.stamp)
        )

    def _is_whole(self, stamp: int) -> bool:
        sight = self._sight_of(stamp)
        return sight is not None and sight.is_whole

    def _is_passed_over(self, stamp: int) -> bool:
        """Tell whether a later sight proves that nothing more comes for a map."""
        has_faces = self._sight_of(stamp) is not None
        return (self._newest_whole if has_faces else self._newest_faces) > stamp

    @property
    def _now(self) -> int:
        """Stamp of the newest map (ns): how long a map is waited for is up to those after it."""
        return self._rounds.newest.get('sound', -1)

    def _is_overdue(self, stamp: int) -> bool:
        wait = max(self._timeout, self._lateness.wait(self._now)) + self._patience
        return self._now - stamp >= wait

    def _release(self, count: int) -> list[Joined]:
        return [self._answer(self._waiting.popleft()) for _ in range(count)]

    def _answer(self, map_: _Waiting) -> Joined:
        sight = self._sight_of(map_.stamp)
        if self._sights.at(map_.stamp) is not None:
            # Maps come in order: no other is to come for these.
            self._sights.drop_until(map_.stamp)
            self._of_last_round = _Sights()
        faces, image = (sight.faces, sight.image) if sight is not None else (None, None)
        return Joined(map_.stamp, map_.sound, faces, image, map_.from_image)
