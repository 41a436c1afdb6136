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

"""Published results, as printed, with their sources.

Runs are named by sequence and camera, scores as in ``metrics.json``. Where a table prints runs and
their mean, the mean is recomputed; where both disagree, the row says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

TRUTH = 'true box'
DETECTIONS = 'detections'
UNKNOWN = 'not said'

_ROUNDING = 0.011
"""Of two digits, with runs that are rounded as well."""


@dataclass(frozen=True)
class PublishedRow:
    """A row of a published table.

    Attributes
    ----------
    method : str
    source : str
    initialisation : str
        How the tracker starts: `TRUTH`, `DETECTIONS` or `UNKNOWN`.
    means : mapping of str to float
        By score, as printed.
    runs : mapping of str to mapping of str to float
        By score, then by run (``seq08-cam1``).
    note : str
        What else must be known.
    """

    method: str
    source: str
    initialisation: str
    means: Mapping[str, float]
    runs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    note: str = ''

    def contradictions(self) -> dict[str, float]:
        """Recompute means that are not those of the printed runs, to rounding."""
        recomputed = {
            score: float(np.mean(list(runs.values()))) for score, runs in self.runs.items()
        }
        return {
            score: mean
            for score, mean in recomputed.items()
            if abs(mean - self.means[score]) > _ROUNDING
        }


def _runs(sequences: Sequence[str]) -> list[str]:
    return [f'{sequence}-cam{camera}' for sequence in sequences for camera in (1, 2, 3)]


_SINGLE = _runs(('seq08', 'seq11', 'seq12'))
_TWO = _runs(('seq24', 'seq25', 'seq30'))
_MANY = [*_TWO, *_runs(('seq45',))]

_GLD = 'GLDTracker, arXiv 2408.14585, table 1'
_AVCL = 'AVCLNet, CAAI Trans. Intell. Technol. 2025, table 1'
_AVCL_CAV3D = 'AVCLNet, table 2'
_LIKELY = 'MOTA and MOTP: the columns of the printed table are hard to tell apart; likely these'

# Table 1 of GLDTracker, standard: method, how it starts, MAE of nine runs, printed mean.
_STANDARD = (
    ('audio only', UNKNOWN, 32.87, 18.76, 27.01, 28.27, 24.16, 25.66, 40.67, 24.26, 34.02, 28.40),
    ('visual only', UNKNOWN, 21.41, 16.58, 15.73, 14.69, 16.42, 21.54, 17.83, 19.03, 22.29, 18.39),
    ('AV-A', UNKNOWN, 10.75, 7.33, 9.85, 14.66, 14.01, 13.96, 12.49, 10.81, 11.86, 11.47),
    ('AV3T', TRUTH, 4.22, 6.32, 6.32, 9.27, 9.79, 7.72, 10.24, 19.21, 16.01, 9.90),
    ('2LPF', UNKNOWN, 3.32, 3.08, 3.47, 6.15, 5.58, 3.86, 4.11, 5.39, 5.65, 4.51),
    ('MPT', UNKNOWN, 3.67, 3.58, 3.43, 6.77, 4.55, 3.84, 4.67, 4.84, 3.78, 4.34),
    ('NPF', UNKNOWN, 3.01, 2.30, 3.59, 5.43, 4.60, 6.28, 4.23, 4.53, 4.25, 4.25),
    ('GLDTracker', UNKNOWN, 3.56, 3.23, 3.39, 3.02, 2.90, 3.77, 3.66, 3.87, 2.09, 3.28),
)

# The same, incomplete: MAE, then (below) ACC.
_INCOMPLETE = (
    (
        *('audio only', UNKNOWN),
        *(177.85, 154.46, 150.47, 143.92, 162.45, 139.86, 154.23, 140.15, 135.94, 151.04),
    ),
    (
        *('visual only', UNKNOWN),
        *(103.46, 181.32, 141.76, 30.12, 116.87, 86.86, 93.07, 145.54, 157.37, 117.40),
    ),
    (
        *('2LPF (16 channels)', UNKNOWN),
        *(94.45, 75.41, 68.54, 26.35, 111.47, 49.97, 122.72, 104.30, 144.25, 88.60),
    ),
    ('MPT', UNKNOWN, 28.69, 16.54, 24.19, 24.48, 29.83, 26.97, 32.52, 29.58, 24.32, 26.34),
    ('GLDTracker', UNKNOWN, 38.92, 15.02, 22.46, 9.26, 25.11, 27.36, 25.92, 27.49, 26.39, 24.21),
)
_INCOMPLETE_ACC = {
    '2LPF (16 channels)': (
        *(42.97, 62.42, 50.51, 82.91, 27.31, 50.00, 16.87, 31.15, 25.48, 43.29),
    ),
    'MPT': (63.47, 76.94, 73.17, 77.83, 62.14, 66.24, 61.59, 62.91, 72.98, 68.58),
    'GLDTracker': (84.02, 78.46, 65.09, 95.41, 79.16, 72.38, 79.19, 71.84, 78.32, 78.21),
}

# Table 1 of AVCLNet: MAE of twelve runs, printed mean.
_SPEAKERS = (
    (
        *('audio only', UNKNOWN, 48.73, 40.25, 44.10, 52.64, 44.89, 43.97),
        *(48.37, 76.52, 59.26, 53.64, 83.13, 77.35, 56.07),
    ),
    (
        *('visual only', UNKNOWN, 27.32, 29.66, 32.21, 21.30, 27.89, 35.34),
        *(48.91, 35.43, 30.96, 32.26, 50.11, 39.73, 34.34),
    ),
    (
        *('SMC-PHD', UNKNOWN, 18.43, 12.22, 14.75, 15.55, 19.12, 12.40),
        *(16.91, 11.42, 11.30, 20.04, 24.64, 22.97, 16.65),
    ),
    (
        *('AV3T', TRUTH, 4.45, 38.21, 34.55, 12.33, 9.12, 9.15),
        *(7.23, 6.69, 5.16, 16.35, 25.13, 19.17, 15.63),
    ),
    (
        *('AV-HuBERT variant', DETECTIONS, 20.94, 6.91, 5.83, 5.14, 7.01, 9.23),
        *(18.32, 19.68, 14.89, 22.84, 21.31, 20.17, 14.36),
    ),
    (
        *('STNet', TRUTH, 4.26, 5.02, 25.49, 20.79, 6.51, 10.16),
        *(16.33, 4.85, 4.72, 17.30, 16.45, 16.03, 12.32),
    ),
    (
        *('AVCLNet', DETECTIONS, 13.38, 4.95, 15.79, 8.70, 9.56, 12.21),
        *(10.65, 3.98, 11.35, 9.14, 18.56, 10.27, 10.70),
    ),
)
_SPEAKERS_MEANS = {
    'audio only': ({'mota': 49.62, 'motp_px': 14.01}, ''),
    'visual only': ({'mota': 62.73, 'motp_px': 9.77}, ''),
    'STNet': ({'mota': 83.18, 'motp_px': 5.83}, _LIKELY),
    'AVCLNet': ({'mota': 83.94, 'motp_px': 5.65, 'ids': 147}, 'IDS: table 6'),
}


def _rows(
    source: str,
    table: Sequence[tuple],
    runs: Sequence[str],
    shares: Mapping[str, tuple] | None = None,
    others: Mapping[str, tuple[dict[str, float], str]] | None = None,
) -> list[PublishedRow]:
    """Make the rows of a table of MAE, with ACC likewise, and with other means and notes."""
    rows = []
    for method, start, *errors in table:
        printed = {'mae_px': errors}
        if method in (shares or {}):
            printed['acc'] = shares[method]
        more, note = (others or {}).get(method, ({}, ''))
        means = {score: mean for score, (*_, mean) in printed.items()} | more
        by_run = {
            score: dict(zip(runs, values, strict=True)) for score, (*values, _) in printed.items()
        }
        rows.append(PublishedRow(method, source, start, means, by_run, note))
    return rows


_STANDARD_ROWS = _rows(
    _GLD, _STANDARD, _SINGLE, others={'GLDTracker': ({'acc': 99.08}, 'ACC: table 2')}
)
_INCOMPLETE_ROWS = _rows(_GLD, _INCOMPLETE, _SINGLE, _INCOMPLETE_ACC)
_SPEAKERS_ROWS = _rows(_AVCL, _SPEAKERS, _MANY, others=_SPEAKERS_MEANS)


def _two_speakers() -> list[PublishedRow]:
    """Rows of AVCLNet's table, over the sequences of STNet."""
    note = 'mean of the nine printed runs of seq24, seq25 and seq30'
    rows = []
    for row in _SPEAKERS_ROWS:
        runs = {run: row.runs['mae_px'][run] for run in _TWO}
        mean = round(float(np.mean(list(runs.values()))), 2)
        rows.append(replace(row, means={'mae_px': mean}, runs={'mae_px': runs}, note=note))
    return rows


