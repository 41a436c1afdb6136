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

"""What a Siamese network gains by knowing how good its results are: its thresholds, swept."""

from __future__ import annotations

from av_tracker_nodes.research.experiments.comparison.models import Entry

PUBLISHED = {'update': 0.985, 'reset': 0.94}
"""Of STNet: results are off by 0.6 and 2.4 pixels of the search crop."""

UNAWARE = {'update': 1.01, 'reset': -0.01}
"""Qualities that no result has: the first template for ever, and every result is believed."""

_SWEPT = ((0.7, 0.6), (0.85, 0.75), (0.9, 0.85), (0.93, 0.9), (0.95, 0.92), (0.97, 0.95))
"""Pairs to update from, and to reset up to: results off by up to 12, 6, 4, 3, 2 and 1 pixels renew
the template."""


def quality_entries(model: str) -> list[Entry]:
    """Make the rows of the table: a network with its own thresholds, and with others.

    Parameters
    ----------
    model : str
        A network that predicts quality, or path of an ONNX file.
    """
    others = {
        'published thresholds': PUBLISHED,
        'unaware of quality': UNAWARE,
        'always updated': {'update': 0.0, 'reset': -0.01},
        **{
            f'{update:.2f} and {reset:.2f}': {'update': update, 'reset': reset}
            for update, reset in _SWEPT
        },
    }
    return [
        Entry('as it is', model),
        *(Entry(name, model, thresholds=thresholds) for name, thresholds in others.items()),
    ]
