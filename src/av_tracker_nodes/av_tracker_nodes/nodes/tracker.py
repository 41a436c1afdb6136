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

"""Node: detections in, tracks out, with their mirrors in standard messages."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from geometry_msgs.msg import PoseArray, PoseWithCovarianceStamped
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from av_tracker_msgs import msg as av
from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import from_detections, to_frame, to_tracks
from av_tracker_nodes.nodes.known_people import KnownPeople
from av_tracker_nodes.nodes.markers import TrackMarkers
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import TRACKS, TRANSFORMS
from av_tracker_nodes.nodes.rig_listener import RigListener
from av_tracker_nodes.nodes.track_mirror import TrackMirror
from av_tracker_nodes.recordings.plausible import checked_track, usable
from av_tracker_nodes.types import TrackFrame

_NOTE_PERIOD = 0.2


class Tracker(ControlledNode):
    """Publishes everybody who is known after every set of detections, nobody included."""

    def __init__(self, **node_options: object) -> None:
        super().__init__('tracker', **node_options)
        self.declare(TrackerConfig)
        self.parameter(
            'publish_tf',
            False,
            'Publish a frame speaker_<id>, below the namespace, for every confirmed track',
        )
        self.parameter(
            'run',
            '',
            'Unique name of the run: a tracker that is restarted after a crash keeps its ids; '
            'empty to begin anew',
        )
        RigListener.declare(self)

    def check(self, values: Mapping[str, Any]) -> None:
        """Hold the numbers of the tracker against each other."""
        self.settings_of(TrackerConfig, values)

    def configure(self) -> None:
        """Make a tracker that knows nobody."""
        self._tracker = SpeakerTracker()
        self._sensors = RigListener(self)
        self._markers = TrackMarkers()
        self._tracks = self.advertise(av.SpeakerTrackArray, 'speaker_tracks', TRACKS)
        self._poses = self.advertise(PoseArray, 'speaker_poses')
        self._active = self.advertise(av.SpeakerTrackStamped, 'active_speaker')
        self._active_pose = self.advertise(PoseWithCovarianceStamped, 'active_speaker/pose')
        self._drawn = self.advertise(MarkerArray, 'markers')
        self._transforms = None
        self._detections = TrackMirror(self)
        if self.value('sees'):
            self.hold_until(lambda: self._sensors.camera(None) is not None)
        if self.value('publish_tf'):
            self._transforms = self.advertise(TFMessage, '/tf', TRANSFORMS)
        self.subscribe(av.FusedDetectionArray, 'fused_detections', self._follow, needed=True)
        self._known: KnownPeople | None = None
        if self.value('run'):
            self._known = KnownPeople(self.value('run'))
            self._resume()
            self.add_timer(_NOTE_PERIOD, self._note)

    def deactivate(self) -> None:
        """Leave nothing behind: who ends in order is not followed by another."""
        if self._known is not None:
            self._known.remove()

    def _resume(self) -> None:
        """Know whom the tracker knew that has died."""
        try:
            left = self._known.read()
        except InputError as error:
            self.get_logger().warning(f'ids begin anew: {error}')
        else:
            if left is not None:
                self._tracker.resume(*left)

    def _note(self) -> None:
        self._known.write(self._tracker.people(), self._tracker.next_id)

    def adapt(self) -> None:
        """Give the tracker its numbers."""
        self._tracker.reconfigure(self.settings_of(TrackerConfig))

    def reset(self) -> None:
        """Forget everybody; ids go on."""
        self._tracker.reset()

    def _follow(self, message: av.FusedDetectionArray) -> None:
        began = time.monotonic_ns()
        self.counts['in'] += 1
        detections = from_detections(message, self.leave_out)
        frame_id = message.header.frame_id
        is_placed = self._sensors.is_target(frame_id, 'detections')
        camera = self._sensors.camera(detections.stamp)
        frame = self._tracker.process(detections, camera if is_placed else None)
        if self._sensors.is_stale:
            # Everybody is remembered, but told of only when the camera has a place again.
            frame = replace(frame, tracks=())
        frame = replace(frame, tracks=usable(frame.tracks, checked_track, self.leave_out))
        viewpoint = self._sensors.viewpoint(frame.stamp) if is_placed else None
        tracks = to_tracks(frame, frame_id, viewpoint)
        self._tracks.publish(tracks)
        self.answered(frame.stamp, began, frame.from_image)
        self.facts['tracks'] = len(frame.tracks)
        self._mirror(tracks, frame)

    def _mirror(self, tracks: av.SpeakerTrackArray, frame: TrackFrame) -> None:
        """Publish in other words what others listen to."""
        frame_id = tracks.header.frame_id
        known = [t for t in tracks.tracks if t.state != av.SpeakerTrack.STATE_TENTATIVE]
        if self._poses.get_subscription_count() > 0:
            poses = [track.pose.pose for track in known]
            self._poses.publish(PoseArray(header=tracks.header, poses=poses))
        self._mirror_active(tracks.header, known)
        if self._drawn.get_subscription_count() > 0:
            self._drawn.publish(self._markers.draw(frame, frame_id))
        if self._transforms is not None:
            self._publish_transforms(tracks.header, known)
        self._detections.publish(tracks.header, known)

    def _mirror_active(self, header: Header, known: list[av.SpeakerTrack]) -> None:
        """Of those who speak, the most probable one."""
        speaking = [track for track in known if track.is_speaking]
        active = max(speaking, key=lambda track: track.speaking_probability, default=None)
        if self._active.get_subscription_count() > 0:
            track = active or av.SpeakerTrack()
            self._active.publish(av.SpeakerTrackStamped(header=header, track=track))
        if active is not None and self._active_pose.get_subscription_count() > 0:
            self._active_pose.publish(PoseWithCovarianceStamped(header=header, pose=active.pose))

    def _publish_transforms(self, header: Header, known: list[av.SpeakerTrack]) -> None:
        """Publish a frame a person; those of several robots in one tree differ by namespace."""
        prefix = f'{self.get_namespace()}/'.lstrip('/')
        if known:
            transforms = [
                to_frame(track, header, f'{prefix}speaker_{track.id}') for track in known
            ]
            self._transforms.publish(TFMessage(transforms=transforms))


def main() -> int:
    """Run the node."""
    return run(Tracker)


if __name__ == '__main__':
    sys.exit(main())
