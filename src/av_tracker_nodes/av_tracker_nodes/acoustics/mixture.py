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

"""Mixtures of places, of which each bin of time and frequency belongs to one, or to none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = np.float32(1e-12)


@dataclass(frozen=True)
class Weights:
    """Shares of a mixture, which add up to 1.

    Attributes
    ----------
    places : np.ndarray, shape (places,), float32
    nowhere : float
        Share of what comes from none of them.
    """

    places: np.ndarray
    nowhere: float

    @classmethod
    def uniform(cls, count: int, nowhere: float = 0.3) -> Weights:
        """Prefer no place."""
        return cls(np.full(count, (1 - nowhere) / max(count, 1), np.float32), nowhere)

    def mixed(self, other: Weights, share: float) -> Weights:
        """Mix with a `share` of other weights."""
        return Weights(
            ((1 - share) * self.places + share * other.places).astype(np.float32),
            (1 - share) * self.nowhere + share * other.nowhere,
        )


def fit(
    ratios: np.ndarray, counts: np.ndarray, prior: Weights, belief: float, steps: int
) -> Weights:
    """Find the shares of places by expectation and maximisation (Dempster, Laird and Rubin 1977).

    With ``L_d(n)`` the likelihood ratio of bin n for place d and ``v(n)`` what it counts, a step
    takes ``w_d`` to ``(sum_n v(n) gamma_d(n) + b V p_d) / (V (1 + b))``, where
    ``gamma_d(n) = w_d L_d(n) / (sum_e w_e L_e(n) + w_0)``, V is the sum of v, and the prior p
    counts as b times as many bins as there are (a Dirichlet prior).

    Parameters
    ----------
    ratios : np.ndarray, shape (bins, places), float32
        See `watson.likelihood_ratios`.
    counts : np.ndarray, shape (bins,), float32
    prior : Weights
        Where the search starts, too.
    belief : float
        b.
    steps : int
    """
    total = counts.sum()
    if total <= 0:
        return prior
    weights = prior
    for _ in range(steps):
        each = counts / (ratios @ weights.places + np.float32(weights.nowhere) + _LEAST)
        places = weights.places * (each @ ratios)
        nowhere = weights.nowhere * float(each.sum())
        scale = 1 / (total * (1 + belief))
        weights = Weights(
            ((places + belief * total * prior.places) * scale).astype(np.float32),
            float((nowhere + belief * total * prior.nowhere) * scale),
        )
    return weights


def responsibilities(ratios: np.ndarray, weights: Weights) -> np.ndarray:
    """Tell with which probability bins belong to places, shape of `ratios` (..., places)."""
    joint = ratios * weights.places
    return joint / (joint.sum(axis=-1, keepdims=True) + np.float32(weights.nowhere) + _LEAST)
