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

"""A network camera on loopback: numbered images as Motion JPEG over HTTP."""

import base64
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

SIZE = 320, 240
_SQUARE = 20
_BITS = 16


def numbered_image(number, size=SIZE):
    """A grey picture with a number in black and white squares."""
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    for bit in range(_BITS):
        left = bit * _SQUARE
        image[:_SQUARE, left : left + _SQUARE] = 255 * (number >> bit & 1)
    return image


def number_of(image):
    """Read the number of a picture."""
    centres = image[_SQUARE // 2, _SQUARE // 2 : _BITS * _SQUARE : _SQUARE].mean(axis=-1)
    return sum(1 << bit for bit, value in enumerate(centres) if value > 127)


class MjpegCamera:
    """Serves images at a rate until it is cut; the same address serves again when restored.

    Parameters
    ----------
    rate : float
        Images a second.
    clock : callable or None
        What writes ``X-Timestamp``; None for no such header.
    late : callable
        Seconds that an image of a number takes to be sent.
    length : bool
        Whether parts tell their length.
    password : str
        What the user 'robot' is asked for; empty for nothing.
    picture : callable or None
        Gives capture time and JPEG of what is there to be seen now; None shows numbers.
    """

    def __init__(
        self,
        rate=25.0,
        clock=time.monotonic,
        late=lambda n: 0.0,
        length=True,
        password='',
        picture=None,
    ):
        self.picture = picture
        self.rate, self.clock, self.late, self.length = rate, clock, late, length
        self.password = password
        self.sent = {}  # capture time (steady) by number
        self.stalls = False
        self._number = 0
        self._server = None
        self._port = 0
        self.restore()

    @property
    def address(self):
        user = f'robot:{self.password}@' if self.password else ''
        return f'http://{user}127.0.0.1:{self._port}/cam.mjpg'

    def restore(self):
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                camera.serve(self)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass

        self._cut = threading.Event()
        self._server = Server(('127.0.0.1', self._port), Handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def cut(self):
        self._cut.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, handler):
        cut = self._cut
        expected = 'Basic ' + base64.b64encode(f'robot:{self.password}'.encode()).decode()
        if self.password and handler.headers['Authorization'] != expected:
            handler.send_response(401)
            handler.send_header('WWW-Authenticate', 'Basic realm="camera"')
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        handler.end_headers()
        due = time.monotonic()
        with suppress(OSError):
            while not cut.is_set():
                if not self.stalls:
                    handler.wfile.write(self._part())
                due += 1 / self.rate
                cut.wait(max(due - time.monotonic(), 0.0))

    def _part(self):
        number, self._number = self._number, self._number + 1
        taken = self.clock() if self.clock else 0.0
        self.sent[number] = time.monotonic()
        if self.picture is not None:
            taken, data = self.picture()
        else:
            data = cv2.imencode('.jpg', numbered_image(number))[1].tobytes()
        time.sleep(self.late(number))
        lines = ['--frame', 'Content-Type: image/jpeg']
        lines += [f'Content-Length: {len(data)}'] if self.length else []
        lines += [f'X-Timestamp: {taken:.6f}'] if self.clock else []
        return '\r\n'.join([*lines, '', '']).encode() + data + b'\r\n'
