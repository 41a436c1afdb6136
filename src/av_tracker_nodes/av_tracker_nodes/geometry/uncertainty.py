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

"""How uncertain the described geometry of the sensors is."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True)
class RigUncertainty:
    """Standard deviations of the geometry of a rig; zero if it was calibrated.

    Attributes
    ----------
    angle_std : float
        Direction of the sensors (rad).
    position_std : float
        Place of the sensors (m).
    focal_std : float
        Focal length, as a share of it.
    microphone_std : float
        Place of each microphone in its array (m).
    """

    angle_std: float = 0.0
    position_std: float = 0.0
    focal_std: float = 0.0
    microphone_std: float = 0.0

    def worst(self, other: RigUncertainty) -> RigUncertainty:
        """Take the larger of each value, for two sensors together."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return RigUncertainty(*(max(pair) for pair in pairs))

    def widen(
        self, covariance: np.ndarray, line: np.ndarray, along_std: float = 0.0
    ) -> np.ndarray:
        """Add the uncertainty of the rig to the covariance of a position.

        Parameters
        ----------
        covariance : np.ndarray, shape (3, 3)
            Without it (m^2).
        line : np.ndarray, shape (3,)
            From the sensor to the position (m).
        along_std : float
            Share of the distance that is uncertain along the line: `focal_std` where a range was
            read off the size of a face.

        Returns
        -------
        np.ndarray, shape (3, 3)
        """
        if self == RigUncertainty():
            return covariance
        along = np.outer(line, line)
        across = (line @ line) * np.eye(3) - along
        return (
            covariance
            + self.angle_std**2 * across
            + along_std**2 * along
            + self.position_std**2 * np.eye(3)
        )
