# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Who speaks: a probability with memory and hysteresis."""

from __future__ import annotations

import numpy as np


class SpeakingFilter:
    """Average the speaking evidence of one track and decide with hysteresis.

    Parameters
    ----------
    memory : float
        Time constant of the average (s).
    on, off : float
        Speaking begins above `on` and ends below `off`.
    """

    def __init__(self, memory: float, on: float, off: float) -> None:
        self.probability = 0.0
        self.is_speaking = False
        self.set_limits(memory, on, off)

    def set_limits(self, memory: float, on: float, off: float) -> None:
        """Decide otherwise from now on; parameters as of the class."""
        self._memory, self._on, self._off = memory, on, off

    def update(self, evidence: float, seconds: float) -> None:
        """Take in the evidence (0..1) of the `seconds` since the last update."""
        weight = 1 - np.exp(-seconds / self._memory) if self._memory > 0 else 1.0
        self.probability += weight * (evidence - self.probability)
        threshold = self._off if self.is_speaking else self._on
        self.is_speaking = self.probability > threshold
