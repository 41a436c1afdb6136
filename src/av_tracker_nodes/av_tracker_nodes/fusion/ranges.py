# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How far off somebody is: Gaussians of what size, depth and sound tell, multiplied (Bayes).

Each sense is a likelihood of its own, ``N(r; mean, std^2)``. Two that agree are multiplied::

    1 / std^2 = 1 / std_1^2 + 1 / std_2^2,    mean = std^2 (mean_1 / std_1^2 + mean_2 / std_2^2)

The size of a head is one of them, whether it is read off a box or off a picture by a network: a
network may not be told of the others, or they would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.face import DETECTOR_FRAME_STD
from av_tracker_nodes.geometry.head import HEAD_SIZE_STD, visible_box
from av_tracker_nodes.types import AcousticPeak, Detection, Face, FaceSound

_DEPTH_STD, _DEPTH_GROWTH = 0.03, 0.005
"""Deviation of a measured depth (m): the relief of a face, and an error of stereo and structured
light that grows with the square of the range (m per m^2)."""
_AGREEMENT = 16.0
"""Squared deviation beyond which two ranges are not those of the same thing."""
SIZE_STD = float(np.hypot(HEAD_SIZE_STD, DETECTOR_FRAME_STD))
"""Relative deviation of the range that the size of a face box tells."""


@dataclass(frozen=True)
class Range:
    """Distance from the camera (m), its deviation, and the share that rests on head size."""

    mean: float
    std: float
    size_gain: float = 0.0

    @classmethod
    def by_size(cls, mean: float, deviation: float = SIZE_STD) -> Range:
        """Tell what the size of a face tells; the deviation is relative."""
        return cls(mean, mean * deviation, 1.0)

    def times(self, other: Range) -> Range:
        """Multiply with another Gaussian, unless it contradicts this one, which is then kept."""
        spread = self.std**2 + other.std**2
        if (self.mean - other.mean) ** 2 > _AGREEMENT * spread:
            return self
        share = other.std**2 / spread
        return Range(
            share * self.mean + (1 - share) * other.mean,
            self.std * other.std / np.sqrt(spread),
            share * self.size_gain + (1 - share) * other.size_gain,
        )


def range_of_face(
    by_size: Range, face: Face | None, heard: FaceSound | AcousticPeak | None
) -> Range:
    """Join what is known of how far off a face is.

    A measured depth takes the place of the size, which next to it tells little and is wrong for
    one person throughout. Sound tells a range while the face speaks; sound without any coherence,
    as of one microphone, tells none.

    Parameters
    ----------
    by_size : Range
    face : Face or None
    heard : FaceSound, AcousticPeak or None
        Inside the box of the face; a peak tells a direction alone.
    """
    distance = by_size
    if face is not None and np.isfinite(face.range):
        distance = Range(face.range, float(np.hypot(_DEPTH_STD, _DEPTH_GROWTH * face.range**2)))
    if isinstance(heard, FaceSound) and heard.peak > 0 and heard.speech >= 0.5:
        distance = distance.times(Range(heard.range, heard.range_std))
    return distance


def ranged(
    detection: Detection,
    face: Face | None,
    heard: FaceSound | AcousticPeak | None,
    camera: Camera,
) -> Detection:
    """Move what sight places, along its line of sight, to where depth and sound have it too.

    Parameters
    ----------
    detection : Detection
        By sight alone; the line of sight is an axis of its covariance.
    face, heard
        See `range_of_face`.
    camera : Camera
    """
    line = detection.position - camera.centre
    distance = float(np.linalg.norm(line))
    ray = line / distance
    std = float(np.sqrt(ray @ detection.covariance @ ray))
    by_sight = Range(distance, std, detection.size_gain)
    joined = range_of_face(by_sight, face, heard)
    if joined is by_sight:
        return detection
    position = camera.centre + joined.mean * ray
    return replace(
        detection,
        position=position,
        covariance=detection.covariance + (joined.std**2 - std**2) * np.outer(ray, ray),
        box=visible_box(camera, position),
        size_gain=joined.size_gain,
    )
