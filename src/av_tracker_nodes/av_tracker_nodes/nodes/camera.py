# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Node: a camera, video, folder of images or URL in, images and calibration out."""

from __future__ import annotations

import sys
import threading

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import load_camera, load_mounting
from av_tracker_nodes.nodes.conversions import (
    to_camera_info,
    to_compressed_image,
    to_image,
)
from av_tracker_nodes.nodes.image_source import ImageSource
from av_tracker_nodes.nodes.node_base import StageNode, run
from av_tracker_nodes.nodes.quality_of_service import images
from av_tracker_nodes.nodes.static_frame import publish_static_frame
from av_tracker_nodes.types import NANOSECONDS, ImageFrame

_REOPEN_PERIOD = 1.0


class CameraNode(StageNode):
    """Publishes images, compressed ones on demand, and the calibration with the same stamp."""

    def __init__(self, **node_options: object) -> None:
        super().__init__('camera', **node_options)
        self._device = self.parameter(
            'device', '0', 'Index or path of a V4L2 device, a video, a folder of images, or a URL'
        )
        path = self.parameter('calibration', '', 'Description of the camera (YAML)')
        if not path:
            raise InputError(
                'camera: parameter calibration is not set; give it the description of the camera '
                '(YAML)'
            )
        self._camera = load_camera(path)
        mounting = load_mounting(path)
        self._frame = self.parameter(
            'frame_id', mounting.frame or 'camera_optical', 'Optical frame of the camera'
        )
        self._fps = self.parameter(
            'frame_rate', 25.0, 'Frames a second: asked of a device, kept for files', 1.0, 240.0
        )
        self._reliable = self.parameter(
            'reliable_images', False, 'Offer every image to those who ask for it'
        )
        quality = images(self._reliable, depth=5)
        self._raw = self.output(Image, 'image_raw', quality)
        self._compressed = self.output(CompressedImage, 'image_raw/compressed', quality)
        self._info = self.output(CameraInfo, 'camera_info', quality)
        self._static_frame = publish_static_frame(self, self._frame, mounting)
        self._source = ImageSource(self._device, self._camera.size, self._fps)
        self.facts['device'] = self._device
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._capture, name='capture', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the camera."""
        self._stopped.set()
        self._thread.join(timeout=2.0)
        self._source.close()

    def _capture(self) -> None:
        """Publish image after image; a device that stops is opened again, a file ends."""
        while not self._stopped.is_set():
            taken = self._source.read(self._stopped)
            if taken is not None:
                self.guarded(self._publish)(*taken)
            elif self._source.is_live:
                self.problems['device'] = f"camera '{self._device}' gives no images"
                self._stopped.wait(_REOPEN_PERIOD)
                self.counts['reopened'] += 1
                self._source.reopen()
            else:
                self.get_logger().info(f'{self._device} has ended')
                self.exit_status = 0
                return

    def _publish(self, image: object, age: float) -> None:
        stamp = self.get_clock().now().nanoseconds - round(age * NANOSECONDS)
        self.problems.pop('device', None)
        height, width = image.shape[:2]
        if (width, height) != self._camera.size:
            raise InputError(
                f"camera '{self._device}' gives images of {width} x {height}, its calibration is "
                f'for {self._camera.size[0]} x {self._camera.size[1]}'
            )
        frame = ImageFrame(stamp, image)
        self._info.publish(to_camera_info(self._camera, stamp, self._frame))
        if self._raw.get_subscription_count() > 0:
            self._raw.publish(to_image(frame, self._frame))
        if self._compressed.get_subscription_count() > 0:
            self._compressed.publish(to_compressed_image(frame, self._frame))
        self.counts['out'] += 1


def main() -> int:
    """Run the node."""
    return run(CameraNode)


if __name__ == '__main__':
    sys.exit(main())
