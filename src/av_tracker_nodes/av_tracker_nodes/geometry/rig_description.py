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

"""All that a rig file says, ready to use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.camera import Camera
from av_tracker_nodes.geometry.microphones import MicrophoneArray
from av_tracker_nodes.geometry.rig import Rig, Room
from av_tracker_nodes.geometry.transforms import RigidTransform
from av_tracker_nodes.geometry.uncertainty import RigUncertainty


@dataclass(frozen=True)
class RigMotion:
    """How the base of a rig moves in a simulation.

    Attributes
    ----------
    kind : str
        ``static``; ``pan``: turns about its z axis to both sides; ``drive``: to both sides along
        its y axis.
    reach : float
        Farthest from the middle (rad, or m).
    period : float
        Of one turn or drive to and fro (s).
    """

    kind: str = 'static'
    reach: float = 0.0
    period: float = 10.0

    def base_from_moved(self, time: float) -> RigidTransform:
        """Where the base is at a time (s), in the frame where it stands still."""
        swing = self.reach * np.sin(2 * np.pi * time / self.period)
        if self.kind == 'pan':
            cos, sin = np.cos(swing), np.sin(swing)
            return RigidTransform(np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]))
        if self.kind == 'drive':
            return RigidTransform(translation=np.array([0.0, swing, 0.0]))
        return RigidTransform()


NOISE_KINDS = (
    'fan',
    'television',
    'motor',
    'hum',
    'music',
    'knocks',
    'white',
    'pink',
)
"""What can make noise in a simulation."""


@dataclass(frozen=True)
class NoiseSource:
    """Something in the room, or on the rig itself, that makes noise in a simulation.

    Attributes
    ----------
    kind : str
        One of `NOISE_KINDS`.
    position : np.ndarray, shape (3,)
        Metres, in the frame that the rig is mounted in; of what is mounted, while the base stands
        still.
    level_db : float
        Of its sound at the microphones while it sounds, relative to speech (dB).
    switched : bool
        It is switched on and off.
    mounted : bool
        It rides on the base, as the fan and the motors of a robot do.
    """

    kind: str
    position: np.ndarray
    level_db: float
    switched: bool = False
    mounted: bool = False


@dataclass(frozen=True)
class RigDescription:
    """What a rig file says.

    Attributes
    ----------
    path : Path
    name, description, source : str
    approximate : bool
        Numbers of a data sheet, not of a calibration.
    parent : str
        Frame that the rig is mounted in.
    base : RigidTransform
        Takes points of the rig's base to the parent frame.
    camera : Camera or None
        Described in the parent frame.
    camera_frame, array_frame : str
    microphones : MicrophoneArray or None
        Their channels are those of the card.
    target_from_array : RigidTransform
        Takes points of the array frame to the parent frame.
    room : Room or None
        In the array frame.
    card_channels : int
        That the card delivers.
    processed_channels, playback_channels : tuple of int
        Those that hold no microphone.
    uncertainty : RigUncertainty
    motion : RigMotion
    noise : tuple of NoiseSource
    has_field_of_view : bool
        The camera is known by its field of view only.
    """

    path: Path
    name: str
    description: str
    source: str
    approximate: bool
    parent: str
    base: RigidTransform
    camera: Camera | None
    camera_frame: str
    microphones: MicrophoneArray | None
    array_frame: str
    target_from_array: RigidTransform
    room: Room | None
    card_channels: int
    processed_channels: tuple[int, ...]
    playback_channels: tuple[int, ...]
    uncertainty: RigUncertainty
    motion: RigMotion
    noise: tuple[NoiseSource, ...]
    has_field_of_view: bool

    def rig(self) -> Rig:
        """Return the geometry, in the parent frame; missing sensors are None."""
        return Rig(
            self.camera, self.microphones, self.target_from_array, self.room, self.uncertainty
        )

    def for_images(self, size: tuple[int, int]) -> RigDescription:
        """Return the rig with its camera at another size of image (width, height).

        A field of view is taken to be the same along the longer side of images of any size: most
        webcams cut off above and below where images are flatter, and telephones are turned.

        Raises
        ------
        InputError
            When it has no camera, or one that was calibrated at another size.
        """
        if self.camera is None:
            raise InputError(f'{self.path}: camera: is missing: this rig has none')
        if tuple(size) == tuple(self.camera.size):
            return self
        old, new = (f'{width} x {height}' for width, height in (self.camera.size, size))
        scale = max(size) / max(self.camera.size)
        if not self.has_field_of_view:
            raise InputError(
                f'images are {new}, but the camera of {self.path} was calibrated at {old}; '
                'calibrate it at the size that is used'
            )
        camera = self.camera
        scaled = replace(
            camera,
            fx=scale * camera.fx,
            fy=scale * camera.fy,
            cx=(size[0] - 1) / 2,
            cy=(size[1] - 1) / 2,
            size=tuple(size),
        )
        return replace(self, camera=scaled)
