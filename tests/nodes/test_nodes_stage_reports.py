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

"""What stages count is added up over their lives."""

from av_tracker_nodes.nodes.stage_reports import StageReports


def report(out, **counts):
    return {'out': str(out), **{name: str(value) for name, value in counts.items()}}


def test_a_stage_that_lives_on_is_what_it_said_last():
    reports = StageReports()
    for out in range(0, 50, 10):
        reports.take('fusion', report(out, unplaced=out // 10))
    assert reports.number('fusion', 'unplaced') == 4


def test_lives_are_added_up():
    reports = StageReports()
    for out in (10, 40, 0, 25, 5):
        reports.take('face_detector', report(out, faces=2 * out))
        reports.take('fusion', report(7, misfits=3))
    assert reports.number('face_detector', 'faces') == 2 * (40 + 25 + 5)
    assert reports.number('fusion', 'misfits') == 3
    assert reports.lately('face_detector', 'out') == 5


def test_nothing_was_counted_by_whom_nobody_has_heard_of():
    assert StageReports().number('tracker', 'faces') == 0


def test_percentiles_are_those_of_the_newest_report():
    reports = StageReports()
    for median in ('12.5', '14.0'):
        values = {'latency median (ms)': median, 'latency p95 (ms)': '20'}
        reports.take('tracker', {**report(3), **values})
    assert reports.percentiles('latency') == {'tracker': {'median': 14.0, 'p95': 20.0}}
    assert reports.percentiles('work') == {'tracker': {}}
