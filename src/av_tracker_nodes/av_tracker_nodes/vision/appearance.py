# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What a person looks like, as a short vector without a network.

Colours of hair, face, and two bands of the chest. Only ratios between colour channels and
brightness relative to the rest of the person count, so that the vector stays the same when the
light changes its strength.
"""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.geometry.crops import square_crop

_SIZE = 48
_CROP_SIDE = 4.0
_CROP_DROP = 1.25
# Left, top, right, bottom relative to the face box (0..1 is the box itself).
_REGIONS = (
    (0.1, -0.35, 0.9, 0.0),
    (0.15, 0.1, 0.85, 0.95),
    (-0.6, 1.35, 1.6, 2.2),
    (-0.6, 2.2, 1.6, 3.1),
)
_CHROMA_BINS = 4
_CHROMA_RANGE = 1.0
_LIGHT_BINS = 8
_LIGHT_RANGE = 2.0
# Sensor noise and rounding dominate the colour of pixels much darker than this (grey levels).
_DARK = 8.0


def appearance_embedding(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Describe the person whose face box is `box`.

    For each of four regions, a soft histogram over the logarithms of red and blue relative to
    green, and one over the logarithm of brightness relative to the person's mean. The square root
    makes the scalar product of two embeddings the Bhattacharyya coefficient of the histograms.

    Parameters
    ----------
    image : np.ndarray, shape (height, width, 3), uint8
        Blue, green, red.
    box : np.ndarray, shape (4,)
        Left, top, width, height of the face (pixels).

    Returns
    -------
    np.ndarray, shape (96,), float32
        Unit length.
    """
    left, top, width, height = np.asarray(box, float)
    side = _CROP_SIDE * height
    centre = np.array([left + width / 2, top + height / 2 + _CROP_DROP * height])
    crop = square_crop(image, centre, side, _SIZE).astype(float) + _DARK
    to_crop = _SIZE / side
    origin = np.array([left, top]) - (centre - side / 2)
    regions = [
        _region(crop, origin * to_crop, np.array([width, height]) * to_crop, region)
        for region in _REGIONS
    ]
    starts = np.cumsum([len(pixels) for pixels in regions[:-1]])
    histograms = _histograms(np.log(np.concatenate(regions)), starts)
    embedding = np.sqrt(histograms)
    return (embedding / np.linalg.norm(embedding)).astype(np.float32)


def _region(
    crop: np.ndarray, origin: np.ndarray, size: np.ndarray, region: tuple[float, ...]
) -> np.ndarray:
    """Pixels, shape (n, 3), of a region given relative to the face at `origin` in the crop."""
    low = np.floor(origin + size * np.array(region[:2])).astype(int)
    high = np.ceil(origin + size * np.array(region[2:])).astype(int)
    low = np.clip(low, 0, len(crop) - 1)
    high = np.clip(high, low + 1, len(crop))
    return crop[low[1] : high[1], low[0] : high[0]].reshape(-1, 3)


def _histograms(log_colour: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Of each region, histograms of colour (16) and relative brightness (8), each of sum 1.

    The pixels (n, 3) of all regions follow each other; `starts` of all but the first.
    """
    blue, green, red = log_colour.T
    shares = (
        _soft_bins(red - green, _CHROMA_RANGE, _CHROMA_BINS),
        _soft_bins(blue - green, _CHROMA_RANGE, _CHROMA_BINS),
        _soft_bins(log_colour.mean(axis=1) - log_colour.mean(), _LIGHT_RANGE, _LIGHT_BINS),
    )
    parts = zip(*(np.split(share, starts) for share in shares), strict=True)
    return np.concatenate(
        [
            histogram
            for first, second, light in parts
            for histogram in ((first.T @ second / len(first)).ravel(), light.mean(axis=0))
        ]
    )


def _soft_bins(values: np.ndarray, reach: float, bins: int) -> np.ndarray:
    """Share values in [-reach, reach] between the two nearest of the bins, shape (n, bins)."""
    place = np.clip((values + reach) / (2 * reach), 0, 1) * (bins - 1)
    return np.clip(1 - np.abs(place[:, None] - np.arange(bins)), 0, None)
