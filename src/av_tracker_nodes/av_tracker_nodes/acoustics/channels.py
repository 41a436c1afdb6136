# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Microphones that hear nothing."""

from __future__ import annotations

import numpy as np

_FAR_BELOW = 1e-4
"""Power relative to that of a good channel (-40 dB) at which a channel counts as dead."""

_GOOD_QUANTILE = 0.75
"""A channel at this quantile is taken as good: up to three quarters may be dead."""


def dead_channels(power: np.ndarray) -> np.ndarray:
    """Find dead channels.

    Parameters
    ----------
    power : np.ndarray, shape (channels,)
        Mean power within the band that is correlated, so that a constant offset does not count.

    Returns
    -------
    np.ndarray, shape (channels,), bool
        True for channels that are silent while others are not.
    """
    return power < _FAR_BELOW * np.quantile(power, _GOOD_QUANTILE)
