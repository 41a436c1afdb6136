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

"""Node: records live streams of sound and images to a bag."""

from __future__ import annotations

import shutil
import sys
from collections import Counter

from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool
from tf2_msgs.msg import TFMessage

from av_tracker_msgs.msg import AudioBlock, MicrophoneArrayInfo
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import (
    AUDIO,
    LATCHED,
    RESULTS,
    STATIC_TRANSFORMS,
    TRANSFORMS,
    images,
)
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.types import NANOSECONDS

_EVERY_IMAGE = images(reliable=False, depth=250)
_RAW, _COMPRESSED = 'image_raw', 'image_raw/compressed'
_STREAMS = {
    'audio': (AudioBlock, AUDIO),
    'audio/array_info': (MicrophoneArrayInfo, LATCHED),
    _RAW: (Image, _EVERY_IMAGE),
    _COMPRESSED: (CompressedImage, _EVERY_IMAGE),
    'camera_info': (CameraInfo, _EVERY_IMAGE),
    'depth/image': (Image, _EVERY_IMAGE),
    'robot_speaking': (Bool, RESULTS),
    '/tf': (TFMessage, TRANSFORMS),
    '/tf_static': (TFMessage, STATIC_TRANSFORMS),
}
_EITHER = 'images'
"""Name for compressed images where somebody publishes them, else raw ones."""
_CHOICE = {_EITHER: (_COMPRESSED, _RAW)}
_STEADY = ('audio', _RAW, _COMPRESSED, 'camera_info')
_ESSENTIAL = ('audio', _RAW, _COMPRESSED, _EITHER)
"""A recording without one of these that it was asked for is not what somebody wanted."""
_OPTIONAL = ('depth/image', 'robot_speaking', '/tf')
"""Many robots have none of these."""
DEFAULT_TOPICS = (
    'audio,audio/array_info,images,camera_info,depth/image,robot_speaking,/tf,/tf_static'
)

_WATCH_PERIOD = 1.0
_TELL_PERIOD = 10.0
_LOOK_PERIOD = 0.25
_LOOKS = 3
"""A driver makes its topics one after the other: compressed ones are looked for this often."""
_GIGABYTE = 1e9


