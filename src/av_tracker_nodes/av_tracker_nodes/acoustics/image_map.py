# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
from types import ModuleType

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
    kernels : module
        Inner loops.
    """

    def __init__(
        self,
        delays: PairDelays,
        gcc: GccPhat,
        camera: Camera,
        shape: tuple[int, int],
        pitch: float,
        kernels: ModuleType,
    ) -> None:
        self.shape = shape
        self._delays = delays
        self._lags_per_metre = 1 / (delays.speed * gcc.lag_step)
        self._cycles_per_metre = gcc.frequencies[-1] / delays.speed
        self._camera = camera
        self._pitch = pitch
        self._kernels = kernels
        self._connected = _connected(delays)
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
            values = self._kernels.mean_at_points(
                correlation,
                lattice.points.reshape(-1, 3),
                self._delays.microphones,
                self._delays.pairs,
                self._lags_per_metre,
            )
            values = values.reshape(lattice.points.shape[:-1])
            result[lattice.slices] = lattice.down @ values @ lattice.across
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
        allowed = _MOST_CYCLES / self._cycles_per_point(depths)
        widest = np.array([next((s for s in _SPACINGS if s <= most), 1) for most in allowed])
        lattices = []
        for spacing in np.unique(widest):
            slices = np.flatnonzero(widest == spacing)
            rays = self._rays(spacing)
            points = self._camera.centre + depths[slices, None, None, None] * rays
            down, across = map(_spline, self.shape, rays.shape)
            lattices.append(Lattice(slices, points, down, across.T))
        return lattices

    def _rays(self, spacing: float) -> np.ndarray:
        """Vectors (down, across, 3) to the nodes of a spacing at a depth of 1 m."""
        camera = self._camera
        lens = (camera.fx, camera.fy, camera.cx, camera.cy, camera.size)
        lens += (tuple(map(float, camera.distortion)), camera.skew)
        return camera.pose.rotate(_rays_through(lens, self.shape, self._pitch, spacing))

    def _cycles_per_point(self, depths: np.ndarray) -> np.ndarray:
        """Steepest change of a delay from one point of the map to the next, at each depth.

        A step s changes the distance of a point p from a microphone m by (p - m).s / |p - m|. The
        microphones that pairs connect, directly or in steps, bound the change of every pair
        among them.
        """
        rays = self._rays(_PROBE_SPACING)
        microphones = self._delays.microphones - self._camera.centre
        points = depths[:, None, None, None] * rays
        squares = (points**2).sum(axis=-1, keepdims=True) + (microphones**2).sum(axis=-1)
        distances = np.sqrt(np.maximum(squares - 2 * points @ microphones.T, _NEAREST**2))
        steepest = np.full(len(depths), _FLATTEST)
        for axis, count in enumerate(self.shape):
            number = rays.shape[axis]
            if number == 1:
                continue
            step = np.gradient(points, axis=axis + 1) * ((number - 1) / (count - 1))
            along = (points * step).sum(axis=-1, keepdims=True) - step @ microphones.T
            change = along / distances
            for members in self._connected:
                spread = np.ptp(change[..., members], axis=-1).max(axis=(1, 2))
                steepest = np.maximum(steepest, spread)
        return steepest * self._cycles_per_metre


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
    return RayMap(Camera(*lens))


@lru_cache(maxsize=64)
def _spline(count: int, nodes: int) -> np.ndarray:
    """Matrix (count, nodes) that leads a cubic spline through evenly spaced nodes."""
    if nodes == count:
        return np.eye(count, dtype=np.float32)
    at = np.linspace(0, count - 1, nodes)
    return make_interp_spline(at, np.eye(nodes), _DEGREE)(np.arange(count)).astype(np.float32)


def _connected(delays: PairDelays) -> list[np.ndarray]:
    """Return the sets of microphones that pairs connect."""
    size = len(delays.microphones)
    first, second = delays.pairs.T
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    return [np.flatnonzero(label == set_) for set_ in np.unique(label[delays.pairs])]
