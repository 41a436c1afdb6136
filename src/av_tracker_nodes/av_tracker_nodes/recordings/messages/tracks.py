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

"""Messages of tracks."""

from __future__ import annotations

from typing import Any

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.head import facing
from av_tracker_nodes.recordings.messages.standard import (
    Make,
    make,
    make_box,
    make_header,
    make_point,
    make_quaternion,
    make_time,
    make_vector,
    stamp_of,
)
from av_tracker_nodes.recordings.plausible import LeaveOut, checked_track, usable
from av_tracker_nodes.types import NANOSECONDS, Modality, Track, TrackFrame, TrackState

_SIDES = ('left', 'top', 'width', 'height')

_TURN_VARIANCE = {True: np.pi**2 / 12, False: np.pi**2 / 3}
"""How a head is turned (rad^2, about any axis), which nobody measures, by whether it is seen.

A face is found when it is turned away by up to a right angle, anything in between being as likely:
a uniform distribution has the variance (b - a)^2 / 12. Who is not seen may look anywhere."""
_TURN_RATE_VARIANCE = (2 * np.pi) ** 2
"""How fast it turns (rad^2/s^2): a turn a second, as fast as heads go."""


def to_tracks(
    frame: TrackFrame, frame_id: str, viewpoint: np.ndarray | None = None, make: Make = make
) -> Any:
    """Make an ``av_tracker_msgs/SpeakerTrackArray``.

    Parameters
    ----------
    frame : TrackFrame
    frame_id : str
    viewpoint : np.ndarray, shape (3,), optional
        Place that everybody is taken to look at (m); they are not turned where it is unknown.
    make : callable
    """
    return make(
        'av_tracker_msgs/msg/SpeakerTrackArray',
        header=make_header(frame.stamp, frame_id, make),
        from_image=bool(frame.from_image),
        tracks=[_to_track(track, frame.stamp, viewpoint, make) for track in frame.tracks],
    )


def _to_track(track: Track, stamp: int, viewpoint: np.ndarray | None, make: Make) -> Any:
    age = divmod(max(stamp - track.born, 0), NANOSECONDS)
    box = np.zeros(4) if track.box is None else track.box
    turn = RigidTransform() if viewpoint is None else facing(track.position, viewpoint)
    return make(
        'av_tracker_msgs/msg/SpeakerTrack',
        id=int(track.id),
        state=int(track.state),
        pose=make(
            'geometry_msgs/msg/PoseWithCovariance',
            pose=make(
                'geometry_msgs/msg/Pose',
                position=make_point(track.position, make),
                orientation=make_quaternion(turn, make),
            ),
            covariance=_pose_covariance(track),
        ),
        twist=make(
            'geometry_msgs/msg/TwistWithCovariance',
            twist=make(
                'geometry_msgs/msg/Twist',
                linear=make_vector(track.velocity, make),
                angular=make_vector(np.zeros(3), make),
            ),
            covariance=_twist_covariance(track),
        ),
        has_box=track.box is not None,
        box=make_box(box, make),
        speaking_probability=float(track.speaking),
        is_speaking=bool(track.is_speaking),
        existence_probability=float(track.existence),
        modalities=int(track.modalities),
        age=make('builtin_interfaces/msg/Duration', sec=age[0], nanosec=age[1]),
        last_audio=make_time(track.last_audio, make),
        last_visual=make_time(track.last_visual, make),
    )


def _pose_covariance(track: Track) -> np.ndarray:
    """Covariance of the pose of a track, shape (36,): m and rad, about the axes of its frame."""
    turn = _TURN_VARIANCE[bool(track.modalities & Modality.VISUAL)]
    return _block_diagonal(track.covariance[:3, :3], turn)


def _twist_covariance(track: Track) -> np.ndarray:
    """Covariance of the twist of a track, shape (36,): m/s and rad/s."""
    return _block_diagonal(track.covariance[3:, 3:], _TURN_RATE_VARIANCE)


def _block_diagonal(linear: np.ndarray, angular_variance: float) -> np.ndarray:
    full = angular_variance * np.eye(6)
    full[:3, :3] = linear
    return full.ravel()


def from_tracks(message: object, leave_out: LeaveOut | None = None) -> TrackFrame:
    """Read an ``av_tracker_msgs/SpeakerTrackArray``.

    A message has no covariance between position and velocity: those terms are zero.

    Parameters
    ----------
    message : SpeakerTrackArray
    leave_out : callable, optional
        Is told of each track with numbers that make none; the others are read.

    Raises
    ------
    InputError
        For numbers that make no track, without `leave_out`.
    """
    stamp = stamp_of(message.header)
    tracks = usable(message.tracks, lambda track: _from_track(track, stamp), leave_out)
    return TrackFrame(stamp, tracks, message.from_image)


def _from_track(message: object, stamp: int) -> Track:
    position, linear = message.pose.pose.position, message.twist.twist.linear
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = np.reshape(message.pose.covariance, (6, 6))[:3, :3]
    covariance[3:, 3:] = np.reshape(message.twist.covariance, (6, 6))[:3, :3]
    place = np.array([position.x, position.y, position.z])
    velocity = np.array([linear.x, linear.y, linear.z])
    box = np.array([getattr(message.box, side) for side in _SIDES]) if message.has_box else None
    if message.state not in set(TrackState):
        raise InputError(f'track {message.id} has the state {message.state}, which there is not')
    track = Track(
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
    return checked_track(track)
