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
_COLUMNS = 4
_MEANINGS = {
    'position': 'place of the mouth',
    'person': 'is somebody there?',
    'visible': 'is the head seen?',
    'speaking': 'does the person speak?',
    'quality': 'quality of the result',
    'cross': 'L_cc: sound against face',
    'visual': 'L_vc: one face over time',
    'quintuplet': 'L_qui: quintuplets',
    'alignment': "features against teachers'",
    'guidance': "fused features against teachers'",
    'logits': "places against teachers'",
    'soft': "places against teachers'",
    'visual_teacher': 'teacher for sight',
    'audio_teacher': 'teacher for sound',
    'visual_generator': 'generator for sight',
    'audio_generator': 'generator for sound',
    'visual_discriminator': 'discriminator for sight',
    'audio_discriminator': 'discriminator for sound',
}
"""What a panel is called; a loss that is not listed keeps its own name."""


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
    columns = min(_COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(2.8 * columns, 2.2 * lines + 0.4), layout='constrained')
    panels = figure.subplots(lines, columns, squeeze=False).flat
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes, name in zip(panels, names, strict=False):
        for prefix, style in ((_TRAINING, '-'), (_VALIDATION, '--')):
            values = [row.get(prefix + name, float('nan')) for row in rows]
            axes.plot(minutes, values, style, label=prefix.rstrip('_'))
        axes.set_title(_MEANINGS.get(name, name), fontsize=9)
        axes.set_xlabel('minutes', fontsize=8)
        axes.tick_params(labelsize=8)
    figure.supylabel('loss', fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), loc='outside upper center', ncols=2)
    figure.savefig(path, dpi=90)
