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

"""Steered response maps of other packages, in the configuration that is best for each.

All get the same whitened spectra, the same frequencies, points and microphone pairs: those within
one array, so that each array is mapped by itself and the maps are added, which asks the least of
every package.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.research.pyroom import spectrum_over_points

Peer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes whitened spectra (microphones, bins) and points (n, 3); gives a map (n,) up to scale and
offset."""

_XSRP_UPSAMPLING = 4
"""Its look-up takes the nearest sample; at four times the rate that is near enough."""


def available_peers(array: MicrophoneArray, gcc: GccPhat) -> dict[str, Peer | None]:
    """Prepare the peers, the compiled one first; None for those that are not installed."""
    makers = {'acoular': _acoular, 'pyroomacoustics': _pyroomacoustics, 'xsrp': _xsrp}
    return {
        name: _sum_over_arrays(make(array, gcc), array) if find_spec(name) else None
        for name, make in makers.items()
    }


def _sum_over_arrays(peer: Callable[..., np.ndarray], array: MicrophoneArray) -> Peer:
    groups = [np.flatnonzero(array.groups == group) for group in np.unique(array.groups)]

    def add_up(whitened: np.ndarray, points: np.ndarray) -> np.ndarray:
        return sum(peer(whitened[group], array.positions[group], points) for group in groups)

    return add_up


def _acoular(array: MicrophoneArray, gcc: GccPhat) -> Callable[..., np.ndarray]:
    """Make `BeamformerBase` on the cross-spectral matrix of whitened spectra.

    The diagonal is kept, where it only adds a constant: without it the package cuts off what is
    negative at each frequency.
    """
    import acoular

    acoular.config.global_caching = 'none'
    air = acoular.Environment(c=array.speed_of_sound)

    def beamform(whitened: np.ndarray, positions: np.ndarray, points: np.ndarray) -> np.ndarray:
        cross = np.einsum('if,jf->fij', whitened, whitened.conj()).astype(complex)
        steering = acoular.SteeringVector(
            grid=acoular.ImportGrid(pos=points.T),
            mics=acoular.MicGeom(pos_total=positions.T),
            steer_type='classic',
            env=air,
        )
        beamformer = acoular.BeamformerBase(
            freq_data=acoular.PowerSpectraImport(
                csm=np.ascontiguousarray(cross), frequencies=gcc.frequencies
            ),
            steer=steering,
            cached=False,
            r_diag=False,
        )
        return beamformer.result[:].sum(axis=0)

    return beamform


def _pyroomacoustics(array: MicrophoneArray, gcc: GccPhat) -> Callable[..., np.ndarray]:
    """Make `SRP` on our frequencies.

    It wants an even transform: twice the size has them at every other bin.
    """
    size, bins = 2 * gcc.size, 2 * (gcc.first_bin + np.arange(len(gcc.frequencies)))

    def steer(whitened: np.ndarray, positions: np.ndarray, points: np.ndarray) -> np.ndarray:
        spectra = np.zeros((len(positions), size // 2 + 1, 1), complex)
        spectra[:, bins, 0] = whitened
        return spectrum_over_points(
            'srp', positions, spectra, bins, points, array.rate, array.speed_of_sound
        )

    return steer


def _xsrp(array: MicrophoneArray, gcc: GccPhat) -> Callable[..., np.ndarray]:
    """Make `XSrp` in its quicker mode, on time-domain GCC-PHAT.

    By default it cuts the frame in half, takes the modulus of the correlation, and looks up one
    sample beside the lag; all three are set right here, or the map would be another.
    """
    from xsrp.grids import Grid
    from xsrp.signal_features.gcc_phat import gcc_phat
    from xsrp.xsrp import XSrp

    rate = _XSRP_UPSAMPLING * array.rate
    band = slice(gcc.first_bin, gcc.first_bin + len(gcc.frequencies))
    size = _XSRP_UPSAMPLING * gcc.size

    class OnPoints(XSrp):
        def __init__(self, positions: np.ndarray, points: np.ndarray) -> None:
            self._points = points
            super().__init__(rate, '3D', 1, positions, c=array.speed_of_sound)

        def create_initial_candidate_grid(self, room_dims: object) -> Grid:
            return Grid(self._points)

        def compute_signal_features(self, signals: np.ndarray) -> np.ndarray:
            features = gcc_phat(signals, abs=False, return_lags=False, n_dft_bins=size)
            return np.roll(features, -1, axis=-1)

    def project(whitened: np.ndarray, positions: np.ndarray, points: np.ndarray) -> np.ndarray:
        spectra = np.zeros((len(positions), size // 2 + 1), complex)
        spectra[:, band] = whitened
        signals = np.fft.irfft(spectra, size, axis=1)
        return OnPoints(positions, points)(signals)[1]

    return project