_GEOPEAK = 'GeoPeak3D (github.com/langlibai66/GeoPeak3D), an independent implementation'

PUBLISHED: dict[str, tuple[PublishedRow, ...]] = {
    'stnet-sot': (
        PublishedRow('GCF (sound alone)', _GEOPEAK, UNKNOWN, {'mae_px': 37.8, 'mae_3d_m': 0.403}),
        PublishedRow(
            'stGCF (sound alone)', _GEOPEAK, UNKNOWN, {'mae_px': 22.9, 'mae_3d_m': 0.327}
        ),
        *_STANDARD_ROWS,
        PublishedRow('STNet', 'STNet, IEEE Trans. Multimedia 2024', TRUTH, {'mae_px': 3.53}),
        PublishedRow(
            'MSMD-AVT',
            'curriculum vitae of an author',
            TRUTH,
            {'mae_px': 3.02},
            note='the paper itself has not been at hand',
        ),
    ),
    'stnet-mot': tuple(_two_speakers()),
    'gld-standard': tuple(_STANDARD_ROWS),
    'gld-incomplete': tuple(_INCOMPLETE_ROWS),
    'avcl-mot': tuple(_SPEAKERS_ROWS),
    'cav3d-sot': (
        PublishedRow('STNet', 'STNet, IEEE Trans. Multimedia 2024', TRUTH, {'mae_px': 7.26}),
    ),
    'cav3d-mot': (
        PublishedRow('audio only', _AVCL_CAV3D, UNKNOWN, {'mae_px': 39.61, 'mae_star_px': 9.55}),
        PublishedRow('visual only', _AVCL_CAV3D, UNKNOWN, {'mae_px': 22.19, 'mae_star_px': 5.67}),
        PublishedRow(
            'AV-HuBERT variant', _AVCL_CAV3D, DETECTIONS, {'mae_px': 15.02, 'mae_star_px': 5.14}
        ),
        PublishedRow('AV3T', _AVCL_CAV3D, TRUTH, {'mae_px': 10.10, 'mae_star_px': 4.90}),
        PublishedRow('STNet', _AVCL_CAV3D, TRUTH, {'mae_px': 12.38, 'mae_star_px': 4.82}),
        PublishedRow(
            'AVCLNet',
            'AVCLNet, tables 2 and 6',
            DETECTIONS,
            {'mae_px': 10.04, 'mae_star_px': 4.56, 'mota': 81.17, 'motp_px': 5.72, 'ids': 163},
            note='two of the five sequences, which is not said',
        ),
    ),
    'simulated': (),
}
"""Rows of each protocol."""
