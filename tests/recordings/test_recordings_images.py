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

"""Images in every encoding and format that cameras send, against pixels written by hand."""

import contextlib
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.messages.images import from_image, to_compressed_image, to_image
from av_tracker_nodes.recordings.messages.pixels import ImageMemory
from av_tracker_nodes.types import ImageFrame

STAMP = 12_250_000_000
HEIGHT, WIDTH = 48, 64
BAYER = {'rggb': 'RGGB', 'bggr': 'BGGR', 'gbrg': 'GBRG', 'grbg': 'GRBG'}


def picture(height=HEIGHT, width=WIDTH):
    """Smooth in colour, so that no encoding loses much of it; blue, green, red differ."""
    y, x = np.mgrid[:height, :width]
    planes = 40 + 150 * x / width, 60 + 120 * y / height, 200 - 90 * x / width + 20 * np.sin(y / 5)
    return np.rint(np.dstack(planes)).astype(np.uint8)


PICTURE = picture()
GREY = np.rint(PICTURE @ [0.114, 0.587, 0.299]).astype(np.uint8)
GREY_PICTURE = np.dstack([GREY] * 3)


def yuv(image):
    """BT.601 of studio range (ITU-R BT.601-7, 3.5.3), shape (height, width, 3)."""
    blue, green, red = np.moveaxis(image.astype(float), -1, 0) / 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = 224 * (blue - luma) / 1.772, 224 * (red - luma) / 1.402
    return np.dstack([16 + 219 * luma, 128 + u, 128 + v])


def rows(values):
    return np.ascontiguousarray(values).reshape(len(values), -1)


def packed_yuv(luma_at):
    """4:2:2, two bytes a pixel, with luma in byte `luma_at`."""
    values = yuv(PICTURE)
    chroma = (values[:, ::2, 1:] + values[:, 1::2, 1:]) / 2
    pixels = np.empty((HEIGHT, WIDTH, 2))
    pixels[..., luma_at] = values[..., 0]
    pixels[:, ::2, 1 - luma_at], pixels[:, 1::2, 1 - luma_at] = chroma[..., 0], chroma[..., 1]
    return np.rint(rows(pixels)).astype(np.uint8)


