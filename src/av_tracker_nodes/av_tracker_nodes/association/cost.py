# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Dual geometric constraint: how well a detection fits a track (AVCLNet, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry.head import overlap

_NO_BOX = np.zeros(4)


@dataclass(frozen=True)
class Hypothesis:
    """Where somebody is thought to be: the common ground of tracks and detections.

    Attributes
    ----------
    position : np.ndarray, shape (3,)
        Metres.
    covariance : np.ndarray, shape (3, 3)
        Square metres.
    box : np.ndarray or None, shape (4,)
        Left, top, width, height (pixels).
    """

    position: np.ndarray
    covariance: np.ndarray
    box: np.ndarray | None


def box_cost(tracks: list[Hypothesis], detections: list[Hypothesis]) -> np.ndarray:
    """Two-dimensional cost, eq 15: ``1 - IoU``, shape (tracks, detections)."""
    return 1 - overlap(_boxes(tracks), _boxes(detections))


def distance_cost(
    tracks: list[Hypothesis], detections: list[Hypothesis], sigma: float
) -> np.ndarray:
    """Three-dimensional cost, eqs 16 and 17, shape (tracks, detections).

    ``1 - exp(-d^2 / (2 sigma^2))`` of the Euclidean distance ``d``.
    """
    difference = _positions(tracks)[:, None] - _positions(detections)[None]
    return 1 - np.exp(-(difference**2).sum(-1) / (2 * sigma**2))


def dual_geometric_cost(
    tracks: list[Hypothesis], detections: list[Hypothesis], beta: float, sigma: float
) -> np.ndarray:
    """Combine both costs into that of matching, eqs 18 and 19.

    ``beta C2D + (1 - beta) C3D``; ``beta = 0`` where either side has no box, as with a voice.

    Returns
    -------
    np.ndarray, shape (tracks, detections)
        In [0, 1].
    """
    both_seen = np.outer(
        [t.box is not None for t in tracks], [d.box is not None for d in detections]
    )
    weight = beta * both_seen
    flat = box_cost(tracks, detections)
    return weight * flat + (1 - weight) * distance_cost(tracks, detections, sigma)


def squared_mahalanobis(tracks: list[Hypothesis], detections: list[Hypothesis]) -> np.ndarray:
    """Squared distance in units of the joint deviation, shape (tracks, detections)."""
    difference = _positions(tracks)[:, None] - _positions(detections)[None]
    covariance = _covariances(tracks)[:, None] + _covariances(detections)[None]
    solved = np.linalg.solve(covariance, difference[..., None])[..., 0]
    return (difference * solved).sum(-1)


def kernel_width(sigma: float, room_depth: float) -> float:
    """Scale the kernel of eq 17 to the scene: `sigma` at 3 m depth, within 0.25 to 1 m."""
    return float(np.clip(sigma * room_depth / 3.0, 0.25, 1.0))


def _boxes(hypotheses: list[Hypothesis]) -> np.ndarray:
    boxes = [_NO_BOX if h.box is None else h.box for h in hypotheses]
    return np.array(boxes, float).reshape(-1, 4)


def _positions(hypotheses: list[Hypothesis]) -> np.ndarray:
    return np.array([h.position for h in hypotheses], float).reshape(-1, 3)


def _covariances(hypotheses: list[Hypothesis]) -> np.ndarray:
    return np.array([h.covariance for h in hypotheses], float).reshape(-1, 3, 3)
