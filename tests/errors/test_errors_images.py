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

"""Pictures are measured before they are decoded, whoever has loaded OpenCV."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.images import decode_image

GREY = np.full((24, 32, 3), 99, np.uint8)


def jpeg(width, height, progressive, between=b''):
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    data = bytearray(cv2.imencode('.jpg', GREY, options)[1].tobytes())
    frame = data.index(b'\xff\xc2' if progressive else b'\xff\xc0')
    data[frame + 5 : frame + 9] = struct.pack('>HH', height, width)
    data[frame:frame] = between
    return bytes(data)


def png(width, height):
    data = bytearray(cv2.imencode('.png', GREY)[1].tobytes())
    data[16:24] = struct.pack('>II', width, height)
    data[29:33] = struct.pack('>I', zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize(
    'picture',
    [
        png(30_000, 30_000),
        jpeg(40_000, 22_000, False),
        jpeg(40_000, 22_000, True),
        jpeg(40_000, 22_000, False, between=b'nothing\xff\x00\xff\xff'),
    ],
    ids=['PNG', 'JPEG', 'progressive JPEG', 'JPEG with something between'],
)
def test_huge_pictures_are_refused_by_what_they_say_of_themselves(picture, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    with pytest.raises(InputError, match='it is too large'):
        decode_image(picture)


def test_a_chunk_of_gigabytes_is_refused_before_memory_is_taken(monkeypatch):
    picture = bytearray(png(32, 24))
    data = picture.index(b'IDAT')
    picture[data - 4 : data] = struct.pack('>I', 2_000_000_000)
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    with pytest.raises(InputError, match='it is cut off'):
        decode_image(bytes(picture))


@pytest.mark.parametrize('picture', [png(32, 24), jpeg(32, 24, False), jpeg(32, 24, True)])
def test_others_are_decoded(picture):
    assert decode_image(picture).shape == GREY.shape
