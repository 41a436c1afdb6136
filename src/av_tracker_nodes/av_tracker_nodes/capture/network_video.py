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

"""Video from an address, as FFmpeg reads it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import cv2

from av_tracker_nodes.capture.image_source import OpenCvSource
from av_tracker_nodes.errors import InputError

NETWORK_TIMEOUT = 5.0
"""An address that sends nothing for so long (s) is taken to be cut off."""


@dataclass
class NetworkVideo(OpenCvSource):
    """A stream that FFmpeg reads: RTSP and the like."""

    address: str
    is_live = True
    frame_rate = 0.0

    def open(self) -> None:
        """Connect."""
        self.close()
        patience = round(NETWORK_TIMEOUT * 1e3)
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, patience, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        self._capture = cv2.VideoCapture(self.address, cv2.CAP_FFMPEG, [*limits, patience])
        if not self._capture.isOpened():
            raise InputError(
                f'no video from {without_password(self.address)}: '
                'check the address, user and password, and that the camera is on'
            )


def without_password(address: str) -> str:
    """Leave user and password out of an address."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition('@')[2]))
