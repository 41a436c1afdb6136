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

"""Places of people as acoustic maps tell them, without any tracker."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry import Camera, Rig
from av_tracker_nodes.geometry.grid import box_grid, image_grid
from av_tracker_nodes.geometry.region import SourceRegion
from av_tracker_nodes.types import AcousticMap, Face, FaceSound

APART = np.radians(10.0)
"""Least angle between two peaks of one map, as seen from the centre of the microphones."""


class MapView:
    """Reads places off maps of the whole image.

    Parameters
    ----------
    rig : Rig
    """

    def __init__(self, rig: Rig) -> None:
        self._camera = rig.camera_in_array
        self._region = SourceRegion.of(rig)
        self._ears = rig.microphones.centre
        self._pitch, self._rays = 0.0, np.empty((0, 3))

    def peaks(self, sound: AcousticMap, count: int) -> np.ndarray:
        """Find the highest points of the map in the room, `APART` or more from each other.

        Parameters
        ----------
        sound : AcousticMap
        count : int

        Returns
        -------
        np.ndarray, shape (at most count, 3)
            Metres, array frame, highest first.
        """
        if sound.pitch != self._pitch:
            pixels = image_grid(self._camera.size, sound.pitch).reshape(-1, 2)
            self._pitch, self._rays = sound.pitch, self._camera.back_project(pixels)
        centre = self._camera.centre
        points = centre + sound.depth * (self._rays - centre)
        values = np.where(self._region.contains(points), sound.values.ravel(), -np.inf)
        return points[highest(values, unit(points - self._ears), count)]


def peak_of_face(camera: Camera, face: Face, sound: FaceSound) -> np.ndarray:
    """Find the point (3,) (m) where the map of a face is highest, at the range that it tells."""
    rows, columns = sound.values.shape
    pixel = box_grid(face.box, rows, columns).reshape(-1, 2)[np.argmax(sound.values)]
    return camera.centre + sound.range * camera.rays(pixel)


def highest(values: np.ndarray, towards: np.ndarray, count: int) -> list[int]:
    """Pick the highest values, each `APART` or more from the ones before.

    Parameters
    ----------
    values : np.ndarray, shape (n,)
        Minus infinity where nothing can be.
    towards : np.ndarray, shape (n, 3)
        Unit vectors.
    count : int

    Returns
    -------
    list of int
        Indices, highest first.
    """
    values, picked = np.array(values, float), []
    while len(picked) < count and np.isfinite(values).any():
        picked.append(int(np.argmax(values)))
        values[towards @ towards[picked[-1]] > np.cos(APART)] = -np.inf
    return picked


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (..., 3) to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
