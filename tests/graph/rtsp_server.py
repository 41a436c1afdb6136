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

"""A network camera on loopback: numbered images as JPEG over RTP (RFC 2435), through RTSP."""

import socketserver
import struct
import threading
import time
from contextlib import suppress

import cv2
from mjpeg_server import SIZE, numbered_image

_LARGEST = 1400
_TICKS = 90_000
_JPEG = 26


def _description(address):
    lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=camera', 'c=IN IP4 127.0.0.1', 't=0 0']
    lines += [f'm=video 0 RTP/AVP {_JPEG}', f'a=control:{address}/video']
    return '\r\n'.join([*lines, ''])


def _parts_of(jpeg):
    """Quantisation tables and entropy-coded data of a JPEG file."""
    tables, position = b'', 2
    while True:
        marker, length = struct.unpack('>HH', jpeg[position : position + 4])
        body = jpeg[position + 4 : position + 2 + length]
        position += 2 + length
        if marker == 0xFFDB:
            # Each table of 64 bytes follows its number.
            tables += b''.join(body[k + 1 : k + 65] for k in range(0, len(body), 65))
        if marker == 0xFFDA:
            return tables, jpeg[position:-2]


class RtspCamera:
    """Serves numbered images at a rate until it is cut; restored, under the same address."""

    def __init__(self, rate=25.0):
        self._rate, self._number, self._port = rate, 0, 0
        self.restore()

    @property
    def address(self):
        return f'rtsp://127.0.0.1:{self._port}/camera'

    def restore(self):
        camera = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with suppress(OSError):
                    camera.serve(self.rfile, self.connection)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._cut = threading.Event()
        self._server = Server(('127.0.0.1', self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def cut(self):
        self._cut.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, requests, connection):
        """Answer the requests of one client; with PLAY the pictures begin."""
        cut = self._cut
        while line := requests.readline().split():
            fields = {}
            while (field := requests.readline().strip()) != b'':
                name, _, value = field.partition(b':')
                fields[name.lower()] = value.strip().decode()
            answer, body = [f'CSeq: {fields[b"cseq"]}', 'Session: 1'], ''
            if line[0] == b'OPTIONS':
                answer.append('Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN')
            if line[0] == b'DESCRIBE':
                body = _description(self.address)
                answer += ['Content-Type: application/sdp', f'Content-Length: {len(body)}']
            if line[0] == b'SETUP':
                answer.append('Transport: RTP/AVP/TCP;unicast;interleaved=0-1')
            connection.sendall('\r\n'.join(['RTSP/1.0 200 OK', *answer, '', body]).encode())
            if line[0] == b'PLAY':
                return self._play(connection, cut)

    def _play(self, connection, cut):
        sequence, began = 0, time.monotonic()
        while not cut.is_set():
            number, self._number = self._number, self._number + 1
            ticks = round((time.monotonic() - began) * _TICKS)
            for payload, is_last in self._payloads(number):
                head = struct.pack('>BBHII', 0x80, is_last << 7 | _JPEG, sequence, ticks, 1)
                sequence = sequence + 1 & 0xFFFF
                frame = struct.pack('>cBH', b'$', 0, len(head + payload))
                connection.sendall(frame + head + payload)
            cut.wait(1 / self._rate)
        connection.close()

    def _payloads(self, number):
        """Cut a picture into payloads: JPEG header, tables in the first, a piece of the data."""
        jpeg = cv2.imencode('.jpg', numbered_image(number))[1].tobytes()
        tables, data = _parts_of(jpeg)
        width, height = SIZE
        for offset in range(0, len(data), _LARGEST):
            piece = data[offset : offset + _LARGEST]
            # Type 1 is 4:2:0; quality 255 announces tables.
            head = struct.pack('>I', offset) + bytes([1, 255, width // 8, height // 8])
            if offset == 0:
                head += struct.pack('>BBH', 0, 0, len(tables)) + tables
            yield head + piece, offset + _LARGEST >= len(data)
