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

"""How much of a signal is the one that was wanted."""

from __future__ import annotations

import numpy as np


def si_sdr(signal: np.ndarray, wanted: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019, eq. 3).

    ``10 log10(|a s|^2 / |a s - x|^2)`` with ``a = x^T s / s^T s`` for signal x and wanted s.

    Parameters
    ----------
    signal, wanted : np.ndarray, shape (samples,)

    Returns
    -------
    float
        dB.
    """
    signal, wanted = np.asarray(signal, float), np.asarray(wanted, float)
    target = (signal @ wanted) / (wanted @ wanted) * wanted
    error = signal - target
    return float(10 * np.log10((target @ target) / (error @ error)))
