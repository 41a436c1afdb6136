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

"""The tree of frames from ``/tf`` and ``/tf_static``, without ROS.

A stand-in for tf2, which ROS from wheels and recordings do not have; the same live and offline, so
that both place the sensors alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.rotations import matrix_of_vector, vector_of_matrix
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.synchronisation import StampedBuffer

TF_TIMEOUT = 0.5
"""Seconds from a stamp to the nearest sample of a moving transform up to which it is used."""

_SECOND = 1_000_000_000
_MEMORY = 10 * _SECOND
_FORGOTTEN = 60 * _SECOND
"""Frames of people and the like come and go: one that is silent for so long is not coming back."""
_MOST_NAMED = 8
"""Transforms that the text of an error lists."""


class UnconnectedError(InputError):
    """No transforms lead from one frame to another."""


class StaleTransformError(InputError):
    """A moving transform has no sample near a stamp.

    Attributes
    ----------
    parent, child : str
        Its frames.
    age : float
        Seconds from the nearest sample to the stamp; negative where the sample is later.
    """

    def __init__(self, parent: str, child: str, age: float) -> None:
        self.parent, self.child, self.age = parent, child, age
        told = f'is {age:.1f} s old' if age > 0 else f'begins {-age:.1f} s later'
        super().__init__(f"transform from '{parent}' to '{child}' {told}")


@dataclass(frozen=True)
class StampedTransform:
    """Where a frame is at one time.

    Attributes
    ----------
    parent, child : str
        Frames.
    parent_from_child : RigidTransform
    stamp : int
        Nanoseconds; without meaning for a static transform.
    """

    parent: str
    child: str
    parent_from_child: RigidTransform
    stamp: int


@dataclass(frozen=True)
class Transforms:
    """The transforms of one message on ``/tf`` or ``/tf_static``.

    Attributes
    ----------
    transforms : tuple of StampedTransform
    is_static : bool
        True for ``/tf_static``: they hold at all times.
    rejected : tuple of str
        What is wrong with the transforms that the message has beside these.
    """

    transforms: tuple[StampedTransform, ...]
    is_static: bool
    rejected: tuple[str, ...] = ()


@dataclass
class _Static:
    """A transform that holds at all times."""

    parent: str
    child: str
    parent_from_child: RigidTransform

    def at(self, stamp: int | None, timeout: float) -> RigidTransform:
        return self.parent_from_child


class _Moving:
    """Samples of a transform, interpolated at constant velocity and turn rate."""

    def __init__(self, parent: str, child: str) -> None:
        self.parent, self.child = parent, child
        self.samples: StampedBuffer[RigidTransform] = StampedBuffer(_MEMORY)
        self._between: tuple[int, RigidTransform] | None = None

    def add(self, stamp: int, sample: RigidTransform) -> None:
        """Add a sample."""
        self.samples.add(stamp, sample)
        self._between = None

    def at(self, stamp: int | None, timeout: float) -> RigidTransform:
        """Return the transform at a stamp (ns), the newest for None; `timeout` is in seconds.

        Raises
        ------
        StaleTransformError
            No sample is near enough.
        """
        stamp = self.samples.newest if stamp is None else stamp
        before, after = self.samples.around(stamp)
        since = stamp - before[0] if before else None
        until = after[0] - stamp if after else None
        nearest = min(gap for gap in (since, until) if gap is not None)
        age = nearest / _SECOND
        if age > timeout:
            raise StaleTransformError(self.parent, self.child, age if nearest == since else -age)
        if before is None or after is None or before[0] == after[0]:
            return (before or after)[1]
        # Camera and microphones ask for the same stamp.
        if self._between is None or self._between[0] != stamp:
            pose = _interpolate(before[1], after[1], since / (since + until))
            self._between = stamp, pose
        return self._between[1]


def _interpolate(first: RigidTransform, last: RigidTransform, share: float) -> RigidTransform:
    turn = vector_of_matrix(first.rotation.T @ last.rotation)
    return RigidTransform(
        first.rotation @ matrix_of_vector(share * turn),
        (1 - share) * first.translation + share * last.translation,
    )


_Edge = _Static | _Moving
_Path = list[tuple[_Edge, bool]]
"""Edges, each with whether it leads down from parent to child."""


class FrameTree:
    """Transforms between frames: static ones, moving ones, and mountings from files.

    Static transforms never age. Moving ones are interpolated between their samples; before the
    first and after the last one the nearest holds, but for no longer than the timeout. A static
    transform holds whatever ``/tf`` says of the same two frames. A frame that has moved to another
    parent leaves the old one, once that is out of date; while both are told, both are used.
    Leading slashes of names are dropped.

    Parameters
    ----------
    origin : str
        What holds the transforms, for the texts of errors.
    """

    def __init__(self, origin: str = 'TF') -> None:
        self._origin = origin
        self._edges: dict[tuple[str, str], _Edge] = {}
        self._parents: dict[str, set[str]] = {}
        self._needed: set[tuple[str, str]] = set()
        self._mountings: dict[tuple[str, str], _Static] = {}
        self._paths: dict[tuple[str, str], _Path | None] = {}

    @classmethod
    def of(
        cls, transforms: Mapping[tuple[str, str], RigidTransform], origin: str = 'TF'
    ) -> FrameTree:
        """Make a tree of static transforms: ``parent_from_child`` by parent and child."""
        tree = cls(origin)
        for (parent, child), parent_from_child in transforms.items():
            tree.fix(parent, child, parent_from_child)
        return tree

    def take(self, message: Transforms) -> None:
        """Take in a message of ``/tf`` or ``/tf_static``."""
        for told in message.transforms:
            if message.is_static:
                self.fix(told.parent, told.child, told.parent_from_child)
            else:
                self.move(told.parent, told.child, told.parent_from_child, told.stamp)

    def fix(self, parent: str, child: str, parent_from_child: RigidTransform) -> None:
        """Set a static transform."""
        key = _names(parent, child)
        known = self._edges.get(key)
        if isinstance(known, _Static):
            known.parent_from_child = parent_from_child
        else:
            self._connect(_Static(*key, parent_from_child))

    def move(self, parent: str, child: str, parent_from_child: RigidTransform, stamp: int) -> None:
        """Add a sample (ns) of a moving transform; one of the same stamp is replaced."""
        key = parent.lstrip('/'), child.lstrip('/')
        if key not in self._edges:
            self._forget_the_gone(stamp)
            self._connect(_Moving(*key))
        known = self._edges.get(key)
        if isinstance(known, _Moving):
            known.add(stamp, parent_from_child)
            if len(self._parents[known.child]) > 1:
                self._leave_former_parents(known)

    def mount(self, parent: str, child: str, parent_from_child: RigidTransform) -> None:
        """Set the pose of a frame, used only if TF never has it."""
        key = _names(parent, child)
        self._mountings[key] = _Static(*key, parent_from_child)
        self._paths.clear()

    def look_up(
        self, target: str, source: str, stamp: int | None = None, timeout: float = TF_TIMEOUT
    ) -> RigidTransform:
        """Return ``target_from_source``.

        Parameters
        ----------
        target, source : str
            Frames.
        stamp : int, optional
            Nanoseconds; where left out, every moving transform is taken as it was last told.
        timeout : float
            Seconds up to which the nearest sample of a moving transform holds.

        Raises
        ------
        UnconnectedError
            No transforms lead from one to the other.
        StaleTransformError
            They do, but one of them has no sample near the stamp.
        """
        target, source = _names(target, source)
        path = self._path(target, source)
        if path is None:
            raise UnconnectedError(
                f"{self._origin} does not connect '{source}' to '{target}'; "
                f'it holds {self.listing(source)}'
            )
        pose = RigidTransform()
        for edge, is_down in path:
            step = edge.at(stamp, timeout)
            pose = pose @ (step if is_down else step.inverse)
        return pose

    def connects(self, target: str, source: str) -> bool:
        """Tell whether transforms lead from one frame to another, whatever their time."""
        return self._path(*_names(target, source)) is not None

    def ancestors(self, frame: str) -> list[str]:
        """Frames above a frame, the root first, itself last."""
        (frame,) = _names(frame)
        line = [frame]
        parents = {edge.child: edge.parent for edge in self._used()}
        while (parent := parents.get(line[0])) is not None and parent not in line:
            line.insert(0, parent)
        return line

    def knows(self, frame: str) -> bool:
        """Tell whether any transform leads to or from a frame."""
        (frame,) = _names(frame)
        return any(frame in (edge.parent, edge.child) for edge in self._used())

    def tells(self, frame: str) -> bool:
        """Tell whether TF says where a frame is, so that its mounting is not used."""
        return _names(frame)[0] in self._parents

    def listing(self, frame: str) -> str:
        """List the transforms there are, those that lead to a frame first."""
        line = self.ancestors(frame)
        edges = sorted(self._used(), key=lambda edge: edge.child not in line)
        named = [f'{edge.parent} -> {edge.child}' for edge in edges[:_MOST_NAMED]]
        if len(edges) > _MOST_NAMED:
            named.append(f'{len(edges) - _MOST_NAMED} more')
        return ', '.join(named) or 'nothing'

    def _connect(self, edge: _Edge) -> None:
        if edge.parent == edge.child:
            return
        self._edges[edge.parent, edge.child] = edge
        self._parents.setdefault(edge.child, set()).add(edge.parent)
        self._paths.clear()

    def _leave_former_parents(self, current: _Moving) -> None:
        """Drop what leads to the same frame but has not been told lately."""
        for parent in list(self._parents[current.child]):
            other = self._edges[parent, current.child]
            if isinstance(other, _Static):
                continue
            if abs(other.samples.newest - current.samples.newest) > TF_TIMEOUT * _SECOND:
                self._disconnect(other)

    def _forget_the_gone(self, stamp: int) -> None:
        """Drop what has been silent for long and was never asked for."""
        for key, edge in list(self._edges.items()):
            if key in self._needed or isinstance(edge, _Static):
                continue
            if stamp - edge.samples.newest > _FORGOTTEN:
                self._disconnect(edge)

    def _disconnect(self, edge: _Moving) -> None:
        del self._edges[edge.parent, edge.child]
        self._parents[edge.child].remove(edge.parent)
        if not self._parents[edge.child]:
            del self._parents[edge.child]
        self._paths.clear()

    def _path(self, target: str, source: str) -> _Path | None:
        """Edges from target to source, each with whether it leads down; None for no path.

        Mountings are used only where TF alone does not lead to the target.
        """
        key = target, source
        if key not in self._paths:
            told = list(self._edges.values())
            path = _shortest(told, target, source)
            if path is None:
                path = _shortest(list(self._used()), target, source)
            self._paths[key] = path
            self._needed |= {(edge.parent, edge.child) for edge, _ in path or ()}
        return self._paths[key]

    def _used(self) -> Iterator[_Edge]:
        """All edges of TF, and the mountings of frames that it does not place."""
        yield from self._edges.values()
        for edge in self._mountings.values():
            if edge.child not in self._parents:
                yield edge


def _names(*frames: str) -> tuple[str, ...]:
    return tuple(frame.lstrip('/') for frame in frames)


def _shortest(edges: list[_Edge], target: str, source: str) -> _Path | None:
    """Search breadth first; of paths of one length, names decide and not what came first."""
    neighbours: dict[str, list[tuple[str, _Edge, bool]]] = {}
    for edge in sorted(edges, key=lambda edge: (edge.parent, edge.child)):
        neighbours.setdefault(edge.parent, []).append((edge.child, edge, True))
        neighbours.setdefault(edge.child, []).append((edge.parent, edge, False))
    paths: dict[str, _Path] = {target: []}
    fresh = deque([target])
    while fresh and source not in paths:
        here = fresh.popleft()
        for there, edge, is_down in neighbours.get(here, ()):
            if there not in paths:
                paths[there] = [*paths[here], (edge, is_down)]
                fresh.append(there)
    return paths.get(source)
