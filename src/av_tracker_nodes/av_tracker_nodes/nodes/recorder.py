# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: records live streams of sound and images to a bag."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Bool
from tf2_msgs.msg import TFMessage

from av_tracker_msgs.msg import AudioBlock, MicrophoneArrayInfo
from av_tracker_nodes.datasets.bag import BagWriter
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.nodes.node_base import StageNode, run
from av_tracker_nodes.nodes.quality_of_service import (
    AUDIO,
    LATCHED,
    RESULTS,
    STATIC_TRANSFORMS,
    TRANSFORMS,
    images,
)

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
DEFAULT_TOPICS = (
    'audio,audio/array_info,image_raw/compressed,camera_info,robot_speaking,/tf,/tf_static'
)


class Recorder(StageNode):
    """Writes messages to a bag as they come, each at the time it came.

    The bag appears when the node ends, and only if something came.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('recorder', **node_options)
        out = self.parameter('out', '', 'Bag to write')
        if not out:
            raise InputError('recorder: parameter out is not set; give it the name of a bag')
        topics = self.parameter(
            'topics', DEFAULT_TOPICS, f'What to record, of {", ".join(_STREAMS)}'
        )
        names = [name.strip() for name in topics.split(',') if name.strip()]
        unknown = sorted(set(names) - set(_STREAMS))
        if unknown:
            raise InputError(
                f'recorder: cannot record {", ".join(unknown)}; choose of {", ".join(_STREAMS)}'
            )
        self._bag = BagWriter(out)
        for name in names:
            message_type, quality = _STREAMS[name]
            self.expect(
                self.create_subscription(
                    message_type,
                    name,
                    self.guarded(self._writer(name, message_type)),
                    quality,
                    raw=True,
                )
            )

    def _writer(self, name: str, message_type: type) -> Callable[[bytes], None]:
        topic = self.resolve_topic_name(name)
        package = message_type.__module__.partition('.')[0]
        type_name = f'{package}/msg/{message_type.__name__}'
        latched = _STREAMS[name][1] in (LATCHED, STATIC_TRANSFORMS)

        def write(data: bytes) -> None:
            self.counts[name] += 1
            now = self.get_clock().now().nanoseconds
            self._bag.write_raw(topic, type_name, now, data, latched=latched)

        return write

    def close(self) -> None:
        """Finish the bag."""
        if self.counts:
            self._bag.close()
            return
        self._bag.abort()
        self.get_logger().error('nothing came: no bag was written')


def main() -> int:
    """Run the node."""
    return run(Recorder)


if __name__ == '__main__':
    sys.exit(main())
