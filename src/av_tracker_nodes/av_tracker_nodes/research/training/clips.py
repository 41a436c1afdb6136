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

"""Clips: recordings that went through face detector and acoustic stage once, with the truth.

A clip holds what a fusion model is given at each image, so that networks are trained, and models
compared, on identical inputs without computing them again. It is one ``.npz`` file of plain
arrays. Maps of faces are those of the image alone; see `Clip.enhanced`.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.acoustics.enhancement import WeightedHistory
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, Rig, RigidTransform, Room
from av_tracker_nodes.geometry.uncertainty import RigUncertainty
from av_tracker_nodes.types import AcousticMap, AcousticPeak, Face, FaceFrame, FaceSound

FORMAT = 1
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class PeopleTruth:
    """Everybody at one image; rows are people.

    Attributes
    ----------
    mouth : np.ndarray, shape (people, 3)
        Metres, target frame.
    pixel : np.ndarray, shape (people, 2)
        Where the mouth is in the picture; NaN behind the camera.
    speaking : np.ndarray, shape (people,)
        1 or 0; NaN without a label.
    visible : np.ndarray, shape (people,)
        Share of the head that nothing hides, 0..1; 0 out of the picture.
    """

    mouth: np.ndarray
    pixel: np.ndarray
    speaking: np.ndarray
    visible: np.ndarray


@dataclass(frozen=True)
class ClipFrame:
    """One image and what the stages made of it.

    Attributes
    ----------
    jpeg : bytes
    faces : FaceFrame
    sound : AcousticMap
    people : PeopleTruth
    take : int
        Frames of one take follow each other without a gap.
    local : AcousticMap or None
        What half of the microphones tell, where it is known; see
        `incomplete.half_of_the_microphones`.
    """

    jpeg: bytes
    faces: FaceFrame
    sound: AcousticMap
    people: PeopleTruth
    take: int = 0
    local: AcousticMap | None = None

    @property
    def image(self) -> np.ndarray:
        """The picture, shape (height, width, 3), uint8, blue, green, red."""
        return cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)


@dataclass(frozen=True)
class Clip:
    """Frames of one camera.

    Attributes
    ----------
    name : str
    rig : Rig
        As a tracker is told.
    frames : tuple of ClipFrame
    """

    name: str
    rig: Rig
    frames: tuple[ClipFrame, ...]

    def enhanced(self) -> Clip:
        """Return the clip with maps of faces enhanced by their history: V-WSWE."""
        history, take, frames = WeightedHistory(), None, []
        for count, frame in enumerate(self.frames):
            if frame.take != take:
                history.reset()
                take = frame.take
            faces = tuple(
                replace(face, values=history.enhance(face.tracklet, count, face.values))
                for face in frame.sound.faces
            )
            history.forget_before(count)
            frames.append(replace(frame, sound=replace(frame.sound, faces=faces)))
        return replace(self, frames=tuple(frames))

    def with_local(self, local: Clip) -> Clip:
        """Return the clip with the maps of a clip of the same frames as those of local sound."""
        pairs = zip(self.frames, local.frames, strict=True)
        frames = tuple(replace(frame, local=other.sound) for frame, other in pairs)
        return replace(self, frames=frames)

    def save(self, path: Path) -> None:
        """Write the clip so that nobody ever sees half of it.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        arrays = {**_rig_arrays(self.rig), **_frame_arrays(self.frames)}
        meta = json.dumps({'format': FORMAT, 'name': self.name, 'frames': len(self.frames)})
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                np.savez_compressed(file, meta=np.array(meta), **arrays)
            os.replace(file.name, path)
        except OSError as error:
            raise InputError(f'cannot write {path}: {error.strerror}') from error

    @classmethod
    def load(cls, path: Path) -> Clip:
        """Read a clip.

        Raises
        ------
        InputError
            The file is missing, damaged, or of another format.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            meta = json.loads(str(arrays['meta']))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise InputError(f'{path} is no clip: {error}') from error
        if meta.get('format') != FORMAT:
            raise InputError(f'{path} is a clip of another format: make the corpus again')
        return cls(meta['name'], _rig_of(arrays), _frames_of(arrays, meta['frames']))


def encode_image(image: np.ndarray) -> bytes:
    """Compress a picture (height, width, 3), blue, green, red, as cameras do."""
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()


def _rig_arrays(rig: Rig) -> dict[str, np.ndarray]:
    camera, array, room = rig.camera, rig.microphones, rig.room
    boxes = [] if room is None else [[box.minimum, box.maximum] for box in room.boxes]
    return {
        'camera': np.array([camera.fx, camera.fy, camera.cx, camera.cy, camera.skew]),
        'camera_size': np.array(camera.size),
        'camera_distortion': camera.distortion,
        'camera_pose': np.column_stack([camera.pose.rotation, camera.pose.translation]),
        'microphones': array.positions,
        'microphone_groups': array.groups,
        'microphone_channels': array.channels,
        'microphone_numbers': np.array([array.rate, array.speed_of_sound]),
        'target_from_array': np.column_stack(
            [rig.target_from_array.rotation, rig.target_from_array.translation]
        ),
        'room': np.reshape(boxes, (-1, 2, 3)),
        'uncertainty': np.array(astuple(rig.uncertainty)),
    }


def _rig_of(arrays: dict[str, np.ndarray]) -> Rig:
    fx, fy, cx, cy, skew = arrays['camera'].tolist()
    rate, speed = arrays['microphone_numbers'].tolist()
    camera = Camera(
        fx,
        fy,
        cx,
        cy,
        tuple(arrays['camera_size'].tolist()),
        arrays['camera_distortion'],
        skew,
        _transform(arrays['camera_pose']),
    )
    microphones = MicrophoneArray(
        arrays['microphones'],
        groups=arrays['microphone_groups'],
        channels=arrays['microphone_channels'],
        rate=int(rate),
        speed_of_sound=speed,
    )
    boxes = [Box(*corners) for corners in arrays['room']]
    room = Room.of(boxes) if boxes else None
    uncertainty = RigUncertainty(*arrays.get('uncertainty', np.zeros(4)).tolist())
    return Rig(camera, microphones, _transform(arrays['target_from_array']), room, uncertainty)


def _transform(matrix: np.ndarray) -> RigidTransform:
    return RigidTransform(matrix[:, :3], matrix[:, 3])


_FACE = 'box', 'score', 'landmarks', 'tracklet', 'looks'
_SOUND = 'tracklet', 'values', 'peak', 'mean', 'position', 'range', 'range_std', 'speech'
_PEAK = 'position', 'covariance', 'direction', 'score', 'speech'
_MAP = 'stamp', 'audio_stamp', 'values', 'pitch', 'depth', 'coverage'
_PEOPLE = 'mouth', 'pixel', 'speaking', 'visible'


def _value(item: Face | FaceSound | AcousticPeak | AcousticMap, name: str) -> object:
    """Return what a column says of an item: maps and looks in half precision."""
    if name == 'looks':
        return item.embedding.astype(np.float16)
    value = getattr(item, name)
    if name == 'landmarks' and value is None:
        return np.full((5, 2), np.nan)
    return value.astype(np.float16) if name == 'values' else value


def _frame_arrays(frames: tuple[ClipFrame, ...]) -> dict[str, np.ndarray]:
    """Columns of all frames; lists are laid end to end, with the number of each frame's."""
    jpeg = [np.frombuffer(frame.jpeg, np.uint8) for frame in frames]
    dead = [np.array(frame.sound.dead_channels, int) for frame in frames]
    arrays = {
        'take': np.array([frame.take for frame in frames]),
        'image_size': np.array([frame.faces.image_size for frame in frames]),
        'measure': np.array([frame.sound.measure for frame in frames]),
        'jpeg': np.concatenate(jpeg),
        'jpeg_count': np.array([len(each) for each in jpeg]),
        'dead': np.concatenate(dead),
        'dead_count': np.array([len(each) for each in dead]),
    }
    for name in _MAP:
        arrays[f'map_{name}'] = np.array([_value(frame.sound, name) for frame in frames])
    for name in _PEOPLE:
        columns = [getattr(frame.people, name) for frame in frames]
        arrays[f'people_{name}'] = np.concatenate(columns)
    arrays['people_count'] = np.array([len(frame.people.mouth) for frame in frames])
    arrays |= _list_arrays('face', _FACE, [frame.faces.faces for frame in frames])
    arrays |= _list_arrays('sound', _SOUND, [frame.sound.faces for frame in frames])
    return arrays | _list_arrays('peak', _PEAK, [frame.sound.peaks for frame in frames])


