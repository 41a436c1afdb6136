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

"""Between the messages of ROS and the types of this package.

Readers and writers of what is recorded (sound, images, calibration, tracks) are shared with the
bags: :mod:`av_tracker_nodes.recordings.messages`, documented there. Here they make messages of
rclpy; images do in :mod:`.image_messages`.
"""

from __future__ import annotations

from array import array
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, TransformStamped, Vector3
from std_msgs.msg import Header

from av_tracker_msgs import msg as av
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.messages import stamp_of
from av_tracker_nodes.recordings.plausible import (
    LARGEST_MAP,
    LeaveOut,
    check_numbers,
    checked_detection,
    checked_face,
    checked_face_sound,
    checked_peak,
    usable,
)
from av_tracker_nodes.types import (
    NANOSECONDS,
    AcousticMap,
    AcousticPeak,
    Detection,
    DetectionFrame,
    Face,
    FaceFrame,
    FaceSound,
    Modality,
)


@cache
def message_class(msgtype: str) -> type:
    """Class of the messages of a type, such as ``std_msgs/msg/Header``."""
    package, _, name = msgtype.split('/')
    return getattr(import_module(f'{package}.msg'), name)


@cache
def _sequences(kind: type) -> tuple[str, ...]:
    """Names of the fields that are sequences."""
    fields = kind.get_fields_and_field_types().items()
    return tuple(field for field, what in fields if what.startswith('sequence'))


def make(msgtype: str, /, **fields: Any) -> Any:
    """Make a message of rclpy of a type, such as ``std_msgs/msg/Header``.

    Sequences of numbers become ``array.array``, which rclpy takes over without looking at the
    elements.
    """
    kind = message_class(msgtype)
    for name in _sequences(kind):
        if isinstance(values := fields.get(name), np.ndarray):
            fields[name] = array(values.dtype.char, np.ascontiguousarray(values).tobytes())
    return kind(**fields)


time_message = partial(messages.make_time, make=make)
header = partial(messages.make_header, make=make)
point = partial(messages.make_point, make=make)
vector = partial(messages.make_vector, make=make)
box_message = partial(messages.make_box, make=make)
to_audio = partial(messages.make_audio, make=make)
to_array_info = partial(messages.to_array_info, make=make)
to_camera_info = partial(messages.to_camera_info, make=make)
to_transform = partial(messages.to_transform, make=make)
to_tracks = partial(messages.to_tracks, make=make)


def stamp_of_time(time: Time) -> int:
    """Stamp (ns) of a time."""
    return time.sec * NANOSECONDS + time.nanosec


def floats(values: np.ndarray) -> array:
    """Make the content of a ``float32[]`` field."""
    return array('f', np.ascontiguousarray(values, np.float32).tobytes())


def xyz(message: Point | Vector3) -> np.ndarray:
    """Read x, y, z, shape (3,)."""
    return np.array([message.x, message.y, message.z])


def _box(message: av.Box) -> np.ndarray:
    return np.array([message.left, message.top, message.width, message.height])


def to_faces(frame: FaceFrame, frame_id: str) -> av.FaceArray:
    """Make the faces of an image."""
    width, height = frame.image_size
    return av.FaceArray(
        header=header(frame.stamp, frame_id),
        image_width=width,
        image_height=height,
        faces=[
            av.Face(
                box=box_message(face.box),
                score=float(face.score),
                landmarks=floats([] if face.landmarks is None else face.landmarks),
                tracklet=int(face.tracklet),
                embedding=floats([] if face.embedding is None else face.embedding),
                lips=float(face.lips),
            )
            for face in frame.faces
        ],
    )


def from_faces(message: av.FaceArray, leave_out: LeaveOut | None = None) -> FaceFrame:
    """Read the faces of an image.

    Parameters
    ----------
    message : FaceArray
    leave_out : callable, optional
        Is told of each face with numbers that make none; the others are read.

    Raises
    ------
    InputError
        For numbers that make no face, without `leave_out`.
    """
    faces = usable(message.faces, _from_face, leave_out)
    size = message.image_width, message.image_height
    return FaceFrame(stamp_of(message.header), size, faces)


def _from_face(message: av.Face) -> Face:
    landmarks = np.array(message.landmarks)
    if len(landmarks) not in (0, 10):
        raise InputError(
            f'the face of tracklet {message.tracklet} has {len(landmarks)} coordinates of '
            'landmarks instead of 10'
        )
    face = Face(
        _box(message.box),
        message.score,
        landmarks.reshape(-1, 2) if len(landmarks) else None,
        message.tracklet,
        np.array(message.embedding) if message.embedding else None,
        lips=message.lips,
    )
    return checked_face(face)


def to_acoustic_map(sound: AcousticMap, frame_id: str) -> av.AcousticMap:
    """Make an acoustic map."""
    rows, columns = sound.values.shape
    return av.AcousticMap(
        header=header(sound.stamp, frame_id),
        audio_stamp=time_message(sound.audio_stamp),
        from_image=bool(sound.from_image),
        measure=sound.measure,
        rows=rows,
        columns=columns,
        pitch=float(sound.pitch),
        values=floats(sound.values),
        depth=float(sound.depth),
        peak=sound.peak,
        mean=sound.mean,
        coverage=float(sound.coverage),
        dead_channels=[int(channel) for channel in sound.dead_channels],
        peaks=[_to_peak(peak) for peak in sound.peaks],
        faces=[_to_face_sound(face) for face in sound.faces],
    )


