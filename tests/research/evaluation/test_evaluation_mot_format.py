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

import time

import numpy as np
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.evaluation.mot_format import read_mot

STAMPS = np.array([10_000_000_000, 10_040_000_000, 10_080_000_000])


def read(tmp_path, text):
    (tmp_path / 'a.txt').write_text(text)
    return read_mot(tmp_path / 'a.txt', STAMPS)


def test_frames_and_pixels_count_from_one(tmp_path):
    tracks = read(tmp_path, '1,7,101,51,20,30,0.8,0.5,1.5,0.25\n3,9,1,1,4,5,1,-1,-1,-1\n')
    assert tracks.stamp.tolist() == [10_000_000_000, 10_080_000_000]
    assert tracks.frame.tolist() == [0, 2]
    assert tracks.id.tolist() == [7, 9]
    np.testing.assert_array_equal(tracks.box, [[100, 50, 20, 30], [0, 0, 4, 5]])
    np.testing.assert_array_equal(tracks.position, [[0.5, 1.5, 0.25], [np.nan] * 3])
    np.testing.assert_array_equal(tracks.confidence, [0.8, 1])
    assert np.isnan(tracks.speaking).all()
    assert np.isnan(tracks.covariance).all()


def test_spaces_blank_lines_and_missing_columns(tmp_path):
    tracks = read(tmp_path, '2 7 101 51 20 30\n\n')
    assert tracks.frame.tolist() == [1]
    assert np.isnan(tracks.position).all()
    assert len(read(tmp_path, '')) == 0


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1,7,101\n', 'line 1: 3 numbers'),
        ('1,7,a,1,1,1\n', 'line 1: not numbers'),
        ('0,7,1,1,1,1\n', 'line 1: frame must be a whole number, 1 or more'),
        ('4,7,1,1,1,1\n', 'frames outside 1 to 3'),
        ('1.5,7,1,1,1,1\n', 'line 1: frame must be a whole number'),
        ('\n1,nan,1,1,1,1\n', 'line 2: id must be a whole number'),
        ('1,7,1,1,-1,1\n', 'line 1: width and height must be 0 or more'),
        ('1,7,1,1,inf,1\n', 'line 1: left, top, width, height must be finite'),
        ('1,7,1,1,1,1,inf\n', 'line 1: confidence must be finite'),
        ('1,7,1,1,1,1,1,0,nan,0\n', 'line 1: x, y, z must be finite'),
        ('1,7,1,1,1,1\n1,7,2,2,1,1\n', 'line 2: this id has a row at this time already'),
    ],
)
def test_malformed_files(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r'b\.txt cannot be read: No such file'):
        read_mot(tmp_path / 'b.txt', STAMPS)


def test_a_long_file_takes_no_longer_for_each_line(tmp_path):
    """Sixty thousand lines, which took a minute when each was appended to those before."""
    lines = [f'{1 + k % 3},{k},1,1,5,5' for k in range(60_000)]
    begin = time.process_time()
    assert len(read(tmp_path, '\n'.join(lines))) == len(lines)
    assert time.process_time() - begin < 5