def semi_planar(order, step):
    """Rows of luma, then of U and V (or V and U) of every `step`-th row and column."""
    values = yuv(PICTURE)
    blocks = values[..., 1:].reshape(HEIGHT // step, step, WIDTH // step, step, 2)
    chroma = blocks.mean(axis=(1, 3))[..., order].reshape(-1, WIDTH)
    return np.rint(np.concatenate([values[..., 0], chroma])).astype(np.uint8)


def mosaic(pattern, image=PICTURE):
    result = np.empty(image.shape[:2], image.dtype)
    for place, colour in enumerate(pattern):
        y, x = divmod(place, 2)
        result[y::2, x::2] = image[y::2, x::2, 'bgr'.index(colour)]
    return result


def deep(values, bits=16):
    """The same brightness in numbers of 16 bits, of which the lowest `bits` are used."""
    values = values.astype(np.uint16)
    return values * 257 if bits == 16 else values << (bits - 8)


def with_alpha(image, opaque):
    return np.dstack([image, np.full(image.shape[:2], opaque, image.dtype)])


RGB = PICTURE[..., ::-1]
COLOURS = {
    'bgr8': PICTURE,
    '8UC3': PICTURE,
    'rgb8': RGB,
    'bgra8': with_alpha(PICTURE, 255),
    '8UC4': with_alpha(PICTURE, 9),
    'rgba8': with_alpha(RGB, 255),
    'bgr16': deep(PICTURE),
    '16UC3': deep(PICTURE),
    'rgb16': deep(RGB),
    'bgra16': with_alpha(deep(PICTURE), 65535),
    '16UC4': with_alpha(deep(PICTURE), 65535),
    'rgba16': with_alpha(deep(RGB), 65535),
    'yuv422': packed_yuv(1),
    'uyvy': packed_yuv(1),
    'yuv422_yuy2': packed_yuv(0),
    'yuyv': packed_yuv(0),
    'yuy2': packed_yuv(0),
    'nv12': semi_planar([0, 1], 2),
    'nv21': semi_planar([1, 0], 2),
    'nv24': semi_planar([0, 1], 1),
    **{f'bayer_{name}8': mosaic(name) for name in BAYER},
    **{f'bayer_{name}16': deep(mosaic(name)) for name in BAYER},
}
GREYS = {'mono8': GREY, '8UC1': GREY, 'mono16': deep(GREY), '16UC1': deep(GREY)}
ENCODINGS = COLOURS | GREYS


def image_message(encoding, pixels, padding=0, big_endian=False, size=(HEIGHT, WIDTH)):
    """Pixels of shape (rows, ...), each row padded."""
    message = to_image(ImageFrame(STAMP, np.zeros((2, 2, 3), np.uint8)), 'camera')
    pixels = rows(pixels)
    if big_endian:
        pixels = pixels.byteswap()
    padded = np.pad(pixels.view(np.uint8), ((0, 0), (0, padding)), constant_values=77)
    if encoding == 'nv24':
        # A row of colour is twice as long as one of luma, and so is its padding.
        long = pixels[size[0] :].reshape(-1, 2 * size[1])
        long = np.pad(long, ((0, 0), (0, 2 * padding)), constant_values=77)
        padded[size[0] :] = long.reshape(-1, padded.shape[1])
    message.height, message.width = size
    message.encoding, message.step = encoding, padded.shape[1]
    message.is_bigendian = int(big_endian)
    message.data = padded.ravel()
    return message


def read(message, memory=None):
    frame = from_image(message, memory)
    assert frame.stamp == STAMP
    assert frame.image.dtype == np.uint8
    return frame.image


def assert_alike(image, expected, tolerance=3, border=2):
    """Demosaicing and subsampled colour are wrong by a little; nearer the border by more."""
    assert image.shape == expected.shape
    inside = slice(border, -border), slice(border, -border)
    error = np.abs(image[inside].astype(int) - expected[inside]).max()
    assert error <= tolerance


@pytest.mark.parametrize('padding', [0, 6])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding(encoding, padding):
    image = read(image_message(encoding, ENCODINGS[encoding], padding))
    if encoding in GREYS:
        np.testing.assert_array_equal(image, GREY_PICTURE)
    else:
        assert_alike(image, PICTURE, 6 if 'bayer' in encoding else 4)


DEEP = {name: pixels for name, pixels in ENCODINGS.items() if pixels.dtype == np.uint16}


@pytest.mark.parametrize('encoding', DEEP)
def test_either_order_of_bytes(encoding):
    little, big = (image_message(encoding, DEEP[encoding], 4, order) for order in (False, True))
    np.testing.assert_array_equal(read(little), read(big))


@pytest.mark.parametrize('bits', [8, 10, 12, 14, 16])
@pytest.mark.parametrize(
    ('encoding', 'pixels', 'expected'),
    [
        ('mono16', GREY, GREY_PICTURE),
        ('16UC1', GREY, GREY_PICTURE),
        ('bgr16', PICTURE, PICTURE),
        ('bayer_grbg16', mosaic('grbg'), PICTURE),
    ],
)
def test_few_bits_of_sixteen_are_not_black(encoding, pixels, expected, bits):
    assert_alike(read(image_message(encoding, deep(pixels, bits))), expected, 6)


def test_an_opaque_alpha_channel_tells_no_range():
    pixels = with_alpha(deep(PICTURE, 12), 65535)
    assert_alike(read(image_message('bgra16', pixels)), PICTURE)


def test_the_range_of_a_stream_is_remembered():
    memory = ImageMemory()
    bright, dark = deep(GREY, 12), deep(GREY // 8, 12)
    assert_alike(read(image_message('mono16', bright), memory), GREY_PICTURE)
    assert_alike(read(image_message('mono16', dark), memory), np.dstack([GREY // 8] * 3))
    # Without the stream, the dark one would be taken for a bright one of fewer bits.
    assert read(image_message('mono16', dark)).mean() > 3 * (GREY // 8).mean()


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=8))
def test_brighter_never_becomes_darker(peaks):
    memory = ImageMemory()
    for peak in peaks:
        ramp = np.linspace(0, peak, 16).astype(np.uint16)[None]
        image = read(image_message('mono16', ramp, size=(1, 16)), memory)[0, :, 0].astype(int)
        assert (np.diff(image) >= 0).all()
        assert peak == 0 or image[-1] == peak >> (memory.bits - 8)


@pytest.mark.parametrize('luma_at', [0, 1])
def test_two_bytes_a_pixel_are_told_apart_by_the_picture(luma_at):
    memory = ImageMemory()
    image = read(image_message('8UC2', packed_yuv(luma_at)), memory)
    assert_alike(image, PICTURE, 4)
    plain = np.full((4, 8), 128, np.uint8)
    assert read(image_message('8UC2', plain, size=(4, 4)), memory).std() < 1
    with pytest.raises(InputError, match='have the driver send yuv422_yuy2 or uyvy'):
        read(image_message('8UC2', plain, size=(4, 4)))


def test_step_of_planes_without_padding_may_be_anything():
    """Of NV12 some drivers tell the width, some 1.5 times that, some twice."""
    for step in (WIDTH, WIDTH * 3 // 2, 2 * WIDTH):
        message = image_message('nv12', COLOURS['nv12'])
        message.step = step
        assert_alike(read(message), PICTURE, 4)


@pytest.mark.parametrize(
    ('encoding', 'size', 'reason'),
    [
        ('8UC2', (4, 2), 'too little colour to tell'),
        ('uyvy', (4, 5), 'uyvy needs an even width, not 5'),
        ('nv12', (5, 4), 'nv12 needs even sides, not 4 x 5'),
        ('nv21', (4, 5), 'nv21 needs even sides, not 5 x 4'),
        ('bayer_rggb8', (2, 2), 'too small'),
        ('mono8', (0, 4), '4 x 0 pixels'),
        ('mono8', (4, 0), '0 x 4 pixels'),
        ('32FC1', (4, 4), "encoding '32FC1' is not supported; use one of mono8"),
        ('bayer_rgbg8', (4, 4), "'bayer_rgbg8' is not supported"),
        ('', (4, 4), "encoding '' is not supported"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_reason(encoding, size, reason):
    height, width = size
    message = image_message(encoding, np.zeros((4 * (height + 1), 4 * (width + 1)), np.uint8))
    message.height, message.width = size
    with pytest.raises(InputError, match=reason) as caught:
        read(message)
    assert str(caught.value).startswith('image at 12.250 s: ')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_short_data_and_short_rows_are_refused(encoding):
    pixels = ENCODINGS[encoding]
    message = image_message(encoding, pixels, padding=4)
    message.data = message.data[:-8]
    with pytest.raises(InputError, match='its header says'):
        read(message)
    message = image_message(encoding, pixels, padding=4)
    message.step = WIDTH // 2
    with pytest.raises(InputError, match=r'rows \(step\) of 32 bytes'):
        read(message)


def compressed(data, format_='jpeg'):
    image = ImageFrame(STAMP, np.zeros((8, 8, 3), np.uint8))
    message = to_compressed_image(image, 'camera', 90)
    message.data, message.format = np.frombuffer(bytes(data), np.uint8), format_
    return message


def encode(suffix, image):
    options = [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_WEBP_QUALITY, 101]
    return cv2.imencode(suffix, image, options[:2] if suffix == '.jpg' else options[2:])[1]


# Lossy formats halve the resolution of colour.
@pytest.mark.parametrize(
    ('format_', 'suffix', 'image', 'expected'),
    [
        ('jpeg', '.jpg', PICTURE, PICTURE),
        ('bgr8; jpeg compressed bgr8', '.jpg', PICTURE, PICTURE),
        ('rgb8; jpeg compressed bgr8', '.jpg', PICTURE, PICTURE),
        ('mono8; jpeg compressed ', '.jpg', GREY, GREY_PICTURE),
        ('png', '.png', PICTURE, PICTURE),
        ('bgra8; png compressed bgr8', '.png', with_alpha(PICTURE, 9), PICTURE),
        ('mono16; png compressed ', '.png', deep(GREY), GREY_PICTURE),
        ('mono16; png compressed ', '.png', deep(GREY, 12), GREY_PICTURE),
        ('16UC1; png compressed ', '.png', deep(GREY, 10), GREY_PICTURE),
        ('bgr16; png compressed bgr16', '.png', deep(PICTURE, 12), PICTURE),
        ('webp', '.webp', PICTURE, PICTURE),
        ('bayer_gbrg8; png compressed ', '.png', mosaic('gbrg'), PICTURE),
        ('bayer_gbrg16; png compressed ', '.png', deep(mosaic('gbrg'), 12), PICTURE),
        ('bayer_rggb8; jpeg compressed bgr8', '.jpg', PICTURE, PICTURE),
    ],
)
def test_compressed_images(format_, suffix, image, expected):
    assert_alike(read(compressed(encode(suffix, image), format_)), expected, 8)


def test_the_range_of_compressed_images_is_remembered():
    memory = ImageMemory()
    for grey in (GREY, GREY // 8):
        message = compressed(encode('.png', deep(grey, 12)), 'mono16; png compressed ')
        assert_alike(read(message, memory), np.dstack([grey] * 3))


@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp'])
@pytest.mark.parametrize('share', [0.0, 0.1, 0.5, 0.9, 0.99])
def test_what_is_cut_off_is_refused(suffix, share):
    data = encode(suffix, PICTURE).tobytes()
    with pytest.raises(InputError, match='cannot be decoded') as caught:
        read(compressed(data[: int(share * len(data))]))
    assert '\n' not in str(caught.value)


def test_a_thumbnail_is_no_end_of_a_jpeg():
    """The end marker of a picture inside the picture does not count."""
    data = encode('.jpg', PICTURE).tobytes()
    thumbnail = encode('.jpg', PICTURE[::4, ::4].copy()).tobytes()
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    whole = data[:2] + segment + data[2:]
    assert_alike(read(compressed(whole)), PICTURE, 8)
    with pytest.raises(InputError, match='cannot be decoded'):
        read(compressed(whole[: len(segment) + len(data) * 3 // 4]))


def test_zeros_after_a_jpeg_do_no_harm():
    """Cameras fill up their buffers."""
    data = encode('.jpg', PICTURE).tobytes() + bytes(300)
    assert_alike(read(compressed(data)), PICTURE, 8)


@pytest.mark.parametrize(
    ('data', 'format_', 'reason'),
    [
        (bytes(12) + encode('.png', deep(GREY)).tobytes(), '16UC1; compressedDepth png', 'depth'),
        (b'\0\0\0\1\x67\x42', 'h264', r"\('h264'\).*no JPEG, PNG or WebP"),
    ],
)
def test_other_formats_are_refused_by_name(data, format_, reason):
    with pytest.raises(InputError, match=reason):
        read(compressed(data, format_))


@given(
    st.sampled_from([*ENCODINGS, '8UC2']),
    *[st.integers(0, 9)] * 2,
    st.integers(0, 80),
    st.integers(0, 900),
    st.booleans(),
)
def test_any_header_makes_an_image_or_is_refused(encoding, width, height, step, size, big_endian):
    message = image_message('mono8', np.zeros((2, 2), np.uint8), size=(height, width))
    message.encoding, message.step = encoding, step
    message.is_bigendian = int(big_endian)
    message.data = np.resize(np.arange(256, dtype=np.uint8), size)
    with contextlib.suppress(InputError):
        assert read(message).shape == (height, width, 3)


def test_a_picture_that_claims_to_be_huge():
    data = bytearray(encode('.png', GREY).tobytes())
    data[16:24] = struct.pack('>II', 2_000_000, 2_000_000)
    data[29:33] = struct.pack('>I', zlib.crc32(data[12:29]))
    with pytest.raises(InputError, match='cannot be decoded') as caught:
        read(compressed(data))
    assert '\n' not in str(caught.value)
