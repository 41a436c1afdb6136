# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: records live streams of sound and images to a bag."""

from __future__ import annotations

import shutil
import sys

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

_EVERY_IMAGE = images(reliable=False, depth=250)
_STREAMS = {
    'audio': (AudioBlock, AUDIO),
    'audio/array_info': (MicrophoneArrayInfo, LATCHED),
    'image_raw': (Image, _EVERY_IMAGE),
    'image_raw/compressed': (CompressedImage, _EVERY_IMAGE),
    'camera_info': (CameraInfo, _EVERY_IMAGE),
    'robot_speaking': (Bool, RESULTS),
    '/tf': (TFMessage, TRANSFORMS),
    '/tf_static': (TFMessage, STATIC_TRANSFORMS),
}
_WATCH_PERIOD = 1.0
_GIGABYTE = 1e9
_STEADY = ('audio', 'image_raw', 'image_raw/compressed', 'camera_info')
DEFAULT_TOPICS = (
    'audio,audio/array_info,image_raw/compressed,camera_info,robot_speaking,/tf,/tf_static'
)


class Recorder(StageNode):
    """Writes messages to a bag as they come, each at the time it came.

    The bag is begun when the node is activated and appears when it is deactivated or ends, and
    only if something came. It ends before the disk is full, as long as it can still be finished.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('recorder', **node_options)
        self.parameter('out', '', 'Bag to write')
        self.parameter('topics', DEFAULT_TOPICS, f'What to record, of {", ".join(_STREAMS)}')
        self.parameter(
            'free_space',
            0.5,
            'The recording ends when less than this is free on the disk (GB)',
            0.0,
            1e6,
            live=True,
        )

    def configure(self) -> None:
        """Listen to what is to be recorded."""
        if not self.value('out'):
            raise InputError('recorder: parameter out is not set; give it the name of a bag')
        names = [name.strip() for name in self.value('topics').split(',') if name.strip()]
        unknown = sorted(set(names) - set(_STREAMS))
        if unknown:
            raise InputError(
                f'recorder: cannot record {", ".join(unknown)}; choose of {", ".join(_STREAMS)}'
            )
        self._bag: BagWriter | None = None
        self._kept: dict[tuple[str, bytes], None] = {}
        for name in names:
            self._take_in(name)
        self.every(_WATCH_PERIOD, self._watch)

    def activate(self) -> None:
        """Begin a bag, with what was said once and for all before."""
        self._bag = BagWriter(self.value('out'))
        self._written = 0
        for name, data in self._kept:
            self._write(name, data)

    def deactivate(self) -> None:
        """Finish the bag."""
        self._finish()

    def _finish(self) -> None:
        bag, self._bag = self._bag, None
        if bag is None:
            return
        if self._written:
            bag.close()
            return
        bag.abort()
        self.get_logger().error('nothing came: no bag was written')

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

    def _take_in(self, name: str) -> None:
        message_type, quality = _STREAMS[name]

        def take(data: bytes) -> None:
            if _is_latched(name):
                self._kept[name, data] = None
            if self._bag is not None:
                self._write(name, data)

        if name in _STEADY:
            self.listen(message_type, name, take, quality, needed=True, raw=True)
        else:
            self.learn(message_type, name, take, quality, expected=True, raw=True)

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
            self.note('disk', str(error), is_fault=True)
            return
        self.counts[name] += 1
        self._written += 1


def _is_latched(name: str) -> bool:
    return _STREAMS[name][1] in (LATCHED, STATIC_TRANSFORMS)


def main() -> int:
    """Run the node."""
    return run(Recorder)


if __name__ == '__main__':
    sys.exit(main())
