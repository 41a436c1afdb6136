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

"""Motion JPEG over HTTP, as network cameras and mjpg-streamer send it.

A client of our own, since OpenCV's drops the header ``X-Timestamp`` in which servers write the
capture time of each image (s), and decodes what could be passed on as it came.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, parse_headers
from urllib.parse import unquote, urlsplit

import numpy as np

from av_tracker_nodes.capture.image_source import CapturedImage
from av_tracker_nodes.capture.network_video import (
    NETWORK_TIMEOUT,
    NetworkVideo,
    without_password,
)
from av_tracker_nodes.capture.source_clock import SourceClock
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.picture_files import decode_image

_LONGEST_LINE = 1 << 16
_LARGEST_IMAGE = 1 << 26


class HttpImages:
    """A camera at an HTTP address; other video than Motion JPEG is left to FFmpeg.

    Parameters
    ----------
    address : str
        ``http://host:port/path``, with ``user:password@`` before the host where it asks for them.
    """

    is_live = True
    frame_rate = 0.0

    def __init__(self, address: str) -> None:
        self.address = address
        self.facts: dict[str, object] = {}
        self._response: HTTPResponse | None = None
        self._video: NetworkVideo | None = None
        self._clock = SourceClock()
        self._boundary = self._unread = b''

    def open(self) -> None:
        """Connect.

        Raises
        ------
        InputError
            When the camera does not answer, or not with images.
        """
        self.close()
        shown = without_password(self.address)
        try:
            response = _opener(self.address).open(shown, timeout=NETWORK_TIMEOUT)
        except urllib.error.HTTPError as error:
            hint = ': write http://user:password@host' if error.code == 401 else ''
            raise InputError(f'{shown} answers {error.code} {error.reason}{hint}') from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, 'reason', error)
            raise InputError(f'no answer from {shown}: {reason}') from error
        if response.headers.get_content_maintype() != 'multipart':
            response.close()
            self._video = NetworkVideo(self.address)
            self._video.open()
            return
        # Some servers write the dashes into the header, too.
        boundary = (response.headers.get_boundary() or '').removeprefix('--')
        self._boundary, self._unread = b'--' + boundary.encode(), b''
        self._response, self._clock = response, SourceClock()

    def read(self) -> CapturedImage | None:
        """Wait for the next image."""
        if self._video is not None:
            return self._video.read()
        try:
            return self._read_part()
        except (OSError, HTTPException, ValueError):
            return None

    def close(self) -> None:
        """Hang up."""
        if self._response is not None:
            with suppress(OSError):
                self._response.close()
        if self._video is not None:
            self._video.close()
        self._response = self._video = None

    def _read_part(self) -> CapturedImage | None:
        """Read parts up to one that is an image; None at the end of the stream."""
        while self._skip_to_boundary():
            headers = parse_headers(self._response)
            length = headers['Content-Length']
            data = self._exactly(int(length)) if length else self._up_to_boundary()
            arrived = time.monotonic()
            image = _decode(data)
            if image is not None:
                written = headers['X-Timestamp']
                taken = self._clock.steady_time(float(written)) if written else arrived
                return CapturedImage(image, taken, data)
        return None

    def _skip_to_boundary(self) -> bool:
        line, self._unread = self._unread, b''
        while line := line or self._response.readline(_LONGEST_LINE):
            if line.startswith(self._boundary):
                return not line.rstrip().endswith(self._boundary + b'--')
            line = b''
        return False

    def _exactly(self, length: int) -> bytes:
        data = self._response.read(min(max(length, 0), _LARGEST_IMAGE))
        if len(data) != length:
            raise ValueError('the stream ended within an image')
        return data

    def _up_to_boundary(self) -> bytes:
        """Read an image whose length was not told."""
        data = bytearray()
        while not (line := self._response.readline(_LONGEST_LINE)).startswith(self._boundary):
            if not line or len(data) > _LARGEST_IMAGE:
                raise ValueError('the stream ended within an image')
            data += line
        self._unread = line
        return bytes(data).removesuffix(b'\r\n')


def _decode(data: bytes) -> np.ndarray | None:
    """Decode a JPEG; None for something else."""
    try:
        return decode_image(data)
    except InputError:
        return None


def _opener(address: str) -> urllib.request.OpenerDirector:
    """Make an opener that knows the user and password of an address."""
    parts = urlsplit(address)
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or '')
        passwords.add_password(None, without_password(address), user, password)
    return urllib.request.build_opener(
        urllib.request.HTTPBasicAuthHandler(passwords),
        urllib.request.HTTPDigestAuthHandler(passwords),
    )
