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

"""What of truth and tracks is compared in the image, and how near is near enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry.head import box_centre, mouth_pixel
from av_tracker_nodes.research.evaluation.truth import Truth


@dataclass(frozen=True)
class Scoring:
    """How a protocol compares.

    Attributes
    ----------
    target : str
        ``box``: the centre of the face box; ``mouth``.
    gate_share : float
        Longest distance of a match as a share of the diagonal of the image; 1/15 by AVCLNet,
        section 4.1.
    success_share : float
        Largest error of a success as a share of the diagonal of the true box; half by GLDTracker,
        section IV-A.
    """

    target: str = 'box'
    gate_share: float = 1 / 15
    success_share: float = 1 / 2

    def points_of_truth(self, truth: Truth) -> np.ndarray:
        """Points that are compared (pixels), shape (people, n, 2)."""
        return truth.pixel if self.target == 'mouth' else truth.centre

    def points_of_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Points of face boxes (..., 4) that are compared (pixels), shape (..., 2)."""
        return mouth_pixel(boxes) if self.target == 'mouth' else box_centre(boxes)
