# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
        ('0,7,1,1,1,1\n', 'frames outside 1 to 3'),
        ('4,7,1,1,1,1\n', 'frames outside 1 to 3'),
    ],
)
def test_malformed_files(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r'no file .*b\.txt'):
        read_mot(tmp_path / 'b.txt', STAMPS)
