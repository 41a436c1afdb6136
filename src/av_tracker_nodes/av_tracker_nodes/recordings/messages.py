# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""ROS messages without ROS: what bags hold, to and from the types of this package.

Functions ``to_*`` build messages of the `rosbags` library; functions ``from_*`` only read
attributes and so take messages of rclpy just as well.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Box, Camera, MicrophoneArray, RigidTransform, Room
from av_tracker_nodes.recordings.plausible import check_box, check_covariance, check_numbers
from av_tracker_nodes.types import (
    NANOSECONDS,
    AudioBlock,
    ImageFrame,
    Modality,
    Track,
    TrackFrame,
    TrackState,
)

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

_PACKAGE = 'av_tracker_msgs'
_INT16_SCALE = 32_768
_DISTORTION_TERMS = 5
_SIDES = ('left', 'top', 'width', 'height')
_RATES, _SPEEDS, _LARGEST_SIDE = (1_000, 1_000_000), (100.0, 10_000.0), 16_384
"""Of sound (Hz), of its propagation, in water too (m/s), and of images (pixels)."""
_SHORTEST_QUATERNION = 1e-3
_LAST_SAMPLE = 2**53

# Encoding: numbers a pixel, their type, and how OpenCV makes blue-green-red of them.
_ENCODINGS = {
    'bgr8': (3, np.uint8, None),
    'rgb8': (3, np.uint8, cv2.COLOR_RGB2BGR),
    'bgra8': (4, np.uint8, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, np.uint8, cv2.COLOR_RGBA2BGR),
    'mono8': (1, np.uint8, cv2.COLOR_GRAY2BGR),
    'mono16': (1, np.uint16, cv2.COLOR_GRAY2BGR),
    'yuv422': (2, np.uint8, cv2.COLOR_YUV2BGR_UYVY),
    'uyvy': (2, np.uint8, cv2.COLOR_YUV2BGR_UYVY),
    'yuv422_yuy2': (2, np.uint8, cv2.COLOR_YUV2BGR_YUY2),
    'yuyv': (2, np.uint8, cv2.COLOR_YUV2BGR_YUY2),
}

# Type and unit (m) of depth images.
_DEPTH_ENCODINGS = {
    '16UC1': (np.uint16, 1e-3),
    'mono16': (np.uint16, 1e-3),
    '32FC1': (np.float32, 1.0),
}


def message_directory() -> Path:
    """Folder of the message definitions: copies of those of av_tracker_msgs, for without ROS."""
    return Path(resources.files('av_tracker_nodes.recordings') / 'msg')


@lru_cache(maxsize=1)
def typestore() -> Typestore:
    """Types of ROS 2 (Jazzy and Kilted agree on those in bags of ours) and of this package."""
    # Here, since the live nodes read messages of rclpy and need no bags.
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for path in sorted(message_directory().glob('*.msg')):
        types.update(get_types_from_msg(path.read_text(), f'{_PACKAGE}/msg/{path.stem}'))
    store.register(types)
    if 'tf2_msgs/msg/TFMessage' not in store.types:
        text = 'geometry_msgs/TransformStamped[] transforms'
        store.register(get_types_from_msg(text, 'tf2_msgs/msg/TFMessage'))
    return store


def stamp_of(header: object) -> int:
    """Time of a header in nanoseconds."""
    return header.stamp.sec * NANOSECONDS + header.stamp.nanosec


def _make(msgtype: str, /, **fields: object) -> object:
    return typestore().types[msgtype](**fields)


def _time(stamp: int) -> object:
    seconds, nanoseconds = divmod(stamp, NANOSECONDS)
    return _make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)


def _header(stamp: int, frame_id: str) -> object:
    return _make('std_msgs/msg/Header', stamp=_time(stamp), frame_id=frame_id)


def _xyz(name: str, values: np.ndarray) -> object:
    x, y, z = (float(value) for value in values)
    return _make(f'geometry_msgs/msg/{name}', x=x, y=y, z=z)


