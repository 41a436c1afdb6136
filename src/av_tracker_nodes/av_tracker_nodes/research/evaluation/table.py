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

"""Scores as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console

from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, print_sheets

COLUMNS = {
    'MOTA %': ('mota', 1),
    'IDF1 %': ('idf1', 1),
    'HOTA %': ('hota', 1),
    'ACC %': ('acc', 1),
    'MAE px': ('mae_px', 2),
    'MAE* px': ('mae_star_px', 2),
    'MOTP px': ('motp_px', 2),
    'IDS': ('ids', 0),
    'FP': ('fp', 0),
    'FN': ('fn', 0),
    '3-D m': ('mae_3d_m', 3),
    'speaking m': ('mae_3d_speaking_m', 3),
    'silent m': ('mae_3d_silent_m', 3),
    'range %': ('range_error_percent', 1),
    'in 3 sigma': ('coverage_3sigma', 3),
    'in 95 %': ('coverage_95', 3),
    'speaking F1': ('speaking_f1', 3),
    'voice 10 deg': ('voice_recall_10deg', 3),
    'voice deg': ('voice_direction_median_deg', 1),
    'face away': ('face_away_recall', 3),
    'frames': ('frames_scored', 0),
    'real time': ('realtime_factor', 2),
}


def print_table(metrics: Sequence[dict], console: Console | None = None) -> None:
    """Print scores of runs side by side, and their plain mean when there are several.

    Parameters
    ----------
    metrics : sequence of dict
        What :func:`~av_tracker_nodes.research.evaluation.metrics.evaluate` returns.
    console : rich.console.Console, optional
    """
    simulated = any(run['simulated'] for run in metrics)
    header = [
        f'{run["sequence"]}\ncamera {run["camera"]}'
        + (f'\n{run["model"]}' if run.get('model') else '')
        for run in metrics
    ]
    if len(metrics) > 1:
        header.append('mean')
    rows = []
    for name, (key, digits) in COLUMNS.items():
        values = [run.get(key) for run in metrics]
        known = [value for value in values if value is not None]
        if known:
            means = [float(np.mean(known))] if len(metrics) > 1 else []
            rows.append([name, *(figure(value, f'.{digits}f') for value in [*values, *means])])
    title = 'Scores' + (' (simulated recordings)' if simulated else '')
    print_sheets([Sheet(title, ['', *header], rows)], console)
