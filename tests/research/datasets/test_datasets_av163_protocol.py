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

import pytest

from av_tracker_nodes.research.datasets.av163_protocol import (
    AUDIO_LAGS,
    FRAME_RANGES,
    check_lag,
    frame_range,
)


@pytest.mark.parametrize('sequence', ['seq01', 'seq02', 'seq03', 'seq11', 'seq18'])
def test_lags_and_first_frames_denote_one_instant(sequence):
    starts = [first for first, _ in FRAME_RANGES['stnet'][sequence]]
    instants = [lag + (s - 1) / 25 for lag, s in zip(AUDIO_LAGS[sequence], starts, strict=True)]
    assert max(instants) - min(instants) <= 0.0401


def test_training_ranges_make_the_published_number_of_pairs():
    ranges = [FRAME_RANGES['stnet'][name] for name in ('seq01', 'seq02', 'seq03')]
    assert sum(last - first for cameras in ranges for first, last in cameras) == 44_958


def test_frames_count_from_zero():
    assert frame_range('seq08-1p-0100', 2) == (27, 495)
    assert frame_range('seq08', 2, 'av3t') == (24, 494)
    assert frame_range('sim00001-2p-0111', 1) is None


def test_lag_that_contradicts_publications_is_told(caplog):
    assert check_lag('seq12-1p-0100', 2, -0.92)
    assert check_lag('sim00001-2p-0111', 2, 3.0)
    assert not caplog.records
    assert not check_lag('seq12-1p-0100', 2, 0.92)
    assert 'the timings file is used' in caplog.text
