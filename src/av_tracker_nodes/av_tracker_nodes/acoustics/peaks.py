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

"""Sources of sound as peaks of the coherence field, one after the other.

The strongest peak is taken, what it explains of the cross-spectra is removed, and the rest is
searched again; then each source is placed once more with all others removed (the principle of
CLEAN and RELAX, Li and Stoica 1996).

Where a pair is so long that its correlation may peak between two points of the search, it is
averaged over the delays within the cell of a point (Cobos, Marti and Lopez 2011), from coarse to
fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.coherence_field import CoherenceField
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.local_coordinates import around
from av_tracker_nodes.acoustics.location import SourceLocator
from av_tracker_nodes.geometry.grid import inverse_ranges
from av_tracker_nodes.geometry.region import Region

_COARSE_SEARCH = (1.0,)
_FINE_SEARCH = (1.0, 0.3, 0.1)
"""Spans of the stencils of the local search, relative to the grid."""

_SIGNATURE_SMOOTHING = 5
"""Bins over which the spectrum of a source is averaged before it is removed."""

_FIRST_STEPS, _STEPS = 1, 2
"""From the best point of the local search to the maximum, at first and with others removed."""

_CELLS_LOOKED_AT = 200

_LEAST_WEIGHT = 1e-3
"""What weighs less is silence, and no coherence."""


@dataclass(frozen=True)
class Survey:
    """Cross-spectra and what follows from them.

    Attributes
    ----------
    cross : np.ndarray, shape (pairs, bins), complex64
        Whitened, scaled so that the moduli of a pair sum to 1 at most.
    correlation : np.ndarray, shape (pairs, lags), float32
    field : np.ndarray, shape (points,), float32
        Coherence over the surround grid.
    """

    cross: np.ndarray
    correlation: np.ndarray
    field: np.ndarray


@dataclass(frozen=True)
class Source:
    """A source of sound in one context.

    Attributes
    ----------
    position, direction : np.ndarray, shape (3,)
        Metres, and unit vector from the centre of the microphones.
    score : float
        Coherence there with the other sources removed.
    covariance : np.ndarray, shape (3, 3)
        Square metres.
    cross : np.ndarray, shape (pairs, bins), complex64
        Its part of the cross-spectra.
    evidence : float
        The score that it would have without the others, which speech is judged by: who talks while
        others do has less of time and frequency, and talks all the same.
    """

    position: np.ndarray
    direction: np.ndarray
    score: float
    covariance: np.ndarray
    cross: np.ndarray
    evidence: float


@dataclass(frozen=True)
class Part:
    """What one source has of the sound.

    Attributes
    ----------
    near : np.ndarray, shape (3,)
        A place near it (m, array frame).
    sought, judged : np.ndarray, shape (pairs, bins), complex64
        Its cross-spectra, weighted so that it is found, and so that speech is told from noise.
    weight : float
        Coherence of the former if all microphones heard it alike.
    portion : float
        Share that it has of the coherence of the latter among all sources.
    """

    near: np.ndarray
    sought: np.ndarray
    judged: np.ndarray
    weight: float
    portion: float


class SourceFinder:
    """Finds sources in averaged cross-spectra.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
    field : CoherenceField
        Over the surround grid.
    region : Region
    config : AcousticConfig
    """

    def __init__(
        self,
        delays: PairDelays,
        gcc: GccPhat,
        field: CoherenceField,
        region: Region,
        config: AcousticConfig,
    ) -> None:
        self._delays = delays
        self._gcc = gcc
        self._field = field
        self._region = region
        self._config = config
        self._centre = delays.microphones.mean(axis=0)
        ranges = surround_inverse_ranges(delays, config)
        self._inverse_limits = float(ranges[-1]), float(ranges[0])
        step = np.deg2rad(config.surround_step)
        self._cell = np.array([step, step, ranges[0] - ranges[1]])
        self._fine = _stencil(5)
        self._locator = SourceLocator(delays, region, self._inverse_limits, config)
        self._cell_delays = self._delays_in_cells()
        self._widths = {
            zoom: self._widths_over(zoom) for zoom in (1.0, *(span / 2 for span in _FINE_SEARCH))
        }
        self._first_search = _FINE_SEARCH if self._widths[1.0].any() else _COARSE_SEARCH

    def survey(self, cross: np.ndarray) -> Survey:
        """Correlate cross-spectra and look the surround grid over."""
        correlation = self._gcc.correlate(cross)
        return Survey(cross, correlation, self._field(self._widened(correlation, 1.0)))

    def find(self, view: Survey) -> tuple[list[Source], np.ndarray]:
        """Find sources, best first.

        Parameters
        ----------
        view : Survey

        Returns
        -------
        sources : list of Source
        residual : np.ndarray, shape (pairs, bins), complex64
            What they do not explain.
        """
        heard = view.cross.any(axis=1)
        # Pairs that hear make up for those that do not, see the mean over all pairs in `_part`.
        gain = np.divide(len(heard), heard.sum(), where=heard, out=np.zeros(len(heard)))
        positions, parts, residual = self._pick(view, gain)
        sources = []
        for position, part in zip(positions, parts, strict=True):
            alone = residual + part
            near = self.refine(self._gcc.correlate(alone), position)
            peak, correlation = self._climb(alone, near, _STEPS)
            score = float(correlation[:, 0].mean())
            source = self._placed(self._part(alone, peak, gain), score, peak, correlation, score)
            residual = alone - source.cross
            sources.append(source)
        sources.sort(key=lambda source: -source.score)
        return sources, residual

    def place(self, parts: Sequence[Part]) -> list[Source]:
        """Place sources that were told apart already, best first."""
        sources = []
        for part in parts:
            peak, correlation = self._climb(part.sought, part.near, _STEPS)
            coherence = float(correlation[:, 0].mean()) / max(part.weight, _LEAST_WEIGHT)
            judged = float(self._correlation_at(part.judged, peak)[:, 0].mean())
            source = self._placed(part.judged, judged, peak, correlation, coherence)
            sources.append(replace(source, evidence=judged / part.portion))
        return sorted(sources, key=lambda source: -source.score)

    def coherence_of(self, correlation: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Coherence (n,) of correlations at points (n, 3), linear between lags."""
        delays = self._delays
        scale = 1 / (delays.speed * self._gcc.lag_step)
        return kernels.mean_at_points(correlation, points, delays.microphones, delays.pairs, scale)

    def refine(
        self,
        correlation: np.ndarray,
        position: np.ndarray,
        zooms: tuple[float, ...] = _FINE_SEARCH,
    ) -> np.ndarray:
        """Climb from a grid point to the maximum nearby, shape (3,), in the region."""
        for zoom in zooms:
            turns = zoom * self._cell * self._fine
            points = around(position, turns, self._centre, self._inverse_limits)
            # Half a span lies between the points of the stencil.
            values = self.coherence_of(self._widened(correlation, zoom / 2), points)
            if not self._region.contains(points[np.argmax(values)]):
                values[~self._region.contains(points)] = -np.inf
            best = np.argmax(values)
            if values[best] > -np.inf:
                position = points[best]
        return position

    def _delays_in_cells(self) -> np.ndarray:
        """Delay (s) by which each pair differs from a point of the grid to the rim of its cell."""
        half = self._cell / 2
        some = self._field.points[:: max(1, len(self._field.points) // _CELLS_LOOKED_AT)]
        return np.mean(
            [np.linalg.norm(self._locator.slopes(p) * half, axis=1) for p in some], axis=0
        )

    def _widths_over(self, zoom: float) -> np.ndarray:
        """Lags to either side over which pairs are averaged for points `zoom` cells apart.

        None as long as the delay within a cell is less than a quarter of the shortest period.
        """
        excess = zoom * self._cell_delays - 0.25 / self._gcc.frequencies[-1]
        return np.maximum(excess / self._gcc.lag_step, 0).astype(int)

    def _widened(self, correlation: np.ndarray, zoom: float) -> np.ndarray:
        """Average correlations (pairs, lags) over the delays within cells of a size."""
        widths = self._widths[zoom]
        if not widths.any():
            return correlation
        widened = correlation.copy()
        for width in np.unique(widths[widths > 0]):
            rows = widths == width
            widened[rows] = uniform_filter1d(correlation[rows], 2 * width + 1, mode='nearest')
        return widened

    def _pick(
        self, view: Survey, gain: np.ndarray
    ) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        positions, parts = [], []
        least = self._config.min_score
        while len(positions) < self._config.max_peaks:
            best = int(np.argmax(view.field))
            if view.field[best] < least:
                break
            least = max(least, self._config.min_relative_score * view.field[best])
            start = self._field.points[best]
            near = self.refine(view.correlation, start, self._first_search)
            position, _ = self._climb(view.cross, near, _FIRST_STEPS)
            positions.append(position)
            parts.append(self._part(view.cross, position, gain))
            view = self.survey(view.cross - parts[-1])
        return positions, parts, view.cross

    def _placed(
        self,
        cross: np.ndarray,
        score: float,
        peak: np.ndarray,
        correlation: np.ndarray,
        coherence: float,
    ) -> Source:
        """Make a source of its peak and the correlations there."""
        position, covariance = self._locator.locate(correlation, peak, coherence)
        offset = position - self._centre
        return Source(position, offset / np.linalg.norm(offset), score, covariance, cross, score)

    def _climb(
        self, cross: np.ndarray, position: np.ndarray, steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Climb to the maximum close by, in steps that are kept while they lead up.

        Returns
        -------
        position : np.ndarray, shape (3,)
        correlation : np.ndarray, shape (pairs, 3)
            There, see `SourceLocator`.
        """
        correlation = self._correlation_at(cross, position)
        for _ in range(steps):
            place = self._locator.step(correlation, position)
            there = self._correlation_at(cross, place)
            if not self._region.contains(place) or there[:, 0].sum() <= correlation[:, 0].sum():
                break
            position, correlation = place, there
        return position, correlation

    def _correlation_at(self, cross: np.ndarray, position: np.ndarray) -> np.ndarray:
        band = self._gcc.first_bin, self._gcc.bin_width
        return kernels.correlation_at(cross, self._delays.at(position), *band)

    def _part(self, cross: np.ndarray, position: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """Return what a source explains: its mean spectrum, delayed to the pairs that hear."""
        delays = self._delays.at(position)
        band = self._gcc.first_bin, self._gcc.bin_width
        spectrum = kernels.aligned_spectrum(cross, delays, *band)
        window = np.full(_SIGNATURE_SMOOTHING, 1 / _SIGNATURE_SMOOTHING, np.float32)
        spectrum = np.maximum(np.convolve(spectrum, window, 'same'), 0)
        return kernels.delayed_spectrum(spectrum, gain, delays, *band)


def surround_inverse_ranges(delays: PairDelays, config: AcousticConfig) -> np.ndarray:
    """Inverse ranges (1/m) of the surround grid, fit to the extent of the microphones."""
    spread = delays.microphones - delays.microphones.mean(axis=0)
    baseline = 2 * float(np.linalg.norm(spread, axis=1).max())
    parallax = np.deg2rad(config.surround_parallax)
    return inverse_ranges(baseline, config.min_range, config.max_range, parallax)


def _stencil(width: int) -> np.ndarray:
    """Cube of points between -1 and 1, shape (width^3, 3)."""
    line = np.linspace(-1, 1, width)
    return np.stack(np.meshgrid(line, line, line), axis=-1).reshape(-1, 3)
