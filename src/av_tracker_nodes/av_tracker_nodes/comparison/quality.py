# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What a Siamese network gains by knowing how good its results are: its thresholds, swept."""

from __future__ import annotations

from av_tracker_nodes.comparison.models import Contender

PUBLISHED = {'update': 0.985, 'reset': 0.94}
"""Of STNet: results are off by 0.6 and 2.4 pixels of the search crop."""

UNAWARE = {'update': 1.01, 'reset': -0.01}
"""Qualities that no result has: the first template for ever, and every result is believed."""

_UPDATES, _RESETS = (0.8, 0.85, 0.9, 0.95), (0.2, 0.4, 0.6, 0.8)


def quality_contenders(model: str) -> list[Contender]:
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
        **{f'update from {value}': {'update': value} for value in _UPDATES},
        **{f'reset up to {value}': {'reset': value} for value in _RESETS},
    }
    return [
        Contender('as it is', model),
        *(Contender(name, model, thresholds=thresholds) for name, thresholds in others.items()),
    ]
