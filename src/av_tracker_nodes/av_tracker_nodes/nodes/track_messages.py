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

"""Messages of tracks, of where people are and how they are taken to be turned."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import TransformStamped
from std_msgs.msg import Header

from av_tracker_msgs import msg as av
from av_tracker_nodes.geometry.head import facing
from av_tracker_nodes.nodes.conversions import (
    box_message,
    header,
    point,
    quaternion,
    time_message,
    vector,
    xyz,
)
from av_tracker_nodes.recordings.messages import pose_covariance, twist_covariance
from av_tracker_nodes.types import NANOSECONDS, Track, TrackFrame


def to_tracks(
    frame: TrackFrame, frame_id: str, viewpoint: np.ndarray | None = None
) -> av.SpeakerTrackArray:
    """Make the tracks of a stamp.

    Parameters
    ----------
    frame : TrackFrame
    frame_id : str
    viewpoint : np.ndarray, shape (3,), optional
        Place that everybody is taken to look at (m); they are not turned where it is unknown.
    """
    return av.SpeakerTrackArray(
        header=header(frame.stamp, frame_id),
        from_image=bool(frame.from_image),
        tracks=[_to_track(track, frame.stamp, viewpoint) for track in frame.tracks],
    )


def to_frame(track: av.SpeakerTrack, header: Header, name: str) -> TransformStamped:
    """Make the frame of a person, at the mouth, out of a track."""
    message = TransformStamped(header=header, child_frame_id=name)
    pose = track.pose.pose
    message.transform.translation = vector(xyz(pose.position))
    message.transform.rotation = pose.orientation
    return message


def _to_track(track: Track, stamp: int, viewpoint: np.ndarray | None) -> av.SpeakerTrack:
    seconds, nanoseconds = divmod(max(stamp - track.born, 0), NANOSECONDS)
    message = av.SpeakerTrack(
        id=int(track.id),
        state=int(track.state),
        has_box=track.box is not None,
        speaking_probability=float(track.speaking),
        is_speaking=bool(track.is_speaking),
        existence_probability=float(track.existence),
        modalities=int(track.modalities),
        age=Duration(sec=seconds, nanosec=nanoseconds),
        last_audio=time_message(track.last_audio),
        last_visual=time_message(track.last_visual),
    )
    message.pose.pose.position = point(track.position)
    if viewpoint is not None:
        message.pose.pose.orientation = quaternion(facing(track.position, viewpoint))
    message.pose.covariance = pose_covariance(track)
    message.twist.twist.linear = vector(track.velocity)
    message.twist.covariance = twist_covariance(track)
    if track.box is not None:
        message.box = box_message(track.box)
    return message
