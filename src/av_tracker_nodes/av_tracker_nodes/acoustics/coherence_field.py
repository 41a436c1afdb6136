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

"""Global coherence field: how well sound from each point of a set agrees over microphone pairs.

``GCF(p) = 1/K sum_k R_k(tau_k(p))`` with ``R_k`` the GCC-PHAT of pair k (De Mori 1998; SRP-PHAT up
to a constant).
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.acoustics import kernels
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat

_CHUNK = 8192


class CoherenceField:
    """The field over a fixed set of points, from a table of lags.

    Parameters
    ----------
    delays : PairDelays
    gcc : GccPhat
        Gives the lags.
    points : np.ndarray, shape (n, 3)
        Metres, array frame.
    backend : str
        ``numba`` or ``cuda``.
    """

    def __init__(
        self, delays: PairDelays, gcc: GccPhat, points: np.ndarray, backend: str = 'numba'
    ) -> None:
        self.points = points
        table = lag_table(delays, gcc, points)
        if backend == 'cuda':
            from av_tracker_nodes.acoustics.field_torch import TorchField

            self._evaluate = TorchField(table, len(gcc.lags), 'cuda').of_array
        else:
            table = np.ascontiguousarray(table.T)
            self._evaluate = lambda correlation: kernels.mean_at_lags(correlation, table)

    def __call__(self, correlation: np.ndarray) -> np.ndarray:
        """Evaluate the field.

        Parameters
        ----------
        correlation : np.ndarray, shape (pairs, lags), float32

        Returns
        -------
        np.ndarray, shape (n,), float32
            Mean over pairs.
        """
        return self._evaluate(correlation)


def lag_table(delays: PairDelays, gcc: GccPhat, points: np.ndarray) -> np.ndarray:
    """Index the lag nearest to each delay.

    Returns
    -------
    np.ndarray, shape (points, pairs), uint16
    """
    table = np.empty((len(points), len(delays.pairs)), np.uint16)
    for start in range(0, len(points), _CHUNK):
        lag = delays.at(points[start : start + _CHUNK]) / gcc.lag_step
        table[start : start + _CHUNK] = np.rint(lag + len(gcc.lags) // 2)
    return table
