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

"""Who speaks: a probability with attack, release and hysteresis."""

from __future__ import annotations

import numpy as np


class SpeakingFilter:
    """Follow the speaking evidence of one track and decide with hysteresis.

    An exponential average ``p += (1 - exp(-dt / T)) (e - p)`` of the evidence ``e``, whose time
    constant ``T`` is the attack while the evidence is above the average and the release while it
    is below, as in the envelope follower of a level meter: words begin at once, and the gaps
    between them are bridged. Each track decides for itself, so several people may speak at once.

    Parameters
    ----------
    attack, release : float
        Time constants of the average (s).
    on, off : float
        Speaking begins above `on` and ends below `off`.
    """

    def __init__(self, attack: float, release: float, on: float, off: float) -> None:
        self.probability = 0.0
        self.is_speaking = False
        self.set_limits(attack, release, on, off)

    def set_limits(self, attack: float, release: float, on: float, off: float) -> None:
        """Decide otherwise from now on; parameters as of the class."""
        self._attack, self._release, self._on, self._off = attack, release, on, off

    def update(self, evidence: float, seconds: float) -> None:
        """Take in the evidence (0..1) of the `seconds` since the last update."""
        memory = self._attack if evidence > self.probability else self._release
        weight = 1 - np.exp(-seconds / memory) if memory > 0 else 1.0
        self.probability += weight * (evidence - self.probability)
        threshold = self._off if self.is_speaking else self._on
        self.is_speaking = self.probability > threshold
