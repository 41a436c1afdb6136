# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Averages that know when there is nothing to average."""

from __future__ import annotations

import numpy as np


def mean(values: np.ndarray) -> float:
    """Arithmetic mean; NaN of nothing."""
    return float(np.mean(values)) if np.size(values) else float('nan')


def median(values: np.ndarray) -> float:
    """Middle value; NaN of nothing."""
    return float(np.median(values)) if np.size(values) else float('nan')


def ratio(part: float, whole: float) -> float:
    """Quotient; NaN of nothing."""
    return part / whole if whole else float('nan')
