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

"""How much of a bag is unpacked at once: what is compressed says little of what becomes of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lz4.frame import LZ4FrameDecompressor
from rosbags.rosbag2 import Reader, storage_mcap

from av_tracker_nodes.errors.files import MEGABYTE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGEST_PIECE = 128 * MEGABYTE
"""Bytes of a message, and of all chunks whose messages are read side by side. A picture of 8192 x
4096 pixels has 101 million; recorders make chunks of some megabytes."""
_LARGEST_FILE, _DENSEST = 1000 * MEGABYTE, 100
"""Bytes of a storage file that was compressed whole, and how many times as large as it was it may
become if it is larger than that."""
_PIECE = 1 << 20
_SQLITE_LIMIT_LENGTH = 0
"""SQLite's number for the largest size of a value."""


class _TooLargeError(Exception):
    """Something in a bag becomes larger than it may."""


def unpacked_message(data: bytes) -> bytes:
    """Decompress a message that was compressed by itself."""
    return _unpacked(zstd.ZstdDecompressor, data, LARGEST_PIECE)


def unpacked_file(packed: Path, plain: Path) -> None:
    """Decompress a storage file that was compressed whole."""
    most = max(_LARGEST_FILE, _DENSEST * packed.stat().st_size)
    with zstd.open(packed, 'rb') as source, plain.open('wb') as target:
        while piece := source.read(_PIECE):
            target.write(piece)
            if target.tell() > most:
                raise _TooLargeError(f'{packed.name} has more than {most // MEGABYTE} MB')


def limit_reader(reader: Reader) -> None:
    """Refuse a storage file that would be held in memory by large parts, once it is open."""
    chunks = getattr(reader.storage, 'chunks', ())
    # In order of time: what begins is held until it ends.
    events = [(c.message_start_time, c.uncompressed_size) for c in chunks]
    events += [
        (max(c.message_start_time, c.message_end_time) + 1, -c.uncompressed_size) for c in chunks
    ]
    held = 0
    for _, size in sorted(events):
        held += size
        if held > LARGEST_PIECE:
            most = LARGEST_PIECE // MEGABYTE
            raise _TooLargeError(f'chunks of more than {most} MB lie side by side')
    database = getattr(reader.storage, 'dbconn', None)
    if database is not None:
        database.limit(_SQLITE_LIMIT_LENGTH, LARGEST_PIECE)


def _unpacked(decompressor: Callable[[], Any], data: bytes, size: int) -> bytes:
    """Decompress frames, one after the other, into no more than `size` bytes."""
    plain = bytearray()
    while data:
        frame = decompressor()
        plain += frame.decompress(data, size + 1 - len(plain))
        if len(plain) > size:
            raise _TooLargeError(f'something compressed has more than {size} bytes')
        if not frame.eof:
            raise _TooLargeError('something compressed is cut off')
        data = frame.unused_data
    return bytes(plain)


def _of_chunk(decompressor: Callable[[], Any]) -> Callable[[bytes, int], bytes]:
    def unpack(data: bytes, size: int) -> bytes:
        return _unpacked(decompressor, data, min(size, LARGEST_PIECE))

    return unpack


# The library hands the size that a chunk says of itself to these functions; its own pass over it.
storage_mcap.DECOMPRESSORS.update(
    zstd=_of_chunk(zstd.ZstdDecompressor), lz4=_of_chunk(LZ4FrameDecompressor)
)
