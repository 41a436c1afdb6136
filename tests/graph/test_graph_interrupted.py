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

"""Every command that is told to end does so soon, and leaves nothing behind."""

import pytest
from interruptions import QUICK, WAYS, Case, check_end, has_children, has_loaded, has_written

pytestmark = pytest.mark.graph

LONG = [
    Case('replay bag --out tracks', has_children(2)),
    Case('replay bag --out tracks', has_written('tracks.csv')),
    Case('view bag --save tracks.rrd', has_loaded('onnxruntime')),
    Case('record --out recorded', has_children(1)),
    Case('check live --seconds 100', has_children(1)),
    Case('check sync', has_children(1)),
    Case('demo --out demo', has_children(5)),
    Case('demo --out demo', has_written('*3dmouthgt')),
    Case('simulate-corpus seq01 --out corpus', has_children(5)),
    Case('benchmark acoustics --quick --jobs 2 --out a', has_children(3)),
    Case('benchmark beams --quick --jobs 2 --out a', has_children(3)),
    Case('benchmark looks --people 100 --jobs 2 --out a', has_children(3)),
    Case('benchmark models --jobs 2 --out a', has_children(3)),
    Case('benchmark rigs --jobs 2 --out a', has_children(3)),
    Case('benchmark speaking --quick --jobs 2 --out a', has_children(3)),
    Case('bench acoustic_map --out a', has_children(0)),
    Case('train --data clips --jobs 2 --out a', has_children(3)),
    Case('train-appearance --data portraits --jobs 2 --out a', has_children(3)),
    Case('train-lips --data clips --jobs 2', has_children(3)),
    Case('train-speech --sounds sounds --jobs 2 --out a', has_children(3)),
]


@pytest.mark.slow
@pytest.mark.parametrize(('number', 'whole_group'), WAYS)
@pytest.mark.parametrize('case', QUICK + LONG, ids=lambda case: case.arguments)
def test_commands_end_when_told_to(tmp_path, case, number, whole_group):
    check_end(tmp_path, case, number, whole_group)
