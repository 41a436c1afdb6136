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

"""Images as messages of ROS; apart from the rest, since only this needs OpenCV."""

from __future__ import annotations

from array import array

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from av_tracker_nodes.nodes.conversions import header
from av_tracker_nodes.types import ImageFrame

_JPEG_QUALITY = 90


def to_image(frame: ImageFrame, frame_id: str) -> Image:
    """Make an uncompressed image (bgr8)."""
    height, width = frame.image.shape[:2]
    data = array('B')
    data.frombytes(memoryview(np.ascontiguousarray(frame.image)).cast('B'))
    return Image(
        header=header(frame.stamp, frame_id),
        height=height,
        width=width,
        encoding='bgr8',
        step=3 * width,
        data=data,
    )


def to_compressed_image(frame: ImageFrame, frame_id: str) -> CompressedImage:
    """Make a JPEG image."""
    _, data = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return CompressedImage(
        header=header(frame.stamp, frame_id),
        format='bgr8; jpeg compressed bgr8',
        data=array('B', data.tobytes()),
    )
