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

"""Node: tracks and faces in, ``/humans`` as REP-155 (ROS4HRI) has it out."""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Float32, Header, String
from tf2_msgs.msg import TFMessage

from av_tracker_msgs.msg import AudioBlock, FaceArray, SpeakerTrackArray
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.crops import face_crop
from av_tracker_nodes.geometry.head import facing
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import from_faces, header, to_transform
from av_tracker_nodes.nodes.humans import Humans, sellion
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.image_messages import to_image
from av_tracker_nodes.nodes.per_id import PublishersPerId, SubscriptionOnDemand
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import (
    AUDIO,
    LATCHED,
    RESULTS,
    TRANSFORMS,
)
from av_tracker_nodes.nodes.rig_listener import CameraListener
from av_tracker_nodes.recordings.messages import from_tracks, stamp_of
from av_tracker_nodes.synchronisation import LONGEST_WAIT, StampedBuffer
from av_tracker_nodes.types import FaceFrame, ImageFrame

try:
    from audio_common_msgs import msg as audio_common
    from hri_msgs import msg as hri
except ImportError:
    audio_common = hri = None


class _Seen(NamedTuple):
    """The faces of an image, and the frame of its camera."""

    faces: FaceFrame
    frame_id: str


class Ros4HriBridge(ControlledNode):
    """Publishes faces, voices and persons under ``/humans``, for tools of ROS4HRI.

    The names are global, as REP-155 wants them. What comes with every image is sent on the arrival
    of its tracks; pictures of faces and the sound of voices only while somebody listens. The sound
    comes from ``speaker_<id>/audio``.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('ros4hri_bridge', **node_options)
        self.parameter(
            'face_size',
            128,
            'Width and height of the pictures of faces (pixels)',
            8,
            1024,
            live=True,
        )
        self.parameter(
            'memory',
            30.0,
            'Persons are known for this long after their track (s)',
            0.0,
            3600.0,
            live=True,
        )
        CameraListener.declare(self)
        ImageInput.declare(self)

    def configure(self) -> None:
        """Create the topics that are always there."""
        if hri is None or not hasattr(audio_common, 'AudioDataStamped'):
            raise InputError(
                'ros4hri_bridge: hri_msgs and audio_common_msgs (of ros-drivers) are not both '
                'installed: apt-get install ros-$ROS_DISTRO-hri-msgs '
                'ros-$ROS_DISTRO-audio-common-msgs, or build them from source'
            )
        self._humans = Humans()
        self._sensors = CameraListener(self)
        self._seen: StampedBuffer[_Seen] = StampedBuffer(LONGEST_WAIT)
        self._images: StampedBuffer[Any] = StampedBuffer(LONGEST_WAIT)
        self._source = source = ImageInput(self)
        self._pictures = SubscriptionOnDemand(
            self, source.message_type, source.topic, self._keep_image, source.quality
        )
        self._beams: dict[str, SubscriptionOnDemand] = {}
        self._told: dict[str, tuple[str, str]] = {}
        self._publish_under_humans()
        self.subscribe(FaceArray, 'faces', self._keep_faces)
        self.subscribe(SpeakerTrackArray, 'speaker_tracks', self._follow, needed=True)

    def adapt(self) -> None:
        """Set the size of pictures, and for how long people are known."""
        self._size = self.value('face_size')
        self._humans.memory = self.value('memory')

    def _publish_under_humans(self) -> None:
        self._lists = {
            name: self.advertise(hri.IdsList, f'/humans/{name}')
            for name in ('faces/tracked', 'voices/tracked', 'persons/tracked', 'persons/known')
        }
        self._faces = PublishersPerId(
            self,
            '/humans/faces/{}',
            {'roi': (hri.NormalizedRegionOfInterest2D, RESULTS), 'cropped': (Image, RESULTS)},
        )
        self._voices = PublishersPerId(
            self,
            '/humans/voices/{}',
            {'audio': (audio_common.AudioData, AUDIO), 'is_speaking': (Bool, RESULTS)},
        )
        self._persons = PublishersPerId(
            self,
            '/humans/persons/{}',
            {
                'anonymous': (Bool, LATCHED),
                'face_id': (String, LATCHED),
                'voice_id': (String, LATCHED),
                'location_confidence': (Float32, RESULTS),
            },
        )
        self._transforms = self.advertise(TFMessage, '/tf', TRANSFORMS)

    def reset(self) -> None:
        """Forget everybody."""
        self._humans.reset()
        self._seen.clear()
        self._images.clear()
        self._offer()

    # ---- input

    def _keep_faces(self, message: FaceArray) -> None:
        frame = from_faces(message, self.leave_out)
        self._seen.add(frame.stamp, _Seen(frame, message.header.frame_id))

    def _keep_image(self, message: Any) -> None:
        self._images.add(stamp_of(message.header), message)

    def _follow(self, message: SpeakerTrackArray) -> None:
        began = time.monotonic_ns()
        self.counts['in'] += 1
        if not self._sensors.is_target(message.header.frame_id, 'tracks'):
            return
        frame = from_tracks(message, self.leave_out)
        seen = self._seen.at(frame.stamp)
        self._humans.update(frame, None if seen is None else seen.faces)
        self._offer()
        self._list(message.header)
        if seen is not None:
            self._publish_faces(seen)
        self._publish_voices()
        self._publish_persons()
        camera = self._sensors.camera(frame.stamp)
        if camera is not None:
            self._publish_frames(message.header.frame_id, frame.stamp, camera, seen)
        # Tracks come in order: nobody asks again for what is older.
        self._seen.drop_until(frame.stamp)
        self._images.drop_until(frame.stamp)
        self.answered(frame.stamp, began, frame.from_image)

    # ---- output

    def _offer(self) -> None:
        """Let topics come and go with people, and input with those who listen."""
        humans = self._humans
        self._faces.keep(humans.faces)
        self._voices.keep(humans.voices)
        self._persons.keep(humans.persons)
        self._told = {name: ids for name, ids in self._told.items() if name in humans.persons}
        self._pictures.want(bool(self._faces.heard('cropped')))
        wanted = set(self._voices.heard('audio'))
        for name in self._beams.keys() - wanted:
            self._beams.pop(name).want(False)
        for name in wanted - self._beams.keys():
            self._beams[name] = self._beam(name)
            self._beams[name].want(True)

    def _beam(self, voice: str) -> SubscriptionOnDemand:
        def pass_on(message: AudioBlock) -> None:
            if voice in self._humans.voices:
                self._voices.publish(voice, 'audio', audio_common.AudioData(data=message.data))

        topic = f'speaker_{self._humans.voices[voice].id}/audio'
        return SubscriptionOnDemand(self, AudioBlock, topic, pass_on, AUDIO)

    def _list(self, head: Header) -> None:
        humans = self._humans
        for name, ids in {
            'faces/tracked': humans.faces,
            'voices/tracked': humans.voices,
            'persons/tracked': humans.tracked,
            'persons/known': humans.persons,
        }.items():
            self._lists[name].publish(hri.IdsList(header=head, ids=list(ids)))

    def _publish_faces(self, seen: _Seen) -> None:
        pictures = set(self._faces.heard('cropped'))
        message = self._images.at(seen.faces.stamp) if pictures else None
        image = None if message is None else self._source.read(message).image
        head = header(seen.faces.stamp, seen.frame_id)
        size = np.array(seen.faces.image_size)
        for name in self._humans.seen:
            face = self._humans.faces[name]
            low, high = face.box[:2] / size, (face.box[:2] + face.box[2:]) / size
            (xmin, ymin), (xmax, ymax) = (
                np.clip(low, 0, 1).tolist(),
                np.clip(high, 0, 1).tolist(),
            )
            roi = hri.NormalizedRegionOfInterest2D(
                header=head, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax, c=float(face.score)
            )
            self._faces.publish(name, 'roi', roi)
            if image is not None and name in pictures:
                picture = face_crop(image, face.box, self._size, context=1.0)
                frame = ImageFrame(seen.faces.stamp, picture)
                self._faces.publish(name, 'cropped', to_image(frame, seen.frame_id))

    def _publish_voices(self) -> None:
        for name, track in self._humans.voices.items():
            self._voices.publish(name, 'is_speaking', Bool(data=track.is_speaking))

    def _publish_persons(self) -> None:
        for name, person in self._humans.persons.items():
            confidence = Float32(data=float(person.confidence))
            self._persons.publish(name, 'location_confidence', confidence)
            if name not in self._told:
                self._persons.publish(name, 'anonymous', Bool(data=True))
            if self._told.get(name) != (person.face, person.voice):
                self._persons.publish(name, 'face_id', String(data=person.face))
                self._persons.publish(name, 'voice_id', String(data=person.voice))
                self._told[name] = person.face, person.voice

    def _publish_frames(
        self, frame_id: str, stamp: int, camera: Camera, seen: _Seen | None
    ) -> None:
        """Publish faces in the frame of the camera, voices and persons in that of the tracks."""
        humans = self._humans
        poses = {
            name: facing(sellion(humans.faces[name], camera, distance), camera.centre)
            for name, distance in self._distances(camera).items()
        }
        # A face where the lens images nothing has no place.
        poses = {name: pose for name, pose in poses.items() if np.isfinite(pose.translation).all()}
        transforms = [
            to_transform(seen.frame_id, f'face_{name}', camera.pose.inverse @ pose, stamp)
            for name, pose in poses.items()
        ]
        for name, track in humans.voices.items():
            place = RigidTransform(translation=track.position)
            transforms.append(to_transform(frame_id, f'voice_{name}', place, stamp))
        for name in humans.tracked:
            person = humans.persons[name]
            pose = poses.get(person.face, facing(person.track.position, camera.centre))
            transforms.append(to_transform(frame_id, f'person_{name}', pose, stamp))
        if transforms:
            self._transforms.publish(TFMessage(transforms=transforms))

    def _distances(self, camera: Camera) -> dict[str, float | None]:
        """Distance (m) of each face that is seen now from the camera, where a track tells it."""
        owners = {person.face: person.track for person in self._humans.persons.values()}
        return {
            name: float(np.linalg.norm(owners[name].position - camera.centre))
            if name in owners
            else None
            for name in self._humans.seen
        }


def main() -> int:
    """Run the node."""
    return run(Ros4HriBridge)


if __name__ == '__main__':
    sys.exit(main())
