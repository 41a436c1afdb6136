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

"""Learning curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

_TRAINING, _VALIDATION = 'training_', 'validation_'


def draw_curves(rows: Sequence[dict[str, float]], path: Path) -> None:
    """Draw each loss over the minutes of training, in training and in validation.

    Parameters
    ----------
    rows : sequence of dict
        ``minutes``, and losses by name behind ``training_`` and ``validation_``.
    path : Path
        Picture to write.
    """
    names = sorted(
        {key.removeprefix(_TRAINING) for row in rows for key in row if key.startswith(_TRAINING)}
    )
    minutes = [row['minutes'] for row in rows]
    figure = Figure(figsize=(3.2 * len(names), 2.6), layout='constrained')
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for prefix, style in ((_TRAINING, '-'), (_VALIDATION, '--')):
            values = [row.get(prefix + name, float('nan')) for row in rows]
            axes.plot(minutes, values, style, label=prefix.rstrip('_'))
        axes.set(title=name, xlabel='minutes')
    figure.legend(*axes.get_legend_handles_labels(), loc='outside upper right')
    figure.savefig(path, dpi=90)
