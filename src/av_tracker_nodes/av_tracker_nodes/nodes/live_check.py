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

"""Node: listens to a running robot for some seconds, and says what is right and wrong with it.

It is no part of a running system: ``av-tracker check live`` starts it and reads what it prints.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import (
    QoSCompatibility,
    QoSProfile,
    qos_check_compatible,
    qos_profile_sensor_data,
)
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from av_tracker_msgs.msg import AudioBlock, MicrophoneArrayInfo, SpeakerTrackArray
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import load_mounting
from av_tracker_nodes.geometry.sensor_rig import ArrayDescription, CameraDescription, SensorRig
from av_tracker_nodes.launching.replay import VERDICT
from av_tracker_nodes.nodes.executors import make_executor, with_info
from av_tracker_nodes.nodes.flow import Flow
from av_tracker_nodes.nodes.frames import listen_to_frames
from av_tracker_nodes.nodes.live_verdicts import Heard, Level, Stream, verdicts
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, RESULTS, images
from av_tracker_nodes.nodes.supervision import end_with_supervisor
from av_tracker_nodes.recordings.messages import (
    from_array_info,
    from_audio,
    from_camera_info,
    room_of,
    stamp_of,
)
from av_tracker_nodes.recordings.messages.images import from_image

_DISCOVERY = 1.5
"""Seconds in which other nodes are found."""
_LONGEST_WAIT = 0.25
_NO_PICTURES = ('overlay', 'depth')
_AUDIO_COMMON = ('audio_common_msgs/msg/AudioDataStamped', 'audio_common_msgs/msg/AudioData')
_SENSORS = ('camera', 'array')
_RAW, _COMPRESSED = 'image_raw', 'image_raw/compressed'


class LiveCheck(Node):
    """Gathers what there is to judge."""

    def __init__(self) -> None:
        super().__init__('live_check')
        self.seconds: float = self.declare_parameter('seconds', 5.0).value
        target = self.declare_parameter('target_frame', 'world').value
        self._rectified: bool = self.declare_parameter('rectified', False).value
        files = {s: self.declare_parameter(f'{s}_calibration', '').value for s in _SENSORS}
        mountings = {s: load_mounting(file, s) if file else None for s, file in files.items()}
        self._geometry = SensorRig(
            target,
            camera_mounting=mountings['camera'],
            array_mounting=mountings['array'],
        )
        self.heard = Heard(
            images=self._stream(_RAW, 'image_topic'),
            camera_info=self._stream('camera_info', 'camera_info_topic'),
            audio=self._stream('audio', 'audio_topic'),
            array_info=self._stream('audio/array_info', 'array_info_topic'),
            tracks=self._stream('speaker_tracks'),
            geometry=self._geometry,
        )
        self._compressed = self._stream(_COMPRESSED, 'image_topic')
        self._has_clock = False
        self._subscribed: list[tuple[Stream, type, QoSProfile]] = []

    def listen(self) -> None:
        """Subscribe as the nodes would."""
        self.create_subscription(Clock, '/clock', self._follow_clock, qos_profile_sensor_data)
        heard, seen = self.heard, images(False, 10)
        self._subscribe(heard.images, Image, seen, self._see)
        self._subscribe(self._compressed, CompressedImage, seen, self._see)
        self._subscribe(heard.camera_info, CameraInfo, seen, self._hear_camera)
        self._subscribe(heard.audio, AudioBlock, AUDIO, self._hear_sound)
        self._subscribe(heard.array_info, MicrophoneArrayInfo, LATCHED, self._hear_array)
        self._subscribe(heard.tracks, SpeakerTrackArray, RESULTS)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._hear_nodes, 50)
        listen_to_frames(self.create_subscription, self._geometry.take)

    def finish(self) -> Heard:
        """Look who publishes what, which takes a while to be known; return what was heard."""
        heard = self.heard
        for stream, kind, quality in self._subscribed:
            self._look_up(stream, kind, quality)
        if not heard.images.publishers and self._compressed.publishers:
            heard.images = self._compressed
            heard.notes.append(
                f'images are compressed only ({heard.images.topic}): start the nodes with '
                'image_transport:=compressed'
            )
        pictures = {*heard.images.elsewhere, *self._compressed.elsewhere}
        heard.images.elsewhere = sorted(
            topic for topic in pictures if not any(word in topic for word in _NO_PICTURES)
        )
        if not heard.audio.publishers and (raw := self._published(*_AUDIO_COMMON)):
            heard.notes.append(
                f'sound of audio_common is on {", ".join(raw)}: the node audio_bridge makes '
                f'{heard.audio.topic} of it'
            )
        heard.load = os.getloadavg()[0] / (os.cpu_count() or 1)
        return heard

    # ---- topics

    def _stream(self, name: str, option: str = '') -> Stream:
        return Stream(self.resolve_topic_name(name), option)

    def _subscribe(
        self,
        stream: Stream,
        kind: type,
        quality: QoSProfile,
        read: Callable[[Any], None] | None = None,
    ) -> None:
        flow = Flow(stream.topic)

        def take(message: Any, info: Mapping[str, Any]) -> None:
            now = self.get_clock().now().nanoseconds
            if now == 0 and quality is not LATCHED:
                # The clock of a replay is not known yet.
                return
            number = info.get('publication_sequence_number')
            flow.note(now, number, info.get('publisher_gid'))
            stream.arrivals.append(now)
            stream.lost = flow.lost
            try:
                stream.stamps.append(stamp_of(message.header))
                if read is not None:
                    read(message)
            except InputError as error:
                stream.problems[str(error)] += 1

        self.create_subscription(kind, stream.topic, with_info(take), quality)
        self._subscribed.append((stream, kind, quality))

    def _look_up(self, stream: Stream, kind: type, quality: QoSProfile) -> None:
        """Find out who publishes a stream, whether they can be heard, and what else there is."""
        publishers = self.get_publishers_info_by_topic(stream.topic)
        stream.publishers = len(publishers)
        for publisher in publishers:
            verdict, reason = qos_check_compatible(publisher.qos_profile, quality)
            if verdict == QoSCompatibility.ERROR:
                name = f'{publisher.node_namespace.rstrip("/")}/{publisher.node_name}'
                stream.mismatches.append(f'{name}: {reason.strip().rstrip(";")}')
        if not publishers:
            stream.elsewhere = self._published(_type_name(kind))

    def _published(self, *types: str) -> list[str]:
        """Topics of some types that somebody publishes."""
        known = self.get_topic_names_and_types()
        topics = (topic for topic, found in known if not set(types).isdisjoint(found))
        return sorted(topic for topic in topics if self.count_publishers(topic))

    # ---- messages

    def _follow_clock(self, _: Clock) -> None:
        """Compare stamps with the clock of a replay or a simulation once there is one."""
        if self._has_clock:
            return
        self._has_clock = True
        self.set_parameters([Parameter('use_sim_time', value=True)])
        heard = self.heard
        for stream in (heard.images, self._compressed, heard.camera_info, heard.audio):
            stream.stamps.clear()
            stream.arrivals.clear()
        heard.sound.clear()

    def _see(self, message: Image | CompressedImage) -> None:
        height, width = from_image(message).image.shape[:2]
        self.heard.size = width, height

    def _hear_camera(self, message: CameraInfo) -> None:
        camera = from_camera_info(message, rectified=self._rectified)
        self.heard.info_size = camera.size
        self._geometry.take(CameraDescription(camera, message.header.frame_id))

    def _hear_array(self, message: MicrophoneArrayInfo) -> None:
        self.heard.microphones = from_array_info(message)
        frame = message.header.frame_id
        self._geometry.take(ArrayDescription(self.heard.microphones, frame, room_of(message)))

    def _hear_sound(self, message: AudioBlock) -> None:
        block = from_audio(message)
        self.heard.sound_rate = block.rate
        self.heard.sound.append(block.samples)

    def _hear_nodes(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.heard.diagnostics[status.name] = int.from_bytes(status.level), status.message


def _type_name(kind: type) -> str:
    return f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}'


def main() -> int:
    """Listen, and print a verdict a line; the exit status is 1 when something is wrong."""
    end_with_supervisor()
    rclpy.init()
    executor = make_executor()
    try:
        node = LiveCheck()
        executor.add_node(node)
        _spin(executor, _DISCOVERY)
        node.listen()
        _spin(executor, node.seconds)
        found = list(verdicts(node.finish()))
    except InputError as error:
        print(f'av_tracker: {error}', file=sys.stderr)
        return 2
    except (ExternalShutdownException, KeyboardInterrupt):
        return 0
    finally:
        rclpy.try_shutdown()
    for verdict in found:
        print(VERDICT + json.dumps(str(verdict)), flush=True)
    return int(any(verdict.level is Level.WRONG for verdict in found))


def _spin(executor: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while rclpy.ok() and time.monotonic() < end:
        executor.spin_once(timeout_sec=_LONGEST_WAIT)


if __name__ == '__main__':
    sys.exit(main())