def _list_arrays(
    prefix: str, columns: tuple[str, ...], lists: list[tuple]
) -> dict[str, np.ndarray]:
    flat = [item for items in lists for item in items]
    arrays = {f'{prefix}_{name}': np.array([_value(x, name) for x in flat]) for name in columns}
    return arrays | {f'{prefix}_count': np.array([len(items) for items in lists])}


def _frames_of(arrays: dict[str, np.ndarray], count: int) -> tuple[ClipFrame, ...]:
    jpeg = _pieces(arrays, 'jpeg', arrays['jpeg_count'])
    dead = _pieces(arrays, 'dead', arrays['dead_count'])
    faces = _lists(arrays, 'face', _FACE, _face)
    sounds = _lists(arrays, 'sound', _SOUND, _sound)
    peaks = _lists(arrays, 'peak', _PEAK, _peak)
    people = [_pieces(arrays, f'people_{name}', arrays['people_count']) for name in _PEOPLE]
    frames = []
    for i in range(count):
        stamp = int(arrays['map_stamp'][i])
        size = tuple(arrays['image_size'][i].tolist())
        sound = AcousticMap(
            stamp=stamp,
            audio_stamp=int(arrays['map_audio_stamp'][i]),
            measure=str(arrays['measure'][i]),
            values=arrays['map_values'][i].astype(np.float32),
            pitch=float(arrays['map_pitch'][i]),
            depth=float(arrays['map_depth'][i]),
            coverage=float(arrays['map_coverage'][i]),
            dead_channels=tuple(dead[i].tolist()),
            peaks=peaks[i],
            faces=sounds[i],
        )
        face_frame = FaceFrame(stamp, size, faces[i])
        take = int(arrays['take'][i])
        truth = PeopleTruth(*(column[i] for column in people))
        frames.append(ClipFrame(jpeg[i].tobytes(), face_frame, sound, truth, take))
    return tuple(frames)


