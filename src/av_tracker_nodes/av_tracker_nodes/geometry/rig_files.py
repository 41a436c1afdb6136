# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""A rig from the calibration files of its camera and its microphones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
)
from av_tracker_nodes.geometry.frame_tree import FrameTree
from av_tracker_nodes.geometry.rig import Rig


def load_rig(camera: Path | str, array: Path | str, target_frame: str | None = None) -> Rig:
    """Put a camera and a microphone array together.

    Parameters
    ----------
    camera, array : Path or str
        Calibration files as `av-tracker calibrate extrinsics` writes them: their poses lead from
        both sensors to the target frame.
    target_frame : str, optional
        Frame of detections and tracks; where left out, the outermost one that the camera file
        leads to.

    Raises
    ------
    InputError
        A file is missing or malformed, or names no frame, or the poses do not connect both
        sensors to the target frame.
    """
    mountings = [load_mounting(path) for path in (camera, array)]
    for path, mounting in zip((camera, array), mountings, strict=True):
        if mounting.frame is None:
            raise InputError(
                f'{path}: names no frame, so where the sensor is remains unknown; '
                'av-tracker calibrate extrinsics finds and writes it'
            )
    edges = {(m.parent, m.frame): m.pose for m in mountings if m.parent is not None}
    target = target_frame or _outermost(mountings[0].frame, edges)
    frames = FrameTree.of(edges, f'{camera} with {array}')
    camera_pose, array_pose = (frames.look_up(target, mounting.frame) for mounting in mountings)
    # The camera that is read is described in its parent frame already.
    placed = load_camera(camera).in_frame(camera_pose @ mountings[0].pose.inverse)
    return Rig(placed, load_microphones(array), array_pose, load_room(array))


def _outermost(frame: str, edges: Iterable[tuple[str, str]]) -> str:
    """Follow edges (parent, child) from a frame outwards."""
    parents = {child: parent for parent, child in edges}
    for _ in parents:
        frame = parents.get(frame, frame)
    return frame
