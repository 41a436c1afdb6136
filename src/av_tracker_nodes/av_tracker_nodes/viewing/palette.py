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

"""Colours of tracks, the same in every picture, told apart by colour-blind eyes too."""

from __future__ import annotations

_COLOURS = (
    (0.84, 0.37, 0.00),
    (0.00, 0.45, 0.70),
    (0.00, 0.62, 0.45),
    (0.80, 0.47, 0.65),
    (0.90, 0.62, 0.00),
    (0.34, 0.71, 0.91),
)
"""Red, green, blue, 0..1 (Okabe and Ito)."""


def colour_of(track: int) -> tuple[float, float, float]:
    """Return red, green and blue, 0..1, for the id of a track."""
    return _COLOURS[(track - 1) % len(_COLOURS)]


def bgr_of(track: int) -> tuple[int, int, int]:
    """Return blue, green and red, 0..255, for the id of a track."""
    red, green, blue = colour_of(track)
    return round(255 * blue), round(255 * green), round(255 * red)