def _pieces(arrays: dict[str, np.ndarray], name: str, counts: np.ndarray) -> list[np.ndarray]:
    return np.split(arrays[name], np.cumsum(counts)[:-1])


def _lists(
    arrays: dict[str, np.ndarray], prefix: str, columns: tuple[str, ...], build
) -> list[tuple]:
    table = [arrays[f'{prefix}_{name}'] for name in columns]
    ends = np.cumsum(arrays[f'{prefix}_count']).tolist()
    starts = [0, *ends[:-1]]
    return [
        tuple(build(*(column[row] for column in table)) for row in range(start, end))
        for start, end in zip(starts, ends, strict=True)
    ]


def _face(box, score, landmarks, tracklet, looks) -> Face:
    marks = None if np.isnan(landmarks).any() else landmarks
    return Face(box, float(score), marks, int(tracklet), looks.astype(np.float32))


def _sound(tracklet, values, peak, mean, position, distance, deviation, speech) -> FaceSound:
    levels, ranges = (float(peak), float(mean)), (float(distance), float(deviation))
    values = values.astype(np.float32)
    return FaceSound(int(tracklet), values, *levels, position, *ranges, float(speech))


def _peak(position, covariance, direction, score, speech) -> AcousticPeak:
    return AcousticPeak(position, covariance, direction, float(score), float(speech))
