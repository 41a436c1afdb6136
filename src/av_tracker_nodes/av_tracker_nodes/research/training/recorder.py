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

"""Make clips: let simulated scenes and recorded sequences through faces and sound once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import FaceStage
from av_tracker_nodes.acoustics import SoundMapper
from av_tracker_nodes.geometry import Rig, RigidTransform
from av_tracker_nodes.geometry.head import mouth_pixel
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.research.datasets.incomplete import cover_middle, half_of_the_microphones
from av_tracker_nodes.research.datasets.recordings import open_recording
from av_tracker_nodes.research.evaluation.truth import read_truth
from av_tracker_nodes.research.simulation.meeting_room import ROOM
from av_tracker_nodes.research.simulation.rig_scene import RigScene
from av_tracker_nodes.research.simulation.rig_sound import rig_of_sound
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Scene
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.research.simulation.visibility import visible_share
from av_tracker_nodes.research.simulation.writer import AUDIO_START
from av_tracker_nodes.research.training.clips import Clip, ClipFrame, PeopleTruth, encode_image
from av_tracker_nodes.types import (
    AudioBlock,
    FaceFrame,
    ImageFrame,
    to_nanoseconds,
)

_BLOCK = RATE // 100
_PIECE = 400
"""Images of a recorded sequence that make a clip."""


@dataclass(frozen=True)
class Told:
    """Where a tracker is told that the sensors of a scene are.

    Attributes
    ----------
    rig : Rig
    target_from_scene : RigidTransform
        Takes points of the scene to the target frame, while the sensors stand still.
    """

    rig: Rig
    target_from_scene: RigidTransform = field(default_factory=RigidTransform)

    def of(self, scene: Scene, time: float, points: np.ndarray) -> np.ndarray:
        """Describe points (n, 3) of a scene at a time (s) as the sensors that move see them.

        The target frame moves with the sensors: to them, the people move.
        """
        if scene.motion is not None:
            points = scene.motion.at(time).inverse @ points
        return self.target_from_scene @ points


def record_rig_scene(drawn: RigScene, takes: Sequence[range]) -> Clip:
    """Record frames of a scene in front of a rig; truth is in the frame of the rig, see `Told`."""
    told = Told(rig_of_sound(drawn), drawn.scene_from_parent.inverse)
    return record_scene(drawn.scene, 0, takes, told=told)['vggcf']


def record_scene(
    scene: Scene,
    camera: int,
    takes: Sequence[range],
    measures: Sequence[str] = ('vggcf',),
    incomplete: bool = False,
    told: Told | None = None,
) -> dict[str, Clip]:
    """Record frames of a simulated scene with one camera and all microphones.

    Parameters
    ----------
    scene : Scene
    camera : int
        Index.
    takes : sequence of range
        Frames, in order; those of one range follow each other.
    measures : sequence of str
        Acoustic measures.
    incomplete : bool
        As GLDTracker's incomplete set: the middle third of all pictures covered, and half of the
        microphones gone.
    told : Told or None
        The geometry that a tracker is told; None for that of the meeting room.

    Returns
    -------
    dict of str to Clip
        By acoustic measure.
    """
    told = told or Told(
        Rig(scene.calibrated_cameras[camera], scene.calibrated_microphones, room=ROOM)
    )
    rig = told.rig
    blocks = list(scene_blocks(scene))
    pictures = render_frames(scene, camera, [frame for take in takes for frame in take])
    if incomplete:
        rig = half_of_the_microphones(rig)
        pictures = (cover_middle(picture) for picture in pictures)
    ears = {each: SoundMapper(each, rig, blocks) for each in measures}
    frames: dict[str, list[ClipFrame]] = {measure: [] for measure in measures}
    for number, take in enumerate(takes):
        faces = FaceStage()
        for frame in take:
            seconds = AUDIO_START + scene.video_starts[camera] + frame / FRAME_RATE
            stamp, jpeg = to_nanoseconds(seconds), encode_image(next(pictures))
            seen, people = _see(stamp, jpeg, faces), _scene_truth(scene, camera, frame, told)
            for measure in measures:
                sound = ears[measure].map(seen)
                frames[measure].append(ClipFrame(jpeg, seen, sound, people, number))
    name = f'{scene.name}-cam{camera + 1}'
    return {measure: Clip(name, rig, tuple(frames[measure])) for measure in measures}


def record_sequence(directory: Path, camera: int) -> Iterator[Clip]:
    """Turn a sequence of AV16.3 or CAV3D into clips.

    Where nobody says who is hidden, everybody in the picture counts as seen.

    Parameters
    ----------
    directory : Path
        Folder of the sequence.
    camera : int
        1, 2 or 3 of AV16.3, 5 of CAV3D.

    Raises
    ------
    InputError
        When something of the sequence is missing.
    """
    sequence, truth = open_recording(directory), read_truth(directory, camera, protocol=None)
    ears = SoundMapper(rig=truth.rig, source=sequence.audio_blocks())
    faces, images = FaceStage(), enumerate(sequence.frames(camera))
    piece = 0
    while part := list(islice(images, _PIECE)):
        frames = []
        for index, image in part:
            annotated = ~np.isnan(truth.mouth[:, index]).any(axis=1)
            visible = truth.visible[annotated, index].astype(float)
            speaking = np.full(len(visible), np.nan)
            if truth.speaking is not None:
                speaking = truth.speaking[annotated, index].astype(float)
            pixel = mouth_pixel(truth.box[annotated, index])
            people = PeopleTruth(truth.mouth[annotated, index], pixel, speaking, visible)
            jpeg = encode_image(image.image)
            seen = _see(image.stamp, jpeg, faces)
            frames.append(ClipFrame(jpeg, seen, ears.map(seen), people))
        yield Clip(f'{truth.sequence}-cam{camera}-{piece:02d}', truth.rig, tuple(frames))
        piece += 1


def record_local(clips: Iterable[Clip], blocks: Iterable[AudioBlock]) -> Iterator[Clip]:
    """Map the sound of half of the microphones at the images of clips.

    Parameters
    ----------
    clips : iterable of Clip
        Of one camera, in order.
    blocks : iterable of AudioBlock
        The whole sound from which they were recorded.

    Returns
    -------
    iterator of Clip
        The same frames; see `Clip.with_local`.
    """
    ears = None
    for clip in clips:
        ears = ears or SoundMapper(rig=half_of_the_microphones(clip.rig), source=blocks)
        frames = [replace(frame, sound=ears.map(frame.faces)) for frame in clip.frames]
        yield replace(clip, frames=tuple(frames))


def scene_blocks(scene: Scene) -> Iterator[AudioBlock]:
    """Record the sound of a scene, in blocks."""
    samples = record(scene)
    yield from cut_blocks([samples], _BLOCK, RATE, to_nanoseconds(AUDIO_START))


def _see(stamp: int, jpeg: bytes, faces: FaceStage) -> FaceFrame:
    """Detect the faces of a picture as it is after compression."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return faces.process(ImageFrame(stamp, pixels))


def _scene_truth(scene: Scene, camera: int, frame: int, told: Told) -> PeopleTruth:
    """Tell what is true at the time at which a frame was really taken."""
    time = scene.frame_times(camera)[frame]
    now = np.array([time])
    mouth = np.reshape([person.at(now, person.mouth) for person in scene.people], (-1, 3))
    return PeopleTruth(
        mouth=told.of(scene, time, mouth),
        pixel=scene.camera_at(camera, time).project(mouth),
        speaking=np.array([person.speaks(time) for person in scene.people], float),
        visible=visible_share(scene, camera, time),
    )
