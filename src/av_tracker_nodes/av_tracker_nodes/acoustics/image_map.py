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

"""The coherence field over the image at several depths, without tables.

From one point of the image to the next the delays change by a small part of a period, so that
the field is smooth there. It is evaluated on a lattice as wide as the steepest delay allows, and
a cubic spline leads through it. Travel times are taken on the fly: when the camera moves, only
the lattice moves, and nothing has to be built again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import make_interp_spline

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.ray_map import RayMap

_SPACINGS = tuple(2 ** (half / 2) for half in range(7, -1, -1))
"""Points of the map from one node of a lattice to the next: 11.3, 8, 5.7 ... 1."""

_PROBE_SPACING = 8.0
"""Spacing of the nodes at which the steepness of the delays is looked at."""

_MOST_CYCLES = 0.35
"""Periods of the highest frequency by which a delay may change from node to node. Chosen on white
noise, which fills the whole band and has no source, so that no map of three camera poses was off
by more than 2 % of its range, microphone pairs of one array and of two."""

_DEGREE = 3

_NEAREST = 1e-3
"""Distance of a point from a microphone below which the point counts as so far away (m)."""

_FLATTEST = 1e-9
"""Change of a distance that stands for none (m)."""


@dataclass(frozen=True)
class Lattice:
    """Nodes of one spacing at the depths that it suffices for.

    Attributes
    ----------
    slices : np.ndarray, shape (depths,)
        Indices of the depths.
    points : np.ndarray, shape (depths, nodes down, nodes across, 3)
        Metres, array frame.
    down, across : np.ndarray, shapes (rows, nodes down) and (nodes across, columns), float32
        Splines from the nodes to the points of the map.
    """

    slices: np.ndarray
    points: np.ndarray
    down: np.ndarray
    across: np.ndarray


@dataclass(frozen=True)
class _Steepness:
    """How steep the distances from microphones are over a map, at any depth.

    A step s of the map changes the distance of a point p from a microphone m by
    ``(p - m).s / |p - m|``. The microphones that pairs connect, directly or in steps, bound the
    change of every pair among them. Points and steps grow with the depth d, so that products of
    those at a depth of 1 m are all that is needed.

    Attributes
    ----------
    groups : tuple of np.ndarray
        Microphones that are connected.
    squares : np.ndarray, shapes (1, nodes) and (microphones, 1)
        Of the rays, and of the microphones from the camera.
    facing : np.ndarray, shape (microphones, nodes)
        Microphones by rays.
    steps : tuple of (np.ndarray, np.ndarray)
        Down and across, steps by rays (nodes,) and by microphones (microphones, nodes).
    """

    groups: tuple[np.ndarray, ...]
    squares: tuple[np.ndarray, np.ndarray]
    facing: np.ndarray
    steps: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def over(
        cls,
        rays: np.ndarray,
        shape: tuple[int, int],
        delays: PairDelays,
        microphones: np.ndarray,
    ) -> _Steepness:
        """Prepare for a map of a shape with rays (down, across, 3) to nodes spread over it."""
        flat = rays.reshape(-1, 3)
        steps = []
        for axis, count in enumerate(shape):
            number = rays.shape[axis]
            if number > 1:
                step = np.gradient(rays, axis=axis) * ((number - 1) / (count - 1))
                step = step.reshape(-1, 3)
                steps.append(((flat * step).sum(axis=1), microphones @ step.T))
        squares = (flat**2).sum(axis=1)[None], (microphones**2).sum(axis=1)[:, None]
        return cls(delays.connected, squares, microphones @ flat.T, tuple(steps))

    def at(self, depths: np.ndarray) -> np.ndarray:
        """Return the steepest change of a difference of distances (m a point) at each depth."""
        return np.array([self._at(depth) for depth in depths])

    def _at(self, depth: float) -> float:
        rays, microphones = self.squares
        squares = depth**2 * rays - 2 * depth * self.facing + microphones
        scale = depth / np.sqrt(np.maximum(squares, _NEAREST**2))
        steepest = _FLATTEST
        for by_rays, by_microphones in self.steps:
            change = scale * (depth * by_rays - by_microphones)
            for group in self.groups:
                steepest = max(steepest, np.ptp(change[group], axis=0).max())
        return steepest


class ImageMap:
    """Maps the coherence field over the image of one camera pose.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
        Gives the lags.
    camera : Camera
        In the array frame.
    shape : tuple of int
        Rows and columns of the map.
    pitch : float
        Pixels from one point of the map to the next; points are the centres of cells.
    """

    def __init__(
        self,
        delays: PairDelays,
        gcc: GccPhat,
        camera: Camera,
        shape: tuple[int, int],
        pitch: float,
    ) -> None:
        self.shape = shape
        self._delays = delays
        self._lags_per_metre = 1 / (delays.speed * gcc.lag_step)
        self._cycles_per_metre = gcc.frequencies[-1] / delays.speed
        self._camera = camera
        self._pitch = pitch
        self._turned: dict[float, np.ndarray] = {}
        self._steepness = _Steepness.over(
            self._rays(_PROBE_SPACING), shape, delays, delays.microphones - camera.centre
        )
        self._depths: tuple[float, ...] = ()
        self._lattices: tuple[Lattice, ...] = ()

    def __call__(self, correlation: np.ndarray, depths: Sequence[float]) -> np.ndarray:
        """Evaluate the field.

        Parameters
        ----------
        correlation : np.ndarray, shape (pairs, lags), float32
        depths : sequence of float
            Along the optical axis (m).

        Returns
        -------
        np.ndarray, shape (depths, rows, columns), float32
            Mean over pairs.
        """
        result = np.empty((len(depths), *self.shape), np.float32)
        for lattice in self.lattices(depths):
            values = kernels.mean_at_points(
                correlation,
                lattice.points.reshape(-1, 3),
                self._delays.microphones,
                self._delays.pairs,
                self._lags_per_metre,
            )
            values = values.reshape(lattice.points.shape[:-1])
            if values.shape[1:] != self.shape:
                values = lattice.down @ values @ lattice.across
            result[lattice.slices] = values
        return result

    def lattices(self, depths: Sequence[float]) -> tuple[Lattice, ...]:
        """Lay lattices at depths (m); those of the last call are kept."""
        depths = tuple(float(depth) for depth in depths)
        if depths != self._depths:
            self._lattices = tuple(self._lay(np.array(depths)))
            self._depths = depths
        return self._lattices

    @property
    def nbytes(self) -> int:
        """Memory that the lattices take (bytes)."""
        return sum(
            array.nbytes
            for lattice in self._lattices
            for array in (lattice.points, lattice.down, lattice.across)
        )

    def _lay(self, depths: np.ndarray) -> list[Lattice]:
        allowed = _MOST_CYCLES / (self._cycles_per_metre * self._steepness.at(depths))
        widest = np.array([next((s for s in _SPACINGS if s <= most), 1) for most in allowed])
        lattices = []
        for spacing in np.unique(widest):
            slices = np.flatnonzero(widest == spacing)
            rays = self._rays(spacing)
            points = depths[slices, None, None, None] * rays
            points += self._camera.centre
            down, across = map(_spline, self.shape, rays.shape)
            lattices.append(Lattice(slices, points, down, across.T))
        return lattices

    def _rays(self, spacing: float) -> np.ndarray:
        """Vectors (down, across, 3) to the nodes of a spacing at a depth of 1 m."""
        if spacing not in self._turned:
            camera = self._camera
            lens = (camera.fx, camera.fy, camera.cx, camera.cy, camera.size)
            lens += (tuple(map(float, camera.distortion)), camera.skew, camera.model)
            rays = _rays_through(lens, self.shape, self._pitch, spacing)
            self._turned[spacing] = camera.pose.rotate(rays)
        return self._turned[spacing]


def _nodes(count: int, spacing: float) -> int:
    """Nodes over `count` points, both ends included, enough for the spline."""
    return max(int(np.ceil((count - 1) / spacing)) + 1, min(count, _DEGREE + 1))


@lru_cache(maxsize=32)
def _rays_through(lens: tuple, shape: tuple[int, int], pitch: float, spacing: float) -> np.ndarray:
    """Vectors to the nodes in the camera's own frame: the same wherever the camera looks."""
    v, u = (
        (np.linspace(0, count - 1, _nodes(count, spacing)) + 0.5) * pitch - 0.5 for count in shape
    )
    return _sight(lens).at_unit_depth(np.stack(np.meshgrid(u, v), axis=-1))


@lru_cache(maxsize=4)
def _sight(lens: tuple) -> RayMap:
    *numbers, model = lens
    return RayMap(Camera(*numbers, model=model))


@lru_cache(maxsize=64)
def _spline(count: int, nodes: int) -> np.ndarray:
    """Matrix (count, nodes) that leads a cubic spline through evenly spaced nodes."""
    if nodes == count:
        return np.eye(count, dtype=np.float32)
    at = np.linspace(0, count - 1, nodes)
    return make_interp_spline(at, np.eye(nodes), _DEGREE)(np.arange(count)).astype(np.float32)
