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

"""Rows of figures as tables to read."""

from __future__ import annotations

from av_tracker_nodes.research.evaluation.sheets import Sheet, with_interval
from av_tracker_nodes.research.experiments.accuracy.listeners import METHODS
from av_tracker_nodes.research.experiments.accuracy.map_tracking import MEASURES
from av_tracker_nodes.research.experiments.accuracy.rows import Row

_NAMES = {
    'gcf': 'GCF',
    'stgcf': 'stGCF',
    'vggcf': 'vgGCF',
    'vwswe': 'V-WSWE',
    'sources': 'sources',
    'srp': 'SRP-PHAT',
    'music': 'MUSIC',
}
_SCORES = {'mae_px': 'MAE (px)', 'mota': 'MOTA (%)', 'motp_px': 'MOTP (px)'}


def sheets(rows: list[Row]) -> list[Sheet]:
    """Lay the figures out."""

    def of(table: str) -> list[Row]:
        return [row for row in rows if row['table'] == table]

    direction = of('direction')
    rooms = [r for r in direction if r['rt60_s'] is not None and r['motion'] is None]
    casts = [r for r in direction if r['rt60_s'] is None and r['motion'] is not None]
    found = 'median / 90th percentile of the error (degrees) / share within 10 degrees (%)'
    drawn = [
        _by_method(f'Rooms (simulated): {found}', 'RT60, SNR', rooms, _room, _direction),
        _by_method(f'Voices (simulated): {found}', 'voices', casts, _cast, _direction),
        _by_method(
            'The weaker of two voices (simulated): share within 10 degrees (%), 95 % interval',
            'level',
            of('weaker voice'),
            lambda row: f'{row["level_db"]:.0f} dB',
            _detection,
        ),
        _image(of('image')),
        _differences(of('image difference')),
    ]
    return [sheet for sheet in drawn if sheet.rows]


def _by_method(title: str, corner: str, rows: list[Row], label, cell) -> Sheet:
    """One line for each label, one column for each method."""
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        lines.setdefault(label(row), {})[row['method']] = cell(row)
    header = [corner, *(_NAMES[method] for method in METHODS)]
    return Sheet(title, header, [[name, *line.values()] for name, line in lines.items()])


def _room(row: Row) -> str:
    return f'{row["rt60_s"]:.1f} s, {row["snr_db"]:.0f} dB'


def _cast(row: Row) -> str:
    return f'{row["voices"]}, {row["motion"]}'


def _direction(row: Row) -> str:
    if row['median_deg'] is None:
        return '-'
    median, worse = row['median_deg'], row['p90_deg']
    return f'{median:.1f} / {worse:.0f} / {100 * row["detection_rate"]:.0f}'


def _detection(row: Row) -> str:
    rate = {'detection': row['detection_rate'], **row}
    return with_interval(rate, 'detection', '.0f', 100)


def _image(rows: list[Row]) -> Sheet:
    header = ['measure', *_SCORES.values(), *(f'published {name}' for name in _SCORES.values())]
    lines = [
        [
            _NAMES[row['measure']],
            *(f'{row[name]:.2f}' for name in _SCORES),
            *(f'{row[f"published_{name}"]:.2f}' for name in _SCORES),
        ]
        for row in rows
    ]
    about = ''
    if rows:
        about = (
            f'; {rows[0]["recordings"]} recordings, {rows[0]["images_without_face"]} of '
            f'{rows[0]["images"]} images without a face'
        )
    title = f'In the image (simulated; published figures are of AV16.3{about})'
    return Sheet(title, header, sorted(lines, key=lambda line: _order(line[0])))


def _order(name: str) -> int:
    return [_NAMES[measure] for measure in reversed(MEASURES)].index(name)


def _differences(rows: list[Row]) -> Sheet:
    header = ['difference', 'score', 'simulated', '95 % interval', 'published', 'order']
    lines = []
    for row in rows:
        interval = '-' if row['low'] is None else f'{row["low"]:+.2f} to {row["high"]:+.2f}'
        verdict = 'as published' if row['as_published'] else 'reversed'
        if not row['significant']:
            verdict = 'not told apart'
        lines.append(
            [
                f'{_NAMES[row["measure"]]} - {_NAMES[row["than"]]}',
                _SCORES[row['score']],
                f'{row["difference"]:+.2f}',
                interval,
                f'{row["published_difference"]:+.2f}',
                verdict,
            ]
        )
    return Sheet('Differences in the image (simulated), paired by recording', header, lines)
