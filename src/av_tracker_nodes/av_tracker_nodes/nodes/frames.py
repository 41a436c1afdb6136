# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The tree of frames from ``/tf`` and ``/tf_static``.

A small stand-in for tf2_ros, which ROS from wheels does not have; the same everywhere, so that
everything behaves alike with and without it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation, Slerp
from tf2_msgs.msg import TFMessage

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.nodes.quality_of_service import STATIC_TRANSFORMS, TRANSFORMS
from av_tracker_nodes.recordings.messages import from_transforms, stamp_of
from av_tracker_nodes.synchronisation import StampedBuffer
from av_tracker_nodes.types import to_nanoseconds

_MEMORY = to_nanoseconds(10.0)


class FrameTree:
    """Transforms between frames, fixed ones and ones that move.

    Moving transforms are interpolated between their samples; before the first and after the last
    one the nearest holds.
    """

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], RigidTransform] = {}
        self._moving: dict[tuple[str, str], StampedBuffer[RigidTransform]] = {}

    def fix(self, parent: str, child: str, parent_from_child: RigidTransform) -> None:
        """Set a fixed transform."""
        self._fixed[parent, child] = parent_from_child

    def move(self, parent: str, child: str, parent_from_child: RigidTransform, stamp: int) -> None:
        """Add a sample (ns) of a moving transform."""
        self._moving.setdefault((parent, child), StampedBuffer(_MEMORY)).add(
            stamp, parent_from_child
        )

    def look_up(self, target: str, source: str, stamp: int) -> RigidTransform | None:
        """Return ``target_from_source`` at a stamp (ns), None when they are not connected."""
        known = {target: RigidTransform()}
        fresh = [target]
        while fresh and source not in known:
            here = fresh.pop()
            for parent, child in [*self._fixed, *self._moving]:
                if here == parent and child not in known:
                    known[child] = known[here] @ self._edge(parent, child, stamp)
                    fresh.append(child)
                elif here == child and parent not in known:
                    known[parent] = known[here] @ self._edge(parent, child, stamp).inverse
                    fresh.append(parent)
        return known.get(source)

    def _edge(self, parent: str, child: str, stamp: int) -> RigidTransform:
        if (parent, child) in self._fixed:
            return self._fixed[parent, child]
        before, after = self._moving[parent, child].around(stamp)
        if before is None or after is None or before[0] == after[0]:
            return (before or after)[1]
        return _interpolate(*before, *after, stamp)


def _interpolate(
    start: int, first: RigidTransform, end: int, last: RigidTransform, stamp: int
) -> RigidTransform:
    share = (stamp - start) / (end - start)
    ends = Rotation.from_matrix(np.stack([first.rotation, last.rotation]))
    translation = (1 - share) * first.translation + share * last.translation
    return RigidTransform(Slerp([0, 1], ends)(share).as_matrix(), translation)


class FrameListener(FrameTree):
    """A frame tree fed from ``/tf`` and ``/tf_static``.

    Parameters
    ----------
    subscribe : callable
        Subscribes with type, topic, callback and profile: `StageNode.learn`, or
        ``create_subscription`` of any other node.
    """

    def __init__(self, subscribe: Callable[..., object]) -> None:
        super().__init__()
        subscribe(TFMessage, '/tf', self._take_moving, TRANSFORMS)
        subscribe(TFMessage, '/tf_static', self._take_fixed, STATIC_TRANSFORMS)

    def _take_fixed(self, message: TFMessage) -> None:
        for (parent, child), transform in from_transforms(message).items():
            self.fix(parent, child, transform)

    def _take_moving(self, message: TFMessage) -> None:
        stamps = [stamp_of(transform.header) for transform in message.transforms]
        frames = from_transforms(message).items()
        for stamp, ((parent, child), transform) in zip(stamps, frames, strict=False):
            self.move(parent, child, transform, stamp)
