# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""A rig from the calibration files of its camera and its microphones."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import (
    Mounting,
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
)
from av_tracker_nodes.geometry.rig import Rig
from av_tracker_nodes.geometry.transforms import RigidTransform


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
        A file is missing or malformed, or its poses do not lead to the target frame.
    """
    mountings = {path: load_mounting(path) for path in (camera, array)}
    by_frame = {mounting.frame: mounting for mounting in mountings.values()}
    target = target_frame or _outermost(mountings[camera], by_frame)
    camera_pose, array_pose = (
        _pose_in(target, path, mounting, by_frame) for path, mounting in mountings.items()
    )
    # The camera that is read is described in its parent frame already.
    placed = load_camera(camera).in_frame(camera_pose @ mountings[camera].pose.inverse)
    return Rig(placed, load_microphones(array), array_pose, load_room(array))


def _outermost(mounting: Mounting, by_frame: dict[str | None, Mounting]) -> str | None:
    frame = mounting.frame
    for _ in by_frame:
        if frame in by_frame and by_frame[frame].parent is not None:
            frame = by_frame[frame].parent
    return frame


def _pose_in(
    target: str | None,
    path: Path | str,
    mounting: Mounting,
    by_frame: dict[str | None, Mounting],
) -> RigidTransform:
    """Return what takes points of a sensor's frame to the target frame."""
    frame, pose = mounting.frame, RigidTransform()
    for _ in range(len(by_frame) + 1):
        if frame == target:
            return pose
        step = by_frame.get(frame)
        if step is None or step.parent is None:
            break
        frame, pose = step.parent, step.pose @ pose
    raise InputError(
        f"{path}: its pose does not lead from '{mounting.frame}' to '{target}'; "
        'av-tracker calibrate extrinsics finds and writes it'
    )
