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

"""What is counted of a model in one scene in front of a rig, and the scores of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.mot_scores import clear_scores
from av_tracker_nodes.research.evaluation.position_errors import INSIDE_95, inside_ellipsoid
from av_tracker_nodes.research.evaluation.statistics import (
    interval_over,
    median,
    ratio,
    summed_ratio,
    written,
)
from av_tracker_nodes.research.evaluation.truth import Truth
from av_tracker_nodes.research.experiments.kit.recorded_scenes import table_of
from av_tracker_nodes.research.experiments.speaking.speaking_scores import (
    at_images,
    is_far,
    is_voice_alone,
)
from av_tracker_nodes.research.simulation.rig_scene import RigScene
from av_tracker_nodes.types import Track, TrackFrame, TrackState

ASTRAY = 0.5
"""A track of somebody seen is astray farther than this (m) from everybody."""

INVENTED = 0.2
"""It is nobody's if that is more than this share of the distance of everybody, too: far away, the
size of a face leaves more than `ASTRAY` open."""


@dataclass(frozen=True)
class RigScores:
    """What is counted in a scene.

    Attributes
    ----------
    errors, objects : int
        Numerator and denominator of 1 - MOTA.
    switches : int
        Of identities.
    range_errors : tuple of float
        Of matched tracks: distance from the camera over that of the person, less 1.
    inside, stated : int
        Matched tracks whose 95 % ellipsoid has the person in it, and all that state one.
    images, astray, invented : int
        All, those with a confirmed track that is farther from everybody than `ASTRAY`, and than
        `INVENTED`, too; for a voice that is only heard, both are 15 degrees as the microphones
        hear it.
    """

    errors: int
    objects: int
    switches: int
    range_errors: tuple[float, ...]
    inside: int
    stated: int
    images: int
    astray: int
    invented: int


def score_rig_scene(truth: Truth, frames: Sequence[TrackFrame], eyes: np.ndarray) -> RigScores:
    """Compare the tracks of the images of a scene with the truth.

    Parameters
    ----------
    truth : Truth
    frames : sequence of TrackFrame
    eyes : np.ndarray, shape (images, 3)
        Where the camera is at the images of the truth (m, target frame).
    """
    matching = Matching(truth, table_of(frames))
    clear, tracks = clear_scores(matching), matching.tracks
    people, images, rows = matching.pairs.T
    place, mouth, covariance = (
        tracks.position[rows],
        truth.mouth[people, images],
        tracks.covariance[rows],
    )
    ours, theirs = (np.linalg.norm(each - eyes[images], axis=1) for each in (place, mouth))
    stated = np.isfinite(covariance).all(axis=(1, 2)) & np.isfinite(place).all(axis=1)
    inside = inside_ellipsoid((place - mouth)[stated], covariance[stated], INSIDE_95)
    errors = (ours / theirs - 1)[np.isfinite(ours)]
    return RigScores(
        errors=clear['fn'] + clear['fp'] + clear['ids'],
        objects=clear['objects'],
        switches=clear['ids'],
        range_errors=tuple(errors.round(4).tolist()),
        inside=int(inside.sum()),
        stated=int(stated.sum()),
        images=len(truth.stamps),
        astray=images_astray(truth, frames, eyes),
        invented=images_astray(truth, frames, eyes, INVENTED),
    )


def images_astray(
    truth: Truth, frames: Sequence[TrackFrame], eyes: np.ndarray, share: float = 0.0
) -> int:
    """Count images with a confirmed track that is astray, by a share of the distance at least."""
    astray = 0
    for number, frame in at_images(truth, frames):
        mouths = truth.mouth[:, number]
        limits = np.maximum(ASTRAY, share * np.linalg.norm(mouths - eyes[number], axis=1))
        astray += any(
            _is_astray(truth, track, mouths, limits)
            for track in frame.tracks
            if track.state == TrackState.CONFIRMED
        )
    return astray


def _is_astray(truth: Truth, track: Track, mouths: np.ndarray, limits: np.ndarray) -> bool:
    if is_voice_alone(track):
        return is_far(truth, track, mouths)
    return bool((np.linalg.norm(mouths - track.position, axis=1) > limits).all())


def eyes_of(drawn: RigScene) -> np.ndarray:
    """Where the camera of a scene is at its images (m), in the frame of the truth, (images, 3)."""
    scene, parent_from_scene = drawn.scene, drawn.scene_from_parent.inverse
    centres = [scene.camera_at(0, time).centre for time in scene.frame_times(0)]
    return parent_from_scene @ np.array(centres)


def _percent(part: str, whole: str) -> Callable[[Sequence[RigScores]], float]:
    return lambda scenes: 100 * summed_ratio(scenes, part, whole)


def _mota(scenes: Sequence[RigScores]) -> float:
    return 100 - 100 * summed_ratio(scenes, 'errors', 'objects')


def _range(scenes: Sequence[RigScores]) -> float:
    return 100 * median([abs(error) for s in scenes for error in s.range_errors])


STATISTICS: dict[str, Callable[[Sequence[RigScores]], float]] = {
    'mota': _mota,
    'range_percent': _range,
    'bias_percent': lambda scenes: 100 * median([e for s in scenes for e in s.range_errors]),
    'inside_percent': _percent('inside', 'stated'),
    'astray_percent': _percent('astray', 'images'),
    'invented_percent': _percent('invented', 'images'),
    'switches': lambda scenes: ratio(sum(s.switches for s in scenes), len(scenes)),
}
"""Scores of scenes taken together."""


def row_of(
    scenes: Sequence[RigScores], reference: Sequence[RigScores]
) -> dict[str, float | int | None]:
    """Take scenes together: each statistic, and MOTA less that of a reference in the same scenes.

    MOTA and its difference have intervals over scenes (``_low``, ``_high``).
    """
    row: dict[str, float | int | None] = {
        name: written(statistic(scenes)) for name, statistic in STATISTICS.items()
    }

    def difference(pairs: Sequence[tuple[RigScores, RigScores]]) -> float:
        ours, theirs = zip(*pairs, strict=True)
        return _mota(ours) - _mota(theirs)

    pairs = list(zip(scenes, reference, strict=True))
    row['difference'] = written(difference(pairs))
    for name, low_high in (
        ('mota', interval_over(scenes, _mota)),
        ('difference', interval_over(pairs, difference)),
    ):
        row[f'{name}_low'], row[f'{name}_high'] = map(written, low_high)
    return row | {'scenes': len(scenes), 'images': sum(scene.images for scene in scenes)}
