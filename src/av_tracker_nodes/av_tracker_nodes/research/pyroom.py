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

"""SRP-PHAT and MUSIC of pyroomacoustics over points in space.

Its direction finders take no such points, so grid and steering are set by hand, computed on the
fly: a table would take gigabytes. Its near-field steering has the opposite sign of a delay
(``exp(+j w d / c)``), so that the spectra go in conjugated.
"""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np

METHODS = ('srp', 'music')


def have_pyroomacoustics() -> bool:
    """Tell whether the package is installed."""
    return find_spec('pyroomacoustics') is not None


def spectrum_over_points(
    method: str,
    microphones: np.ndarray,
    spectra: np.ndarray,
    bins: np.ndarray,
    points: np.ndarray,
    rate: int,
    speed_of_sound: float,
    sources: int = 1,
) -> np.ndarray:
    """Evaluate a spatial spectrum.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    microphones : np.ndarray, shape (microphones, 3)
        Metres.
    spectra : np.ndarray, shape (microphones, frequencies, frames), complex
        All frequencies of real transforms of an even size.
    bins : np.ndarray of int
        Frequencies that count.
    points : np.ndarray, shape (n, 3)
        Metres.
    rate : int
        Hz.
    speed_of_sound : float
        Metres a second.
    sources : int
        How many there are: MUSIC needs to know.

    Returns
    -------
    np.ndarray, shape (n,)
    """
    from pyroomacoustics import doa

    finder = {'srp': doa.SRP, 'music': doa.MUSIC}[method]
    setting = microphones.T, rate, 2 * (spectra.shape[1] - 1), speed_of_sound
    finder = finder(*setting, num_src=sources, azimuth=np.zeros(1))
    x, y, z = points.T
    values: list[np.ndarray] = []
    finder.grid = SimpleNamespace(x=x, y=y, z=z, n_points=len(points), set_values=values.append)
    finder.mode_vec = doa.ModeVector(*setting, finder.grid, mode='near')
    finder.freq_bins, finder.num_freq, finder.num_snap = bins, len(bins), spectra.shape[2]
    # What `locate_sources` does beside looks for peaks on a sphere.
    finder._process(spectra.conj())
    return values[0]
