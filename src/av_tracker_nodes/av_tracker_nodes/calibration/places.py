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

"""Places at which somebody, or a loudspeaker, was seen and heard, from a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from av_tracker_nodes import FaceStage
from av_tracker_nodes.acoustics import SoundMapper
from av_tracker_nodes.calibration.boards import Board
from av_tracker_nodes.calibration.extrinsics import Place
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.geometry.face import DETECTOR_FACE_HEIGHT, mouth_from_face
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, range_of_box
from av_tracker_nodes.recordings.bag import REPLAY_PATIENCE
from av_tracker_nodes.synchronisation import CycleTrigger
from av_tracker_nodes.types import (
    AcousticPeak,
    AudioBlock,
    FaceFrame,
    ImageFrame,
    to_nanoseconds,
)

_PERIOD = to_nanoseconds(0.1)
_LEAST_SPEECH = 0.5
_LEAST_SCORE = 0.05
_POSE_STD = 0.08
"""Relative deviation of the apparent size of one person's face from place to place: who looks
elsewhere than into the camera seems farther away."""
_SAME_DIRECTION = np.deg2rad(3.0)
_SAME_RANGE = 1.2
_LONGEST_GAP = to_nanoseconds(1.0)
_FEWEST_SIGHTINGS = 5
_LARGEST_RANGE_STD = 0.25
"""Relative deviation of a distance from the microphones above which it is not used."""


@dataclass(frozen=True)
class Target:
    """What is looked for in the pictures.

    Attributes
    ----------
    find : callable
        Position in the optical frame (m) of the source of sound in an image; None when it is not
        there, or not the only one.
    scale_std, range_std : float
        Relative deviation of its distance, common to all places and of each.
    talks : bool
        Whether only speech counts as its sound.
    """

    find: Callable[[ImageFrame], np.ndarray | None]
    scale_std: float
    range_std: float
    talks: bool


def person(camera: Camera) -> Target:
    """Look for the mouth of the only face in the picture."""
    stage = FaceStage()

    def find(image: ImageFrame) -> np.ndarray | None:
        faces = stage.process(image).faces
        if len(faces) != 1:
            return None
        (face,) = faces
        distance = range_of_box(camera, face.box, DETECTOR_FACE_HEIGHT)
        ray = camera.rays(mouth_from_face(face.box, face.landmarks))
        place = distance * ray @ camera.pose.rotation
        return place if np.isfinite(place).all() else None

    return Target(find, scale_std=HEAD_SIZE_STD, range_std=_POSE_STD, talks=True)


def loudspeaker(camera: Camera, board: Board, offset: np.ndarray) -> Target:
    """Look for a board that is fixed to a loudspeaker.

    Parameters
    ----------
    camera : Camera
    board : Board
    offset : np.ndarray, shape (3,)
        From the board's corner of origin to the middle of the loudspeaker (m): x along the
        columns, y along the rows, z into the board.
    """
    own = replace(camera, pose=RigidTransform())

    def find(image: ImageFrame) -> np.ndarray | None:
        view = board.find(image.image)
        if view is None:
            return None
        plane = np.ascontiguousarray(own.back_project(view.pixels)[..., :2])
        if not np.isfinite(plane).all():
            return None
        found, turn, shift = cv2.solvePnP(view.points, plane, np.eye(3), None)
        return RigidTransform(cv2.Rodrigues(turn)[0], shift.ravel()) @ offset if found else None

    return Target(find, scale_std=0.01, range_std=0.02, talks=False)


@dataclass(frozen=True)
class _Sighting:
    """What was seen (optical frame) and heard (from the centre of the microphones) at a time."""

    stamp: int
    seen: np.ndarray
    heard: np.ndarray
    range_std: float


def find_places(
    records: Iterable[AudioBlock | ImageFrame],
    target: Target,
    camera: Camera,
    microphones: MicrophoneArray,
    room: Room | None = None,
) -> list[Place]:
    """Find where the target rested and was heard.

    Flat arrays hear a source and its mirror image alike; sources are on the side that z of the
    array frame points to.

    Parameters
    ----------
    records : iterable of AudioBlock and ImageFrame
    target : Target
    camera : Camera
        Its pose does not matter.
    microphones : MicrophoneArray
    room : Room, optional
        Where sources can be, array frame.

    Raises
    ------
    InputError
        When the images have another size than the camera, or the sound does not fit the
        microphones, or there is a single one.
    """
    rig = Rig(None, microphones, room=room)
    if not rig.tells_directions:
        raise InputError(f"array '{microphones.name}' has one microphone: it tells no directions")
    sightings = _sightings(records, target, camera, SoundMapper('gcf', rig), microphones.centre)
    return [place for rest in _rests(sightings) if (place := _place(rest)) is not None]


def _sightings(
    records: Iterable[AudioBlock | ImageFrame],
    target: Target,
    camera: Camera,
    sound: SoundMapper,
    centre: np.ndarray,
) -> Iterator[_Sighting]:
    """Yield what was seen and heard at the same time, ten times a second at most."""
    trigger = CycleTrigger(patience=REPLAY_PATIENCE)
    seen: dict[int, np.ndarray] = {}
    next_stamp = 0

    def hear(stamp: int) -> Iterator[_Sighting]:
        position = seen.pop(stamp, None)
        if position is not None:
            peaks = sound.map(FaceFrame(stamp, camera.size)).peaks
            if peaks and _counts(peaks[0], target):
                yield _sighting(stamp, position, peaks[0], centre)

    for record in records:
        if isinstance(record, AudioBlock):
            sound.hear(record)
            cycles = trigger.audio_until(record.end)
        elif record.stamp < next_stamp:
            continue
        else:
            _check_size(record, camera)
            next_stamp = record.stamp + _PERIOD
            position = target.find(record)
            if position is not None:
                seen[record.stamp] = position
            cycles = trigger.image(record.stamp, camera.size)
            cycles += trigger.faces(FaceFrame(record.stamp, camera.size))
        for cycle in cycles:
            yield from hear(cycle.faces.stamp)
    for cycle in trigger.flush():
        yield from hear(cycle.faces.stamp)


def _sighting(stamp: int, seen: np.ndarray, peak: AcousticPeak, centre: np.ndarray) -> _Sighting:
    heard = peak.position - centre
    along = np.sqrt(peak.direction @ peak.covariance @ peak.direction)
    return _Sighting(stamp, seen, heard, along / np.linalg.norm(heard))


def _counts(peak: AcousticPeak, target: Target) -> bool:
    return peak.score >= _LEAST_SCORE and (peak.speech >= _LEAST_SPEECH or not target.talks)


def _check_size(image: ImageFrame, camera: Camera) -> None:
    height, width = image.image.shape[:2]
    if (width, height) != camera.size:
        raise InputError(
            f'the images are {width} x {height}, the camera was calibrated at '
            f'{camera.size[0]} x {camera.size[1]}'
        )


def _rests(sightings: Iterable[_Sighting]) -> Iterator[list[_Sighting]]:
    """Cut into stretches during which the target does not move."""
    rest: list[_Sighting] = []
    for sighting in sightings:
        if rest and not _is_near(rest[0], sighting):
            yield rest
            rest = []
        rest.append(sighting)
    yield rest


def _is_near(first: _Sighting, later: _Sighting) -> bool:
    ranges = np.linalg.norm(first.seen), np.linalg.norm(later.seen)
    angle = np.arccos(np.clip(first.seen @ later.seen / np.prod(ranges), -1, 1))
    return bool(
        angle < _SAME_DIRECTION
        and max(ranges) < _SAME_RANGE * min(ranges)
        and later.stamp - first.stamp >= 0
        and later.stamp - first.stamp < 30 * _LONGEST_GAP
    )


def _place(rest: list[_Sighting]) -> Place | None:
    """Average a rest: medians of what was seen, and the heard direction nearest to all others."""
    if len(rest) < _FEWEST_SIGHTINGS:
        return None
    heard = np.array([sighting.heard for sighting in rest])
    distances = np.linalg.norm(heard, axis=1)
    directions = heard / distances[:, None]
    angles = np.arccos(np.clip(directions @ directions.T, -1, 1))
    middle = directions[angles.sum(axis=1).argmin()]
    range_std = float(np.median([sighting.range_std for sighting in rest]))
    return Place(
        seen=np.median([sighting.seen for sighting in rest], axis=0),
        heard=np.median(distances) * middle,
        heard_range_std=range_std if range_std < _LARGEST_RANGE_STD else np.inf,
    )
