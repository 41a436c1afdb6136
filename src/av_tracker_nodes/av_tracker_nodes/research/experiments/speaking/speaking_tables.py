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

"""The rows of the benchmark as tables to read."""

from __future__ import annotations

from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, with_interval
from av_tracker_nodes.research.experiments.kit.benchmark import Row
from av_tracker_nodes.research.simulation.rig_conditions import AV163

_RIG_NAMES = {AV163: 'AV16.3'}


def sheets(rows: list[Row]) -> list[Sheet]:
    """Lay the rows of `benchmark_speaking` out, a table for each part."""
    parts = (
        ('conditions', _speaking),
        ('conditions', _delays),
        ('quiet', _quiet),
        ('overlaps', _overlaps),
    )
    drawn = [lay_out([row for row in rows if row['table'] == part]) for part, lay_out in parts]
    return [sheet for sheet in drawn if sheet.rows]


def _speaking(rows: list[Row]) -> Sheet:
    header = ['scenes', 'F1', 'precision', 'recall', 'silent but called speaking', 'MOTA']
    lines = [
        [
            row['condition'],
            with_interval(row, 'f1', '.0f', 100),
            with_interval(row, 'precision', '.0f', 100),
            with_interval(row, 'recall', '.0f', 100),
            with_interval(row, 'false_share', '.1f', 100),
            with_interval(row, 'mota', '.0f'),
        ]
        for row in rows
    ]
    return Sheet('Who speaks (simulated): %, 95 % interval over scenes', header, lines)


def _delays(rows: list[Row]) -> Sheet:
    header = ['scenes', 'onset (s)', 'end (s)', 'images with a voice astray (%)']
    lines = [
        [row['condition'], with_interval(row, 'onset_s', '.2f'),
         with_interval(row, 'end_s', '.2f'),
         with_interval(row, 'astray_share', '.1f', 100)]
        for row in rows
    ]  # fmt: skip
    title = (
        'How late speech is told to begin and to end, and voices where nobody talks (simulated)'
    )
    return Sheet(f'{title}: medians and shares, 95 % interval over scenes', header, lines)


def _quiet(rows: list[Row]) -> Sheet:
    header = ['noise', 'seconds', 'images with somebody speaking (%)', 'images with a voice (%)']
    lines = [
        [row['noise'], f'{row["seconds"]:.0f}', f'{100 * row["speaking_share"]:.2f}',
         f'{100 * row["track_share"]:.2f}']
        for row in rows
    ]  # fmt: skip
    return Sheet('While nobody talks (simulated)', header, lines)


def _overlaps(rows: list[Row]) -> Sheet:
    header = ['rig', 'microphones', 'voices', 'found at a time (%)', 'ghosts (%)', 'heard (%)']
    lines = [
        [
            _RIG_NAMES.get(row['rig'], row['rig']),
            str(row['microphones']),
            str(row['voices']),
            with_interval(row, 'found', '.0f', 100),
            figure(row['ghosts'], '.1f', 100),
            f'{100 * row["heard"]:.0f}',
        ]
        for row in rows
    ]
    title = 'Simultaneous voices 45 degrees apart, without pauses, by sound alone (simulated)'
    return Sheet(title, header, lines)
