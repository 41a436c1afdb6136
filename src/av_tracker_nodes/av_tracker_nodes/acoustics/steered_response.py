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

"""Exact steered response power (SRP-PHAT, DiBiase 2000): slow, what the fast maps are held to."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat

_CHUNK = 2048


def steered_response(
    cross: np.ndarray, delays: PairDelays, gcc: GccPhat, points: np.ndarray
) -> np.ndarray:
    """Sum whitened cross-spectra over frequencies and pairs, with the phase of each point.

    ``P(p) = 1/K sum_k sum_f Re(C_k(f) exp(2 pi i f tau_k(p)))``, in double precision, without
    lags or interpolation: as ``sum_f g(f, p)^T C(f) conj(g(f, p))`` with the phasors g of the
    travel times to the microphones.

    Parameters
    ----------
    cross : np.ndarray, shape (pairs, bins)
        Scaled so that the moduli of a pair sum to 1 at most.
    delays : PairDelays
    gcc : GccPhat
        Gives the frequencies.
    points : np.ndarray, shape (..., 3)
        Metres, array frame.

    Returns
    -------
    np.ndarray, shape (...)
        Mean over pairs.
    """
    first, second = delays.pairs.T
    size = len(delays.microphones)
    matrix = np.zeros((len(gcc.frequencies), size, size), complex)
    matrix[:, first, second] = np.asarray(cross).T
    flat = points.reshape(-1, 3)
    result = np.empty(len(flat))
    for start in range(0, len(flat), _CHUNK):
        travel = delays.travel(flat[start : start + _CHUNK])
        phasor = np.exp(2j * np.pi * gcc.frequencies[0] * travel)
        turn = np.exp(2j * np.pi * gcc.bin_width * travel)
        power = np.zeros(len(travel))
        for mixed in matrix:
            power += ((phasor @ mixed) * phasor.conj()).sum(axis=1).real
            phasor *= turn
        result[start : start + _CHUNK] = power
    return result.reshape(points.shape[:-1]) / len(first)
