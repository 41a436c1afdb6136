# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Static transforms between frames, one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.transforms import RigidTransform


def chain(
    edges: Mapping[tuple[str, str], RigidTransform], target: str, source: str, origin: str
) -> RigidTransform:
    """Chain static transforms to ``target_from_source``.

    Parameters
    ----------
    edges : mapping of (str, str) to RigidTransform
        ``parent_from_child`` by parent and child.
    target, source : str
        Frames.
    origin : str
        What holds the transforms, for the message of an error.

    Raises
    ------
    InputError
        When the frames are not connected.
    """
    source = source.lstrip('/')
    known = {target: RigidTransform()}
    fresh = [target]
    while fresh:
        here = fresh.pop()
        for (parent, child), parent_from_child in edges.items():
            for near, far, step in (
                (parent, child, parent_from_child),
                (child, parent, parent_from_child.inverse),
            ):
                if near == here and far not in known:
                    known[far] = known[here] @ step
                    fresh.append(far)
    if source not in known:
        held = ', '.join(f'{parent} -> {child}' for parent, child in edges) or 'nothing'
        raise InputError(f"{origin} does not connect '{source}' to '{target}'; it holds {held}")
    return known[source]