def from_acoustic_map(message: av.AcousticMap, leave_out: LeaveOut | None = None) -> AcousticMap:
    """Read an acoustic map.

    `leave_out` is told of each part with numbers that make none, as by `from_faces`.

    Raises
    ------
    InputError
        For numbers that make no map; without `leave_out`, no peak or no face either.
    """
    what = 'an acoustic map'
    check_numbers(what, message.pitch, message.coverage)
    if message.rows * message.columns > 0:
        # A map without pixels, as without a camera, lies at no depth.
        check_numbers(what, message.depth)
    return AcousticMap(
        stamp=stamp_of(message.header),
        audio_stamp=stamp_of_time(message.audio_stamp),
        measure=message.measure,
        values=_grid(message),
        pitch=message.pitch,
        depth=message.depth,
        coverage=message.coverage,
        dead_channels=tuple(message.dead_channels),
        peaks=usable(message.peaks, _from_peak, leave_out),
        faces=usable(message.faces, _from_face_sound, leave_out),
        from_image=message.from_image,
    )


def _from_peak(message: av.AcousticPeak) -> AcousticPeak:
    peak = AcousticPeak(
        xyz(message.position),
        np.reshape(message.covariance, (3, 3)),
        xyz(message.direction),
        message.score,
        message.speech_probability,
    )
    return checked_peak(peak)


def _from_face_sound(message: av.FaceSound) -> FaceSound:
    sound = FaceSound(
        message.tracklet,
        _grid(message),
        message.peak,
        message.mean,
        xyz(message.position),
        message.range,
        message.range_std,
        message.speech_probability,
    )
    return checked_face_sound(sound)


def to_detections(frame: DetectionFrame, frame_id: str) -> av.FusedDetectionArray:
    """Make the detections of a stamp."""
    return av.FusedDetectionArray(
        header=header(frame.stamp, frame_id),
        from_image=bool(frame.from_image),
        without=int(frame.without),
        detections=[_to_detection(detection) for detection in frame.detections],
    )


def from_detections(
    message: av.FusedDetectionArray, leave_out: LeaveOut | None = None
) -> DetectionFrame:
    """Read the detections of a stamp.

    `leave_out` is told of each part with numbers that make none, as by `from_faces`.

    Raises
    ------
    InputError
        For numbers that make no detection, without `leave_out`.
    """
    detections = usable(message.detections, _from_detection, leave_out)
    without = Modality(message.without & Modality.BOTH)
    return DetectionFrame(stamp_of(message.header), detections, message.from_image, without)


def _from_detection(message: av.FusedDetection) -> Detection:
    detection = Detection(
        position=xyz(message.position),
        covariance=np.reshape(message.covariance, (3, 3)),
        modalities=Modality(message.modalities),
        box=_box(message.box) if message.has_box else None,
        size_gain=message.size_gain,
        quality=message.quality,
        speaking=message.speaking_probability,
        delay=message.delay,
        tracklet=message.tracklet,
        embedding=np.array(message.embedding) if message.embedding else None,
    )
    return checked_detection(detection)


def _grid(message: av.AcousticMap | av.FaceSound) -> np.ndarray:
    values = np.frombuffer(memoryview(message.values), np.float32)
    if values.size != message.rows * message.columns:
        raise InputError(
            f'a map holds {values.size} values instead of {message.rows} x {message.columns}'
        )
    if values.size > LARGEST_MAP:
        raise InputError(f'a map of {values.size} pixels, {LARGEST_MAP} at most')
    check_numbers('a map', values)
    return values.reshape(message.rows, message.columns)


def _to_peak(peak: AcousticPeak) -> av.AcousticPeak:
    return av.AcousticPeak(
        position=point(peak.position),
        covariance=np.asarray(peak.covariance, float).ravel(),
        direction=vector(peak.direction),
        score=float(peak.score),
        speech_probability=float(peak.speech),
    )


def _to_face_sound(face: FaceSound) -> av.FaceSound:
    rows, columns = face.values.shape
    return av.FaceSound(
        tracklet=int(face.tracklet),
        rows=rows,
        columns=columns,
        values=floats(face.values),
        peak=float(face.peak),
        mean=float(face.mean),
        position=point(face.position),
        range=float(face.range),
        range_std=float(face.range_std),
        speech_probability=float(face.speech),
    )


def _to_detection(detection: Detection) -> av.FusedDetection:
    message = av.FusedDetection(
        has_box=detection.box is not None,
        position=point(detection.position),
        covariance=np.asarray(detection.covariance, float).ravel(),
        size_gain=float(detection.size_gain),
        quality=float(detection.quality),
        speaking_probability=float(detection.speaking),
        delay=float(detection.delay),
        modalities=int(detection.modalities),
        tracklet=int(detection.tracklet),
        embedding=floats([] if detection.embedding is None else detection.embedding),
    )
    if detection.box is not None:
        message.box = box_message(detection.box)
    return message


def to_frame(track: av.SpeakerTrack, header: Header, name: str) -> TransformStamped:
    """Make the frame of a person, at the mouth, out of a track."""
    message = TransformStamped(header=header, child_frame_id=name)
    pose = track.pose.pose
    message.transform.translation = vector(xyz(pose.position))
    message.transform.rotation = pose.orientation
    return message
