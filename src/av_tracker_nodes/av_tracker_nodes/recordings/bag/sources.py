# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What a person says about a recording: its topics, its frames, and what is not in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from av_tracker_nodes.geometry.frame_tree import TF_TIMEOUT
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.recordings.bag.channels import WORLD_FRAME
from av_tracker_nodes.recordings.bag.topics import TopicNames


@dataclass(frozen=True)
class Sources:
    """Where sound, images and geometry of a recording come from.

    Attributes
    ----------
    topics : TopicNames
        Topics that are named; the others are found.
    target_frame : str
        Frame of the tracks.
    camera_calibration, array_calibration : Path or None
        Calibration or rig files, for what the recording does not tell: the calibration of the
        camera, the description of the microphones, and the poses of frames that TF never names.
    tf_timeout : float
        A moving transform that is older (s) places nothing any more.
    audio_offset : float
        Added to the stamps of the sound (s).
    """

    topics: TopicNames = field(default_factory=TopicNames)
    target_frame: str = WORLD_FRAME
    camera_calibration: Path | None = None
    array_calibration: Path | None = None
    tf_timeout: float = TF_TIMEOUT
    audio_offset: float = 0.0


def with_rig(
    rig: str, camera_calibration: Path | None, array_calibration: Path | None
) -> tuple[Path | None, Path | None]:
    """Let a rig stand in for calibration files that were not given.

    Parameters
    ----------
    rig : str
        Name or file; empty for none.
    camera_calibration, array_calibration : Path or None
        Files that were given.

    Returns
    -------
    tuple of Path or None
        Files of the camera and of the microphones.

    Raises
    ------
    InputError
        When there is no such rig.
    """
    if not rig:
        return camera_calibration, array_calibration
    described = load_rig_description(rig)
    return (
        camera_calibration or (None if described.camera is None else described.path),
        array_calibration or (None if described.microphones is None else described.path),
    )
