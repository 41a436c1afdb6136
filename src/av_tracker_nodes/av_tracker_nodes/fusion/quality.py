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

"""How good the result of a search is, as STNet's quality-aware module predicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.fusion.search import QUALITY_DECAY


@dataclass(frozen=True)
class QualityThresholds:
    """Predicted qualities at which a person's template is treated otherwise.

    Attributes
    ----------
    update : float
        From here on the template is renewed by what was found.
    reset : float
        Up to here what was found is not believed: the person is taken from the face detector.
    speaking : float
        The person speaks: this probability of the network is published as 0.5.
    """

    update: float = 0.95
    reset: float = 0.92
    speaking: float = 0.5


def quality_of(error: np.ndarray) -> np.ndarray:
    """Quality of results that are off by `error` (pixels of the search crop), in (0, 1].

    ``2 / (exp(0.05 d) + 1)``, STNet.
    """
    return 2 / (np.exp(QUALITY_DECAY * error) + 1)


def expected_error(quality: float) -> float:
    """Error (pixels of the search crop) of results of a quality; the inverse of `quality_of`."""
    return float(np.log(2 / max(quality, 1e-3) - 1) / QUALITY_DECAY)