def _quaternion(values: np.ndarray) -> object:
    x, y, z, w = (float(value) for value in values)
    return _make('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w)


def to_audio(block: AudioBlock, frame_id: str) -> object:
    """Make an ``av_tracker_msgs/AudioBlock`` of 16-bit samples."""
    samples = np.clip(np.rint(block.samples * _INT16_SCALE), -_INT16_SCALE, _INT16_SCALE - 1)
    frames, channels = samples.shape
    return _make(
        'av_tracker_msgs/msg/AudioBlock',
        header=_header(block.stamp, frame_id),
        first_sample=block.first_sample,
        sample_rate=block.rate,
        channels=channels,
        frames=frames,
        encoding='S16LE',
        data=np.ascontiguousarray(samples, '<i2').view(np.uint8).ravel(),
    )


def from_audio(message: object) -> AudioBlock:
    """Read an ``av_tracker_msgs/AudioBlock``.

    Raises
    ------
    InputError
        For an unknown encoding, a block whose size does not fit its header, or absurd counts.
    """
    formats = {'S16LE': ('<i2', 1 / _INT16_SCALE), 'FLOAT32LE': ('<f4', 1.0)}
    if message.encoding not in formats:
        raise InputError(
            f"audio encoding '{message.encoding}' is not supported; use {' or '.join(formats)}"
        )
    kind, scale = formats[message.encoding]
    if message.first_sample > _LAST_SAMPLE:
        raise InputError(f'audio block at sample {message.first_sample}: nothing lasts so long')
    data = np.frombuffer(memoryview(message.data), np.uint8)
    size = np.dtype(kind).itemsize
    if data.size != size * message.frames * message.channels:
        raise InputError(
            f'audio block at sample {message.first_sample} holds {data.size / size:g} values '
            f'instead of {message.frames} x {message.channels}'
        )
    if message.sample_rate == 0:
        raise InputError(f'audio block at sample {message.first_sample} has a rate of 0 Hz')
    samples = data.view(kind).reshape(message.frames, message.channels)
    return AudioBlock(
        stamp_of(message.header),
        message.first_sample,
        message.sample_rate,
        np.float32(scale) * samples.astype(np.float32),
    )


def to_array_info(
    array: MicrophoneArray, stamp: int, frame_id: str, room: Room | None = None
) -> object:
    """Make an ``av_tracker_msgs/MicrophoneArrayInfo``."""
    return _make(
        'av_tracker_msgs/msg/MicrophoneArrayInfo',
        header=_header(stamp, frame_id),
        name=array.name,
        sample_rate=array.rate,
        speed_of_sound=float(array.speed_of_sound),
        positions=[_xyz('Point', position) for position in array.positions],
        channels=array.channels.astype(np.uint16),
        groups=array.groups.astype(np.uint16),
        room=[_xyz('Point', corner) for corner in corners_of(room)],
    )


def from_array_info(message: object) -> MicrophoneArray:
    """Read an ``av_tracker_msgs/MicrophoneArrayInfo``.

    Raises
    ------
    InputError
        When it does not describe microphones.
    """
    name, sound = f"array '{message.name}'", float(message.speed_of_sound)
    positions = np.array([[p.x, p.y, p.z] for p in message.positions])
    check_numbers(name, positions)
    if not _SPEEDS[0] <= sound <= _SPEEDS[1]:
        raise InputError(f'{name}: the speed of sound cannot be {sound:g} m/s')
    if not _RATES[0] <= message.sample_rate <= _RATES[1]:
        raise InputError(f'{name}: the sampling rate cannot be {message.sample_rate} Hz')
    return MicrophoneArray(
        positions,
        np.asarray(message.groups, int),
        np.asarray(message.channels, int),
        int(message.sample_rate),
        sound,
        message.name,
    )


def room_of(message: object) -> Room | None:
    """Read the room of an ``av_tracker_msgs/MicrophoneArrayInfo``; None when it is unknown.

    Raises
    ------
    InputError
        When a corner is left over, or nowhere.
    """
    if len(message.room) == 0:
        return None
    corners = np.array([[corner.x, corner.y, corner.z] for corner in message.room])
    if len(corners) % 2:
        raise InputError(
            f'the room of an array and what stands in it have two corners each, not {len(corners)}'
        )
    check_numbers('the room of an array', corners)
    boxes = corners.reshape(-1, 2, 3)
    return Room.of([Box(box.min(axis=0), box.max(axis=0)) for box in boxes])


def corners_of(room: Room | None) -> list[np.ndarray]:
    """Opposite corners of a room, then of each obstacle in it (m); none for None."""
    boxes = () if room is None else room.boxes
    return [corner for box in boxes for corner in (box.minimum, box.maximum)]


def to_bool(value: bool) -> object:
    """Make a ``std_msgs/Bool``."""
    return _make('std_msgs/msg/Bool', data=value)


def to_image(frame: ImageFrame, frame_id: str) -> object:
    """Make a ``sensor_msgs/Image`` (bgr8)."""
    height, width = frame.image.shape[:2]
    return _make(
        'sensor_msgs/msg/Image',
        header=_header(frame.stamp, frame_id),
        height=height,
        width=width,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * width,
        data=np.ascontiguousarray(frame.image).ravel(),
    )


def to_compressed_image(frame: ImageFrame, frame_id: str, quality: int) -> object:
    """Make a ``sensor_msgs/CompressedImage`` (JPEG of a quality of 1..100)."""
    _, data = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _make(
        'sensor_msgs/msg/CompressedImage',
        header=_header(frame.stamp, frame_id),
        format='bgr8; jpeg compressed bgr8',
        data=data.ravel(),
    )


def from_image(message: object) -> ImageFrame:
    """Read a ``sensor_msgs/Image`` or ``sensor_msgs/CompressedImage``.

    16-bit grey is scaled to 8 bits.

    Raises
    ------
    InputError
        For another encoding, or data that do not make an image.
    """
    stamp = stamp_of(message.header)
    if not hasattr(message, 'encoding'):
        data = np.frombuffer(memoryview(message.data), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            raise InputError(f'compressed image at {stamp / NANOSECONDS:.3f} s cannot be decoded')
        return ImageFrame(stamp, image)
    if message.encoding not in _ENCODINGS:
        raise InputError(
            f"image encoding '{message.encoding}' is not supported; use one of "
            f'{", ".join(_ENCODINGS)}'
        )
    channels, kind, conversion = _ENCODINGS[message.encoding]
    pixels = _pixels(message, channels, kind)
    if kind == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image = pixels if conversion is None else cv2.cvtColor(pixels, conversion)
    return ImageFrame(stamp, np.ascontiguousarray(image))


def from_depth_image(message: object) -> tuple[int, np.ndarray]:
    """Read a depth image, a ``sensor_msgs/Image`` as REP 118 has it.

    Returns
    -------
    stamp : int
        Nanoseconds.
    depth : np.ndarray, shape (height, width), float32
        Metres along the optical axis; 0, NaN or infinite where nothing was measured.

    Raises
    ------
    InputError
        For another encoding, or data that do not make an image.
    """
    if message.encoding not in _DEPTH_ENCODINGS:
        raise InputError(
            f"depth encoding '{message.encoding}' is not supported; use one of "
            f'{", ".join(_DEPTH_ENCODINGS)}'
        )
    kind, metres = _DEPTH_ENCODINGS[message.encoding]
    depth = _pixels(message, 1, kind)[..., 0]
    return stamp_of(message.header), np.float32(metres) * depth.astype(np.float32)


def _pixels(message: object, channels: int, kind: type) -> np.ndarray:
    """Numbers of an image, shape (height, width, channels)."""
    data = np.frombuffer(memoryview(message.data), np.uint8)
    width = message.width * channels * np.dtype(kind).itemsize
    if message.step < width or data.size < message.step * message.height:
        stamp = stamp_of(message.header)
        raise InputError(f'image at {stamp / NANOSECONDS:.3f} s is shorter than its header says')
    rows = data[: message.step * message.height].reshape(message.height, message.step)
    numbers = np.ascontiguousarray(rows[:, :width]).view(kind)
    if message.is_bigendian and numbers.itemsize > 1:
        numbers = numbers.byteswap()
    return numbers.reshape(message.height, message.width, channels)


def to_camera_info(camera: Camera, stamp: int, frame_id: str) -> object:
    """Make a ``sensor_msgs/CameraInfo``; the skew is in ``K[1]``."""
    width, height = camera.size
    return _make(
        'sensor_msgs/msg/CameraInfo',
        header=_header(stamp, frame_id),
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.asarray(camera.distortion, float),
        k=camera.matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.column_stack([camera.matrix, np.zeros(3)]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=_make(
            'sensor_msgs/msg/RegionOfInterest',
            x_offset=0,
            y_offset=0,
            height=0,
            width=0,
            do_rectify=False,
        ),
    )


def from_camera_info(message: object, pose: RigidTransform | None = None) -> Camera:
    """Read a ``sensor_msgs/CameraInfo``; `pose` takes optical points to the wished frame.

    Raises
    ------
    InputError
        Without a calibration, with an absurd one, or for another distortion model than plumb_bob.
    """
    matrix = np.asarray(message.k, float).reshape(3, 3)
    terms = np.asarray(message.d, float)
    name = f"camera '{message.header.frame_id}'"
    check_numbers(name, matrix, terms)
    if not (0 < message.width <= _LARGEST_SIDE and 0 < message.height <= _LARGEST_SIDE):
        raise InputError(f'{name} has images of {message.width} x {message.height} pixels')
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise InputError(f'{name} is not calibrated: K of its camera_info is zero')
    if np.any(terms[_DISTORTION_TERMS:]) or message.distortion_model not in ('plumb_bob', ''):
        raise InputError(
            f"distortion model '{message.distortion_model}' of {name} is not supported; "
            'calibrate it as plumb_bob'
        )
    distortion = np.zeros(_DISTORTION_TERMS)
    distortion[: min(terms.size, _DISTORTION_TERMS)] = terms[:_DISTORTION_TERMS]
    return Camera(
        matrix[0, 0],
        matrix[1, 1],
        matrix[0, 2],
        matrix[1, 2],
        (int(message.width), int(message.height)),
        distortion,
        matrix[0, 1] / matrix[0, 0],
        RigidTransform() if pose is None else pose,
    )


def to_transforms(parent: str, children: dict[str, RigidTransform], stamp: int) -> object:
    """Make a ``tf2_msgs/TFMessage`` of transforms that take points of each child to `parent`."""
    return _make(
        'tf2_msgs/msg/TFMessage',
        transforms=[
            _make(
                'geometry_msgs/msg/TransformStamped',
                header=_header(stamp, parent),
                child_frame_id=child,
                transform=_make(
                    'geometry_msgs/msg/Transform',
                    translation=_xyz('Vector3', pose.translation),
                    rotation=_quaternion(pose.quaternion),
                ),
            )
            for child, pose in children.items()
        ],
    )


def from_transforms(message: object) -> dict[tuple[str, str], RigidTransform]:
    """Read a ``tf2_msgs/TFMessage``: ``{(parent, child): parent_from_child}``.

    Raises
    ------
    InputError
        For a transform that is none.
    """
    transforms = {}
    for stamped in message.transforms:
        t, q = stamped.transform.translation, stamped.transform.rotation
        key = stamped.header.frame_id.lstrip('/'), stamped.child_frame_id.lstrip('/')
        translation, quaternion = np.array([t.x, t.y, t.z]), np.array([q.x, q.y, q.z, q.w])
        name = f"the transform from '{key[1]}' to '{key[0]}'"
        check_numbers(name, translation, quaternion)
        if np.linalg.norm(quaternion) < _SHORTEST_QUATERNION:
            raise InputError(f'{name} has a quaternion of zeros')
        transforms[key] = RigidTransform.from_quaternion(translation, quaternion)
    return transforms


def to_tracks(frame: TrackFrame, frame_id: str) -> object:
    """Make an ``av_tracker_msgs/SpeakerTrackArray``."""
    return _make(
        'av_tracker_msgs/msg/SpeakerTrackArray',
        header=_header(frame.stamp, frame_id),
        from_image=frame.from_image,
        tracks=[_to_track(track, frame.stamp) for track in frame.tracks],
    )


def _to_track(track: Track, stamp: int) -> object:
    age = divmod(max(stamp - track.born, 0), NANOSECONDS)
    box = np.zeros(4) if track.box is None else track.box
    return _make(
        'av_tracker_msgs/msg/SpeakerTrack',
        id=track.id,
        state=int(track.state),
        pose=_make(
            'geometry_msgs/msg/PoseWithCovariance',
            pose=_make(
                'geometry_msgs/msg/Pose',
                position=_xyz('Point', track.position),
                orientation=_quaternion(np.array([0, 0, 0, 1])),
            ),
            covariance=_linear_covariance(track.covariance[:3, :3]),
        ),
        twist=_make(
            'geometry_msgs/msg/TwistWithCovariance',
            twist=_make(
                'geometry_msgs/msg/Twist',
                linear=_xyz('Vector3', track.velocity),
                angular=_xyz('Vector3', np.zeros(3)),
            ),
            covariance=_linear_covariance(track.covariance[3:, 3:]),
        ),
        has_box=track.box is not None,
        box=_make(
            'av_tracker_msgs/msg/Box',
            **dict(zip(_SIDES, map(float, box), strict=True)),
        ),
        speaking_probability=float(track.speaking),
        is_speaking=bool(track.is_speaking),
        existence_probability=float(track.existence),
        modalities=int(track.modalities),
        age=_make('builtin_interfaces/msg/Duration', sec=age[0], nanosec=age[1]),
        last_audio=_time(track.last_audio),
        last_visual=_time(track.last_visual),
    )


def _linear_covariance(covariance: np.ndarray) -> np.ndarray:
    full = np.zeros((6, 6))
    full[:3, :3] = covariance
    return full.ravel()


def from_tracks(message: object) -> TrackFrame:
    """Read an ``av_tracker_msgs/SpeakerTrackArray``.

    A message has no covariance between position and velocity: those terms are zero.

    Raises
    ------
    InputError
        For numbers that make no track.
    """
    stamp = stamp_of(message.header)
    tracks = tuple(_from_track(track, stamp) for track in message.tracks)
    return TrackFrame(stamp, tracks, message.from_image)


def _from_track(message: object, stamp: int) -> Track:
    position, linear = message.pose.pose.position, message.twist.twist.linear
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = np.reshape(message.pose.covariance, (6, 6))[:3, :3]
    covariance[3:, 3:] = np.reshape(message.twist.covariance, (6, 6))[:3, :3]
    place = np.array([position.x, position.y, position.z])
    velocity = np.array([linear.x, linear.y, linear.z])
    name, box = f'track {message.id}', None
    check_numbers(name, place, velocity)
    check_covariance(name, covariance)
    if message.has_box:
        box = np.array([getattr(message.box, side) for side in _SIDES])
        check_box(name, box)
    if message.state not in set(TrackState):
        raise InputError(f'{name} has the state {message.state}, which there is not')
    return Track(
        int(message.id),
        TrackState(message.state),
        place,
        velocity,
        covariance,
        box,
        float(message.speaking_probability),
        bool(message.is_speaking),
        float(message.existence_probability),
        Modality(message.modalities),
        stamp - message.age.sec * NANOSECONDS - message.age.nanosec,
        message.last_audio.sec * NANOSECONDS + message.last_audio.nanosec,
        message.last_visual.sec * NANOSECONDS + message.last_visual.nanosec,
    )