class Recorder(StageNode):
    """Writes messages to a bag as they come, each at the time it came.

    The bag is begun when the node is activated and appears when it is deactivated or ends, and
    only if something came. It ends before the disk is full, as long as it can still be finished.
    Every ten seconds the node tells how much has come. The exit status is 1 when the recording
    had to end early, or nothing came of sound or images that it was asked for.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('recorder', **node_options)
        self.parameter('out', '', 'Bag to write')
        self.parameter(
            'topics',
            DEFAULT_TOPICS,
            f'What to record, of {", ".join(_STREAMS)}, or {_EITHER}: {_COMPRESSED} where '
            f'somebody publishes it, else {_RAW}',
        )
        self.parameter(
            'free_space',
            0.5,
            'The recording ends when less than this is free on the disk (GB)',
            0.0,
            1e6,
            live=True,
        )
        self._loss = ''

    def configure(self) -> None:
        """Listen to what is to be recorded."""
        if not self.value('out'):
            raise InputError('recorder: parameter out is not set; give it the name of a bag')
        names = [name.strip() for name in self.value('topics').split(',') if name.strip()]
        unknown = sorted(set(names) - {*_STREAMS, *_CHOICE})
        if unknown:
            choices = ', '.join([*_STREAMS, *_CHOICE])
            raise InputError(f'recorder: cannot record {", ".join(unknown)}; choose of {choices}')
        self._names = names
        self._bag: BagWriter | None = None
        self._kept: dict[tuple[str, bytes], None] = {}
        self._written: Counter[str] = Counter()
        for name in names:
            if name in _STREAMS:
                self._take_in(name)
        if _EITHER in names:
            self._looks, self._has_chosen = 0, False
            self.add_timer(_LOOK_PERIOD, self._choose_images, always=True)
        self.add_timer(_WATCH_PERIOD, self._watch)
        self.add_timer(_TELL_PERIOD, self._tell)

    def activate(self) -> None:
        """Begin a bag, with what was said once and for all before."""
        self._bag = BagWriter(self.value('out'))
        self._began = self._steady.now()
        self._written.clear()
        for name, data in self._kept:
            self._write(name, data)

    def deactivate(self) -> None:
        """Finish the bag."""
        if self._bag is not None:
            self._finish()

    def close(self) -> None:
        """Finish the bag; the exit status tells whether it is what was asked for."""
        super().close()
        if self._loss:
            self.exit_status = 1

    def _finish(self) -> None:
        bag, self._bag = self._bag, None
        if self._written:
            bag.close()
        else:
            bag.abort()
            self.get_logger().error('nothing came: no bag was written')
        missing = [name for name in self._missing() if name in _ESSENTIAL]
        if missing:
            self._loss = f'nothing came on {_listed(missing)}'
            self.get_logger().error(self._loss)

    def _missing(self) -> list[str]:
        """Return what was asked for and has not come, of what every robot has."""
        return [
            name
            for name in self._names
            if name not in _OPTIONAL
            and not any(self._written[topic] for topic in _CHOICE.get(name, (name,)))
        ]

    def _tell(self) -> None:
        if self._bag is None:
            return
        seconds = (self._steady.now() - self._began).nanoseconds / NANOSECONDS
        counts = [f'{count} {topic}' for topic, count in self._written.items()]
        text = f'recording for {seconds:.0f} s: {", ".join(counts) or "nothing yet"}'
        missing = self._missing()
        if missing:
            text += f'; nothing on {_listed(missing)}'
        self.get_logger().info(text)

    def _choose_images(self) -> None:
        """Take compressed images where somebody publishes them, else raw ones."""
        if self._has_chosen:
            return
        published = [t for t in (_COMPRESSED, _RAW) if self._is_published(t)]
        self._looks += bool(published)
        if _COMPRESSED in published or self._looks >= _LOOKS:
            self._has_chosen = True
            self._take_in(published[0])

    def _is_published(self, name: str) -> bool:
        return self.count_publishers(self.resolve_topic_name(name)) > 0

    def _watch(self) -> None:
        """End the recording while there is room for what finishes it."""
        if self._bag is None:
            return
        free = shutil.disk_usage(self._bag.path.parent).free
        self.facts['free space (GB)'] = round(free / _GIGABYTE, 1)
        if free < self.value('free_space') * _GIGABYTE:
            problem = f'only {free / _GIGABYTE:.1f} GB are free: the recording has ended'
            self.note('disk', problem, is_fault=True)
            self._finish()
            self._loss = problem

    def _take_in(self, name: str) -> None:
        message_type, quality = _STREAMS[name]

        def take(data: bytes) -> None:
            if _is_latched(name):
                self._kept[name, data] = None
            if self._bag is not None:
                self._write(name, data)

        if name in _STEADY:
            self.subscribe(message_type, name, take, quality, needed=True, raw=True)
        else:
            self.subscribe_always(message_type, name, take, quality, expected=True, raw=True)

    def _write(self, name: str, data: bytes) -> None:
        message_type = _STREAMS[name][0]
        package = message_type.__module__.partition('.')[0]
        try:
            self._bag.write_raw(
                self.resolve_topic_name(name),
                f'{package}/msg/{message_type.__name__}',
                self.get_clock().now().nanoseconds,
                data,
                latched=_is_latched(name),
            )
        except InputError as error:
            self._bag = None
            self._loss = str(error)
            self.note('disk', self._loss, is_fault=True)
            return
        self.counts[name] += 1
        self._written[name] += 1


def _is_latched(name: str) -> bool:
    return _STREAMS[name][1] in (LATCHED, STATIC_TRANSFORMS)


def _listed(names: list[str]) -> str:
    return ', '.join(' or '.join(_CHOICE.get(name, (name,))) for name in names)


def main() -> int:
    """Run the node."""
    return run(Recorder)


if __name__ == '__main__':
    sys.exit(main())
