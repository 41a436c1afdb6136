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

"""The light of a simulated room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lighting:
    """Light from above, from one side, and what walls and floor throw back.

    Attributes
    ----------
    direction : np.ndarray, shape (3,)
        Unit vector towards the window or lamp.
    key, sky, ground : np.ndarray, shape (3,)
        Strength of the light from there, from above and from below; blue, green, red.
    """

    direction: np.ndarray
    key: np.ndarray
    sky: np.ndarray
    ground: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Lighting:
        """Draw the light of a scene; the side of the windows (-x) is where the cameras are."""
        azimuth = np.pi + rng.uniform(-1.1, 1.1)
        elevation = rng.uniform(0.3, 0.9)
        direction = np.array(
            [
                np.cos(azimuth) * np.cos(elevation),
                np.sin(azimuth) * np.cos(elevation),
                np.sin(elevation),
            ]
        )
        tint = np.array([rng.uniform(-0.08, 0.08), 0.0, 0.0])
        tint[2] = -tint[0]
        share = rng.uniform(0.35, 0.6)
        return cls(
            direction=direction,
            key=share * (1 + tint),
            sky=(1.0 - share) * (1 - tint),
            ground=rng.uniform(0.3, 0.42) * np.array([0.92, 0.97, 1.05]),
        )

    def shade(self, albedo: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Reflected light, linear, shape (n, 3), of surfaces with albedo and normals (n, 3)."""
        upward = 0.5 + 0.5 * normals[:, 2:]
        facing = np.maximum(normals @ self.direction, 0)[:, None]
        light = self.ground + (self.sky - self.ground) * upward + self.key * facing
        return albedo * light


def encode(light: np.ndarray) -> np.ndarray:
    """Linear light 0..1 as it is stored in pictures, 0..255: a gamma of 2."""
    return 255 * np.sqrt(np.clip(light, 0, 1))
