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

"""Vision-guided weak sound source weighted enhancement: V-WSWE, AVCLNet eqs 3-8.

With ``R_t`` the vision-guided map of a face at image t, over its box, and ``G_t`` its values::

    max_t = max G_t(x, y, d)                                      (3)
    avg_t = 1/(w h) sum_x sum_y G_t(x, y, d)                      (4)
    w_(t-m) = alpha max_(t-m) avg_(t-m) / m,    m = 1 ... n       (5)
    w_t = 0.5,    sum_m w_(t-m) = 0.5                             (6)
    Ev_t = w_t R_t + sum_m w_(t-m) R_(t-m)                        (7)
    M_t = {Ev_t of every face}                                    (8)

The equations leave open what a negative field weighs and what takes the place of history that is
missing: a weight is 0 at least, alpha makes up for maps that are missing or weigh nothing, and
without any that weighs the current map is shown as it is.
"""

from __future__ import annotations

from collections import deque

import numpy as np

_CURRENT_WEIGHT = 0.5


class WeightedHistory:
    """Adds the maps of a face over the last images, by weights that prefer loud ones.

    Maps are over box-relative coordinates, so they add point by point while the face moves.

    Parameters
    ----------
    length : int
        Earlier images that count (n of eq 5).
    """

    def __init__(self, length: int = 3) -> None:
        self._length = length
        self._maps: dict[int, deque[tuple[int, np.ndarray]]] = {}

    def reset(self) -> None:
        """Forget everything."""
        self._maps.clear()

    def enhance(self, tracklet: int, image: int, current: np.ndarray) -> np.ndarray:
        """Enhance the map of a face, and remember it.

        Parameters
        ----------
        tracklet : int
            Short-term identity; 0 has no history.
        image : int
            Count of the image.
        current : np.ndarray, shape (rows, columns)
            Vision-guided map.

        Returns
        -------
        np.ndarray, shape (rows, columns)
            Weighted sum (eq 7).
        """
        if tracklet == 0:
            return current
        past = self._maps.setdefault(tracklet, deque(maxlen=self._length))
        recent = [(image - at, values) for at, values in past if image - at <= self._length]
        enhanced = combine(current, recent)
        past.append((image, current))
        return enhanced

    def forget_before(self, image: int) -> None:
        """Drop faces that were last seen more than the history before an image."""
        ended = [key for key, past in self._maps.items() if image - past[-1][0] > self._length]
        for key in ended:
            del self._maps[key]


def combine(current: np.ndarray, past: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """Sum maps by their weights (eqs 3-7).

    Parameters
    ----------
    current : np.ndarray, shape (rows, columns)
    past : list of (int, np.ndarray)
        Images ago, and map.

    Returns
    -------
    np.ndarray, shape (rows, columns)
    """
    weights = [max(float(v.max()), 0) * max(float(v.mean()), 0) / ago for ago, v in past]
    total = sum(weights)
    if total <= 0:
        return current
    share = (1 - _CURRENT_WEIGHT) / total
    history = sum(
        share * weight * values for weight, (_, values) in zip(weights, past, strict=True)
    )
    return (_CURRENT_WEIGHT * current + history).astype(current.dtype)
