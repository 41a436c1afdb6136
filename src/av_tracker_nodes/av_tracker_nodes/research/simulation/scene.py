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

"""A simulated scene: everything that happens, before any sensor records it.

Scene time runs in seconds from 0, the first audio sample. Positions are in the ``world`` frame of
AV16.3: origin between the two arrays on the table, z up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from av_tracker_nodes.geometry import Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.geometry.rig_description import RigMotion
from av_tracker_nodes.research.simulation.decor import Decor, Portrait


@dataclass(frozen=True)
class Person:
    """Somebody who moves, turns the head, and perhaps talks.

    Attributes
    ----------
    identity : int
        Seed of the looks: shape of the head, skin, hair, clothes.
    head_scale : float
        Size of the head relative to the average.
    times : np.ndarray, shape (n,)
        Scene times (s) of the samples below, evenly spaced, over the whole scene.
    mouth : np.ndarray, shape (n, 3)
        Centre of the lips (m).
    orientation : np.ndarray, shape (n, 3)
        Yaw (about world z, 0 along world x, counter-clockwise), pitch (positive looks down) and
        roll (positive tilts to the person's right) of the head (rad).
    jaw : np.ndarray, shape (n,)
        Opening of the jaw, 0..1.
    speech : np.ndarray, shape (samples,), float32
        What the mouth emits, at the rate of the microphones, from scene time 0; zero in pauses.
    segments : tuple of (float, float)
        Start and end (s) of each stretch of speech.
    voice : str
        Where the speech comes from.
    raised : np.ndarray or None, shape (n,)
        How far the right hand is raised beside the head, 0..1; None where it hangs.
    """

    identity: int
    head_scale: float
    times: np.ndarray
    mouth: np.ndarray
    orientation: np.ndarray
    jaw: np.ndarray
    speech: np.ndarray
    segments: tuple[tuple[float, float], ...]
    voice: str
    raised: np.ndarray | None = None

    def at(self, times: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Interpolate `values` (one row a sample time) linearly at scene times (s)."""
        columns = np.atleast_2d(values.T)
        result = np.stack([np.interp(times, self.times, column) for column in columns], axis=-1)
        return result if values.ndim > 1 else result[..., 0]

    def speaks(self, times: np.ndarray | float) -> np.ndarray:
        """Tell at which scene times (s), of any shape, the person speaks."""
        start, end = np.reshape(self.segments, (-1, 2)).T
        times = np.asarray(times)[..., None]
        return ((times >= start) & (times < end)).any(axis=-1)


@dataclass(frozen=True)
class Occluder:
    """An upright opaque board that hides what is behind it.

    Attributes
    ----------
    corners : np.ndarray, shape (4, 3)
        Metres, in order around the board.
    colour : tuple of float
        Blue, green, red, 0..1.
    portrait : Portrait or None
        What it shows, its upper left corner at the first corner; None for a plain board.
    glows : bool
        It is a screen.
    """

    corners: np.ndarray
    colour: tuple[float, float, float] = (0.35, 0.4, 0.45)
    portrait: Portrait | None = None
    glows: bool = False


@dataclass(frozen=True)
class SensorMotion:
    """How all cameras and microphones of a scene move together, and what is mounted beside them.

    Attributes
    ----------
    base : RigidTransform
        Takes points of the base that moves, where it stands still, to the frame of the scene.
    motion : RigMotion
        Of the base.
    """

    base: RigidTransform
    motion: RigMotion

    def at(self, time: float) -> RigidTransform:
        """From where a sensor stands still to where it is at a scene time (s)."""
        return self.base @ self.motion.base_from_moved(time) @ self.base.inverse


@dataclass(frozen=True)
class SoundSource:
    """Something that makes noise all the time.

    Attributes
    ----------
    place : np.ndarray, shape (3,)
        Metres; of what is mounted, while the sensors stand still.
    sound : np.ndarray, shape (samples,), float32
        What it emits, alike to all sides, at the rate of the microphones.
    level_db : float
        Of what the microphones hear of it, relative to speech (dB).
    mounted : bool
        It moves with the sensors.
    """

    place: np.ndarray
    sound: np.ndarray
    level_db: float
    mounted: bool = False


@dataclass(frozen=True)
class Scene:
    """A scene and the sensors that watch it: the truth, and what a tracker is told.

    Attributes
    ----------
    name : str
        Name of the sequence.
    seed : int
    duration : float
        Seconds.
    people : tuple of Person
    cameras, calibrated_cameras : tuple of Camera
        As they are, and as the calibration files say.
    video_starts : tuple of float
        Scene time (s) that the timecode of the first frame of each camera says.
    audio_video_offset : float
        The first frame was really taken this much later (s) than its timecode says.
    microphones, calibrated_microphones : MicrophoneArray
        As they are (position, speed of sound), and as the calibration files say.
    gains : np.ndarray, shape (microphones,)
        Linear gain of each microphone.
    room : Room
        Walls, floor and ceiling (m).
    rt60 : float
        Reverberation time (s).
    snr_db : float
        Speech against background noise at the microphones (dB).
    fan : np.ndarray or None, shape (3,)
        Position of a machine that hums (m).
    occluders : tuple of Occluder
    light : np.ndarray, shape (n, 2)
        Scene time (s) and brightness factor, interpolated linearly.
    dead_microphones : tuple of int
        Indices of microphones whose files hold only zeros.
    defocus : float
        Blur of the pictures beyond that of a lens in focus (standard deviation, pixels).
    sources : tuple of SoundSource
        Noise beside that of the room, the microphones and the fan.
    table : bool
        Whether the meeting table stands there, and what stands about it.
    decor : Decor or None
        What is taken for people, in a room with finishes of its own; None for the usual room.
    motion : SensorMotion or None
        Cameras and microphones are described as they stand at the beginning; None where they stay.
    """

    name: str
    seed: int
    duration: float
    people: tuple[Person, ...]
    cameras: tuple[Camera, ...]
    calibrated_cameras: tuple[Camera, ...]
    video_starts: tuple[float, ...]
    audio_video_offset: float
    microphones: MicrophoneArray
    calibrated_microphones: MicrophoneArray
    gains: np.ndarray
    room: Room
    rt60: float
    snr_db: float
    fan: np.ndarray | None = None
    occluders: tuple[Occluder, ...] = ()
    light: np.ndarray = field(default_factory=lambda: np.array([[0.0, 1.0]]))
    dead_microphones: tuple[int, ...] = ()
    defocus: float = 0.0
    sources: tuple[SoundSource, ...] = ()
    table: bool = True
    decor: Decor | None = None
    motion: SensorMotion | None = None

    def camera_at(self, camera: int, time: float) -> Camera:
        """Return a camera (0, 1, 2) as it stands at a scene time (s)."""
        view = self.cameras[camera]
        return view if self.motion is None else view.in_frame(self.motion.at(time))

    def microphones_at(self, times: np.ndarray) -> np.ndarray:
        """Places of the microphones (m) at scene times (s).

        Of shape (microphones, 3) where they stay, else (times, microphones, 3).
        """
        places = self.microphones.positions
        return places if self.motion is None else self._carried(places, times)

    def source_at(self, source: SoundSource, times: np.ndarray) -> np.ndarray:
        """Places of something that makes noise (m) at scene times (s), shape (times, 3)."""
        if source.mounted and self.motion is not None:
            return self._carried(source.place, times)
        return np.tile(source.place, (len(times), 1))

    def _carried(self, places: np.ndarray, times: np.ndarray) -> np.ndarray:
        return np.stack([self.motion.at(time) @ places for time in times])

    def facts(self) -> dict[str, object]:
        """Tell what was drawn, for a file beside the recording."""
        return {
            'seed': self.seed,
            'duration': self.duration,
            'rt60': self.rt60,
            'snr_db': self.snr_db,
            'speed_of_sound': self.microphones.speed_of_sound,
            'audio_video_offset': self.audio_video_offset,
            'voices': [person.voice for person in self.people],
            'head_scales': [person.head_scale for person in self.people],
        }

    def frame_times(self, camera: int) -> np.ndarray:
        """Scene times (s) at which the frames of a camera (0, 1, 2) were really taken."""
        first = self.video_starts[camera]
        count = int((self.duration - max(first, 0.0)) * FRAME_RATE)
        return first + self.audio_video_offset + np.arange(count) / FRAME_RATE


FRAME_RATE = 25
"""Frames a second of every simulated camera, as in AV16.3."""
