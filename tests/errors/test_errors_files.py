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

import os
import pickle
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.errors import InputError, how_to_install, installing
from av_tracker_nodes.errors.files import check_file, read_bytes, read_text
from av_tracker_nodes.errors.picture_files import decode_image, read_image
from av_tracker_nodes.errors.yaml_text import read_yaml


@given(st.text(max_size=400), st.integers(1, 2_000))
def test_a_message_is_one_short_line_whatever_it_quotes(text, times):
    message = str(InputError(text * times))
    assert len(message) < 300 - len('av-tracker: ')
    assert message.isprintable()
    assert len(message.splitlines()) <= 1


def test_a_long_message_keeps_what_is_wrong_and_what_to_do():
    message = str(InputError(f'file a.yaml: {"x" * 1000} is no number: write one'))
    assert message.startswith('file a.yaml: xxx')
    assert message.endswith('xxx is no number: write one')
    assert str(pickle.loads(pickle.dumps(InputError(message)))) == message


def test_ordinary_messages_stay_as_they_are():
    assert str(InputError('no file /a  b.yaml')) == 'no file /a b.yaml'


def fifo(path):
    os.mkfifo(path)


def folder(path):
    path.mkdir()


@pytest.mark.parametrize(
    ('make', 'reason'),
    [
        (fifo, 'it is no regular file'),
        (lambda path: path.symlink_to('/dev/zero'), 'it is no regular file'),
        (folder, 'it is a folder|Is a directory'),
        (lambda path: path.symlink_to(path), 'Too many levels'),
        (lambda path: None, 'No such file'),
    ],
)
@pytest.mark.parametrize('read', [check_file, read_image, lambda path: read_text(path, 'text')])
def test_only_regular_files_are_opened(tmp_path, make, reason, read):
    make(tmp_path / 'input')
    with pytest.raises(InputError, match=reason):
        read(tmp_path / 'input')


def test_sizes_are_looked_at_before_anything_is_read(tmp_path):
    with (tmp_path / 'large').open('wb') as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match='it has 1099512 MB, 1 are the most'):
        read_bytes(tmp_path / 'large', 'file', 1_000_000)


def test_no_name_of_a_file_is_refused():
    with pytest.raises(InputError, match='null byte'):
        read_text('a\0b', 'text')


def test_text_is_utf8_unless_numbers_alone_are_wanted(tmp_path):
    (tmp_path / 'a').write_bytes(b'caf\xe9 1')
    with pytest.raises(InputError, match='no text in UTF-8'):
        read_text(tmp_path / 'a', 'text')
    assert read_text(tmp_path / 'a', 'text', foreign=True).split()[1] == '1'


# ---- pictures are measured before they are decoded, whoever has loaded OpenCV


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


def test_pictures_are_decoded():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(decode_image(cv2.imencode('.png', image)[1].tobytes()), image)


@pytest.mark.parametrize('data', [b'', b'nothing', b'\x89PNG\r\n\x1a\n'])
def test_no_pictures_are_refused(data):
    with pytest.raises(InputError, match='damaged, or no'):
        decode_image(data)


def test_a_jpeg_of_endless_scans_is_refused():
    whole = jpeg(32, 24, False)
    begin = whole.index(b'\xff\xda')
    with pytest.raises(InputError, match='more than 100 scans'):
        decode_image(whole[:begin] + 200 * whole[begin:-2])


def test_pixels_are_counted_before_memory_is_taken(tmp_path):
    """A picture of nothing, 30,000 pixels wide and high, as its header says."""
    (tmp_path / 'large.png').write_bytes(png(30_000, 30_000))
    code = (
        'import resource, sys\n'
        'from av_tracker_nodes.errors.picture_files import InputError, read_image\n'
        'resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n'
        'try:\n    read_image(sys.argv[1])\n'
        'except InputError as error:\n    print(error)\n'
    )
    command = [sys.executable, '-c', code, str(tmp_path / 'large.png')]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert said.endswith('is not a readable picture: it is too large\n')


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


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / 'a.yaml'
        path.write_text(text)
        return read_yaml(path, 'rig file')

    return read


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('', None),
        ('5e2', 500.0),
        ('-.5', -0.5),
        ('a: 1795965625920125089', {'a': 1795965625920125089}),
        ('a: &a [1, 2]\nb: *a', {'a': [1, 2], 'b': [1, 2]}),
        ('a: &a {x: 1}\nb: {<<: *a, y: 2}', {'a': {'x': 1}, 'b': {'x': 1, 'y': 2}}),
    ],
)
def test_plain_values_with_numbers_and_aliases(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('a: &a [*a]', 'an alias stands for what it is a part of'),
        ('a: &a {b: {c: *a}}', 'an alias stands for what it is a part of'),
        ('a: 2' + '0' * 60, 'a number of 61 letters'),
        ('a: 9223372036854775808', 'too large: write it with a point'),
        ('a: 2020-13-45', 'is not YAML'),
        ('a: !!python/object/apply:os.system [ls]', 'is not YAML'),
        ('[' * 5000, 'is not YAML'),
    ],
)
def test_what_is_no_plain_value_is_refused(read, text, told):
    with pytest.raises(InputError, match=told):
        read(text)


def test_few_lines_of_aliases_do_not_make_a_large_document(read):
    levels = [f'l{k}: &l{k} [{", ".join([f"*l{k - 1}"] * 10)}]' for k in range(1, 9)]
    with pytest.raises(InputError, match='more than 100000 values with its aliases'):
        read('\n'.join(['l0: &l0 [' + ', '.join('0' * 10) + ']', *levels]))


# ---- how to install what is missing


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """An interpreter of the system, whose packages the distribution manages or does not."""

    def pretend(*, managed=False, environment=False):
        monkeypatch.setattr(sys, 'executable', '/usr/bin/python3')
        monkeypatch.setattr(sys, 'base_prefix', '/usr' if environment else sys.prefix)
        monkeypatch.setattr(installing.sysconfig, 'get_path', lambda name: str(tmp_path))
        if managed:
            (tmp_path / 'EXTERNALLY-MANAGED').touch()

    return pretend


@pytest.mark.parametrize(
    'kind', [{}, {'environment': True}, {'environment': True, 'managed': True}]
)
def test_pip_is_named_where_it_works(machine, kind):
    machine(**kind)
    assert how_to_install('av', 'python3-av') == '/usr/bin/python3 -m pip install av'


def test_where_the_system_manages_packages_its_own_is_named(machine):
    machine(managed=True)
    assert how_to_install('av', 'python3-av') == 'sudo apt-get install python3-av'


def test_where_the_system_has_none_pip_is_told_to_go_on(machine):
    machine(managed=True)
    command = '/usr/bin/python3 -m pip install --user --break-system-packages rosbags'
    assert how_to_install('rosbags') == command
