# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Camera and microphones together, and the room around them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.microphones import MicrophoneArray
from av_tracker_nodes.geometry.transforms import RigidTransform


@dataclass(frozen=True)
class Room:
    """Where sound can come from: a box, in the array frame (m)."""

    minimum: np.ndarray
    maximum: np.ndarray

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell which points (..., 3) lie in the room."""
        return ((points >= self.minimum) & (points <= self.maximum)).all(axis=-1)


@dataclass(frozen=True)
class Rig:
    """Geometry of the sensors at one time.

    Attributes
    ----------
    camera : Camera
        Described in the target frame.
    microphones : MicrophoneArray
        Described in the array frame.
    target_from_array : RigidTransform
        Takes points of the array frame to the target frame.
    room : Room or None
        Mask for sound sources; None where it is unknown.
    """

    camera: Camera
    microphones: MicrophoneArray
    target_from_array: RigidTransform = field(default_factory=RigidTransform)
    room: Room | None = None

    @property
    def camera_in_array(self) -> Camera:
        """Camera described in the array frame, where sound is mapped."""
        return self.camera.in_frame(self.target_from_array.inverse)
