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

"""Fits how the motion of a mouth tells whether somebody speaks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import minimize

from av_tracker_nodes import Mouth
from av_tracker_nodes.research.evaluation.curves import roc
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.training.lip_clips import Glimpse, load_lip_clip, make_lip_clips
from av_tracker_nodes.types import to_seconds

_EVERY = 3
"""One picture of so many is learnt from: neighbours are alike."""
_RIDGE = 1e-3
_HEIGHTS, _YAWS = (24, 40, 60, 300), (0, 10, 20, 40)
"""Limits of what is reported apart (pixels, degrees)."""


def run_lips(
    data: Path, clips: int, jobs: int | None, progress_bar: ProgressBar
) -> dict[str, object]:
    """Fit on training clips, and report on those of all three splits.

    Parameters
    ----------
    data : Path
        Folder of the clips; those that are missing are made.
    clips : int
        To learn from; half as many to choose by, and half as many to report on.
    jobs : int or None
        Processes that make clips; one a core for None.
    progress_bar : ProgressBar

    Returns
    -------
    dict
        ``bias`` and ``weights`` as `vision.lips` has them, and areas under the ROC curve by split.

    Raises
    ------
    InputError
        Something to simulate with is not installed, or the folder cannot be written.
    """
    samples = {}
    jobs = jobs or len(os.sched_getaffinity(0))
    for split, first, count in (
        ('training', 0, clips),
        ('validation', 1000, clips // 2),
        ('test', 2000, clips // 2),
    ):
        with progress_bar(f'{split} clips') as advance:
            paths = make_lip_clips(data, range(first, first + count), jobs, advance)
        samples[split] = LipSamples.of(paths)
    model = fit_lips(samples['training'])
    return {
        'bias': round(model.bias, 2),
        'weights': np.round(model.weights, 2).tolist(),
        'area_under_roc': {split: report(model, rows) for split, rows in samples.items()},
    }


@dataclass(frozen=True)
class LipSamples:
    """Mouths that were watched, one a row.

    Attributes
    ----------
    features : np.ndarray, shape (n, 3)
        See `vision.lips.MouthMotion`.
    speaks : np.ndarray, shape (n,), bool
    height : np.ndarray, shape (n,)
        Of the face box (pixels).
    yaw : np.ndarray, shape (n,)
        Of the head from the camera (rad).
    """

    features: np.ndarray
    speaks: np.ndarray
    height: np.ndarray
    yaw: np.ndarray

    @classmethod
    def of(cls, clips: Sequence[Path], spoil: bool = True) -> LipSamples:
        """Watch the mouths of clips, with `spoil` also as a worse camera sees them."""
        rows = []
        for path in clips:
            glimpses, seed = load_lip_clip(path), int(path.stem.rpartition('-')[2])
            rows += _watched(glimpses)
            if spoil:
                rows += _watched(spoilt(glimpses, np.random.default_rng(seed)))
        return cls._of_rows(rows)

    @classmethod
    def watched(cls, glimpses: Sequence[Glimpse]) -> LipSamples:
        """Watch the mouths of one clip."""
        return cls._of_rows(_watched(glimpses))

    @classmethod
    def _of_rows(cls, rows: list[np.ndarray]) -> LipSamples:
        table = np.array(rows, float).reshape(-1, 6)
        return cls(table[:, 3:], table[:, 0] > 0, table[:, 1], table[:, 2])


@dataclass(frozen=True)
class LipModel:
    """Log-likelihood ratio of speech: bias + weights @ features."""

    bias: float
    weights: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Log-likelihood ratios of features (n, 3)."""
        return self.bias + features @ self.weights


def fit_lips(samples: LipSamples) -> LipModel:
    """Fit a logistic regression; the log-odds of speech among the samples are taken off."""
    centre, spread = samples.features.mean(axis=0), samples.features.std(axis=0)
    inputs = np.column_stack([(samples.features - centre) / spread, np.ones(len(samples.speaks))])
    sign = np.where(samples.speaks, 1.0, -1.0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (inputs @ weights)
        wrong = np.exp(-np.logaddexp(0, margin))
        ridge = _RIDGE * weights * np.append(np.ones(len(centre)), 0)
        value = np.logaddexp(0, -margin).mean() + ridge @ weights / 2
        return value, -(inputs.T @ (sign * wrong)) / len(sign) + ridge

    *scaled, bias = minimize(loss, np.zeros(inputs.shape[1]), jac=True).x
    weights = scaled / spread
    share = samples.speaks.mean()
    return LipModel(float(bias - centre @ weights - np.log(share / (1 - share))), weights)


def report(model: LipModel, samples: LipSamples) -> dict[str, float]:
    """Area under the ROC curve: of all, and by height of the face and by yaw."""
    said, yaw = model(samples.features), np.degrees(np.abs(samples.yaw))
    found = {'all': roc(samples.speaks, said)[2]}
    for name, values, limits in (('height', samples.height, _HEIGHTS), ('yaw', yaw, _YAWS)):
        for low, high in pairwise(limits):
            rows = (values >= low) & (values < high)
            found[f'{name} {low} to {high}'] = roc(samples.speaks[rows], said[rows])[2]
    return found


def spoilt(glimpses: Sequence[Glimpse], rng: np.random.Generator) -> list[Glimpse]:
    """Show faces as worse cameras and detectors do: all of a clip in the same way.

    Every other picture is missing, or none; pictures are blurred, darker or brighter, noisy and
    compressed; landmarks are off.
    """
    stamps = sorted({glimpse.stamp for glimpse in glimpses})
    kept = set(stamps[:: rng.integers(1, 3)])
    blur, noise = rng.choice([0.0, rng.uniform(0.3, 1.5)]), rng.uniform(0, 6)
    gain, quality, jitter = rng.uniform(0.5, 1.4), int(rng.integers(30, 95)), rng.uniform(0, 0.02)
    worse = []
    for glimpse in glimpses:
        if glimpse.stamp not in kept:
            continue
        patch = glimpse.patch.astype(np.float32)
        patch = cv2.GaussianBlur(patch, (0, 0), blur) if blur > 0 else patch
        patch = np.clip(gain * patch + rng.normal(0, noise, patch.shape), 0, 255).astype(np.uint8)
        code = cv2.imencode('.jpg', patch, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        face = glimpse.face
        landmarks = face.landmarks + rng.normal(0, jitter * face.box[3], face.landmarks.shape)
        worse.append(
            replace(
                glimpse,
                patch=cv2.imdecode(code, cv2.IMREAD_GRAYSCALE),
                face=replace(face, landmarks=landmarks),
            )
        )
    return worse


def _watched(glimpses: Sequence[Glimpse]) -> list[np.ndarray]:
    """Whether somebody speaks, height, yaw and features, a row for each that can be told."""
    mouths: dict[int, Mouth] = {}
    rows = []
    for number, glimpse in enumerate(glimpses):
        mouth = mouths.setdefault(glimpse.face.tracklet, Mouth())
        motion = mouth.watch(glimpse.patch, glimpse.face, to_seconds(glimpse.stamp))
        if motion is not None and number // 2 % _EVERY == 0:
            told = glimpse.speaks, glimpse.face.box[3], glimpse.yaw
            rows.append(np.array([*told, *motion.features]))
    return rows
