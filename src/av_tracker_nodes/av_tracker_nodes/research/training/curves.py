# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
