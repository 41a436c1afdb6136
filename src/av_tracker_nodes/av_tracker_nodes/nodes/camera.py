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

"""Node: a camera, video, folder of images or address in, images and calibration out."""

from __future__ import annotations

import sys
import threading
import time
from array import array
from dataclasses import replace

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from av_tracker_nodes.capture.image_source import CapturedImage, ImageSource
from av_tracker_nodes.capture.network_video import without_password
from av_tracker_nodes.capture.newest import NewestImage
from av_tracker_nodes.capture.open_images import ImageSettings, image_source
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import load_camera, load_mounting
from av_tracker_nodes.nodes.conversions import header, to_camera_info
from av_tracker_nodes.nodes.image_messages import to_compressed_image, to_image
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import CAMERA, EVERY_IMAGE
from av_tracker_nodes.nodes.static_frame import StaticFrame
from av_tracker_nodes.types import NANOSECONDS, ImageFrame

_REOPEN_PERIOD = 1.0
_QUIET = 1.0


class CameraNode(StageNode):
    """Publishes images, compressed ones on demand, and the calibration with the same stamp.

    The stamp is the time of capture where the source tells it (V4L2; ``X-Timestamp`` over HTTP),
    else that of arrival. A device or address that is not there, or stops, is opened again every
    second; a video or folder is played once, in real time.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('camera', **node_options)
        self.parameter(
            'device',
            '0',
            'Index or path of a V4L2 device, a video, a folder of images, or an address (rtsp://, '
            'http:// for MJPEG)',
        )
        self.parameter('calibration', '', 'Description of the camera (YAML)')
        self.parameter(
            'frame_id',
            '',
            'Optical frame of the camera; empty for that of the calibration, else camera_optical',
        )
        for name in ('width', 'height'):
            description = f'{name.capitalize()} of images; 0 for that of the calibration'
            self.parameter(name, 0, description, 0, 16_384)
        self.parameter(
            'frame_rate',
            0.0,
            'Images a second; 0 for what the camera or video has, and 25 for a folder',
            0.0,
            240.0,
        )
        self.parameter('exposure', 0.0, 'Exposure of a V4L2 device (s); 0 for automatic', 0.0, 1.0)
        self.parameter(
            'pixel_format',
            '',
            'Format asked of a V4L2 device: MJPG allows more images a second over USB',
            choices=('', 'MJPG', 'YUYV'),
        )
        self.parameter(
            'reliable_images',
            False,
            'Keep 10 s of images, not the last 5, for readers who want every one but fall behind',
        )
        StaticFrame.declare(self)

    def configure(self) -> None:
        """Read the calibration."""
        path = self.value('calibration')
        if not path:
            raise InputError(
                'camera: parameter calibration is not set; give it the description of the camera '
                '(YAML), such as `av-tracker calibrate camera` writes'
            )
        self._camera = load_camera(path)
        mounting = load_mounting(path, 'camera')
        self._frame = self.value('frame_id') or mounting.frame or 'camera_optical'
        self._settings = ImageSettings(
            size=self._wanted_size(path),
            frame_rate=self.value('frame_rate'),
            exposure=self.value('exposure'),
            pixel_format=self.value('pixel_format'),
        )
        quality = EVERY_IMAGE if self.value('reliable_images') else CAMERA
        self._raw = self.advertise(Image, 'image_raw', quality)
        self._compressed = self.advertise(CompressedImage, 'image_raw/compressed', quality)
        self._info = self.advertise(CameraInfo, 'camera_info', quality)
        self._static_frame = StaticFrame(self, self._frame, mounting)
        self._name = without_password(self.value('device'))
        self.facts['device'] = self._name
        self._thread: threading.Thread | None = None

    def activate(self) -> None:
        """Open the camera."""
        self._static_frame.publish()
        source = image_source(self.value('device'), self._settings)
        if not source.is_live:
            source.open()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._capture, args=(source, self._stopped), name='capture', daemon=True
        )
        self._thread.start()

    def deactivate(self) -> None:
        """Close the camera."""
        if self._thread is not None:
            self._stopped.set()
            self._thread.join(timeout=2.0)

    def _wanted_size(self, path: str) -> tuple[int, int]:
        """Size to ask of the camera, which must be the one that it was calibrated at."""
        wanted = self.value('width'), self.value('height')
        size = tuple(w or c for w, c in zip(wanted, self._camera.size, strict=True))
        if size != self._camera.size:
            raise InputError(
                f'camera: images of {size[0]} x {size[1]} are asked for, but {path} is for '
                f'{self._camera.size[0]} x {self._camera.size[1]}; calibrate at the size that is '
                'used'
            )
        return size

    # ---- capture

    def _capture(self, source: ImageSource, stopped: threading.Event) -> None:
        """Publish image after image until the node is deactivated or the recording ends."""
        if not source.is_live:
            self._play(source, stopped)
            return
        while not stopped.is_set():
            if self._open(source):
                self._stream(NewestImage(source), stopped)
                self.counts['reopened'] += 1
            stopped.wait(_REOPEN_PERIOD)

    def _play(self, source: ImageSource, stopped: threading.Event) -> None:
        """Play a recording in real time; its end is that of the node."""
        period = 1 / source.frame_rate
        due = time.monotonic()
        try:
            while (taken := source.read()) is not None:
                self.guarded(self._publish)(replace(taken, taken=time.monotonic()))
                due = max(due + period, time.monotonic() - period)
                if stopped.wait(max(due - time.monotonic(), 0.0)):
                    return
        except InputError as error:
            self.get_logger().error(str(error))
            self.exit_status = 2
        else:
            self.get_logger().info(f'{self._name} has ended')
            self.exit_status = 0
        finally:
            source.close()

    def _open(self, source: ImageSource) -> bool:
        try:
            source.open()
        except InputError as error:
            self._complain(f'{error}; trying again every {_REOPEN_PERIOD:g} s')
            return False
        self.facts.update(source.facts)
        refused = source.facts.get('refused by the driver')
        if refused:
            self.get_logger().warning(f"camera '{self._name}' refuses {refused}")
        return True

    def _stream(self, newest: NewestImage, stopped: threading.Event) -> None:
        """Publish what a live source gives until it is cut off."""
        while not stopped.is_set():
            taken = newest.wait(_QUIET)
            if taken is not None:
                self._recover()
                self.guarded(self._publish)(taken)
                self.counts['skipped'] = newest.skipped
            elif newest.has_ended:
                self._complain(f"camera '{self._name}' was cut off")
                break
            else:
                self._complain(f"camera '{self._name}' gives no images")
        newest.close()

    def _complain(self, problem: str) -> None:
        self.note('device', problem, is_fault=True)

    def _recover(self) -> None:
        if self.faults.pop('device', None) is not None:
            self.get_logger().info(f"camera '{self._name}' gives images")

    # ---- output

    def _publish(self, taken: CapturedImage) -> None:
        began = time.monotonic_ns()
        age = began - round(taken.taken * NANOSECONDS)
        stamp = self.get_clock().now().nanoseconds - age
        height, width = taken.image.shape[:2]
        if (width, height) != self._camera.size:
            raise InputError(
                f"camera '{self._name}' gives images of {width} x {height}, its calibration is "
                f'for {self._camera.size[0]} x {self._camera.size[1]}; nothing is published'
            )
        frame = ImageFrame(stamp, taken.image)
        self._info.publish(to_camera_info(self._camera, stamp, self._frame))
        if self._raw.get_subscription_count() > 0:
            self._raw.publish(to_image(frame, self._frame))
        if self._compressed.get_subscription_count() > 0:
            self._compressed.publish(self._compress(frame, taken.jpeg))
        self.answered(stamp, began)

    def _compress(self, frame: ImageFrame, jpeg: bytes | None) -> CompressedImage:
        """Make a JPEG of an image, or pass on the one that the camera sent."""
        if jpeg is None:
            return to_compressed_image(frame, self._frame)
        return CompressedImage(
            header=header(frame.stamp, self._frame),
            format='bgr8; jpeg compressed bgr8',
            data=array('B', jpeg),
        )


def main() -> int:
    """Run the node."""
    return run(CameraNode)


if __name__ == '__main__':
    sys.exit(main())
