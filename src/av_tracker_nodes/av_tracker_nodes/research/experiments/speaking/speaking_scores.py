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

"""What is counted in one scene, and the scores of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry.bearings import heard_angles
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.mot_scores import clear_scores
from av_tracker_nodes.research.evaluation.speech_scores import (
    SpeakingCounts,
    near_changes,
    speaking_counts,
    speaking_delays,
)
from av_tracker_nodes.research.evaluation.statistics import (
    interval_over,
    median,
    summed_ratio,
    written,
)
from av_tracker_nodes.research.evaluation.truth import Truth
from av_tracker_nodes.research.experiments.kit.recorded_scenes import table_of
from av_tracker_nodes.types import Modality, Track, TrackFrame, TrackState

GUARD = 0.2
"""Images within this time (s) of a change of somebody are not scored for that person."""

SETTLED = 0.4
"""Delays are taken of changes before and after which nothing changes for this long (s)."""

ASTRAY = np.radians(15.0)
"""A voice is nobody's if it is heard farther than this (rad) from everybody who talks."""


@dataclass(frozen=True)
class SceneScores:
    """What is counted in a scene.

    Attributes
    ----------
    counts : SpeakingCounts
        With `GUARD`.
    onsets, ends : tuple of float
        Delays (s) with which speech was told to begin and to end; infinite where it was not.
    images, astray : int
        All, and those with a confirmed track by sound alone that is nobody's who talks.
    errors, objects : int
        Numerator and denominator of 1 - MOTA.
    """

    counts: SpeakingCounts
    onsets: tuple[float, ...]
    ends: tuple[float, ...]
    images: int
    astray: int
    errors: int
    objects: int

    def as_dict(self) -> dict:
        """Write it down; JSON has no infinity, so that becomes None."""
        delays = {
            name: [written(delay) for delay in getattr(self, name)] for name in ('onsets', 'ends')
        }
        return {**vars(self), **delays, 'counts': vars(self.counts)}

    @classmethod
    def of_dict(cls, written: dict) -> SceneScores:
        """Read what `as_dict` wrote."""
        delays = {
            name: tuple(np.inf if delay is None else delay for delay in written[name])
            for name in ('onsets', 'ends')
        }
        return cls(**{**written, **delays, 'counts': SpeakingCounts(**written['counts'])})


def score_scene(truth: Truth, frames: Sequence[TrackFrame]) -> SceneScores:
    """Compare the tracks of the images of a scene with the truth."""
    matching = Matching(truth, table_of(frames))
    onsets, ends = speaking_delays(matching, SETTLED)
    clear = clear_scores(matching)
    return SceneScores(
        counts=speaking_counts(matching, GUARD),
        onsets=tuple(onsets.tolist()),
        ends=tuple(ends.tolist()),
        images=len(truth.stamps),
        astray=images_astray(truth, frames),
        errors=clear['fn'] + clear['fp'] + clear['ids'],
        objects=clear['objects'],
    )


def images_astray(truth: Truth, frames: Sequence[TrackFrame]) -> int:
    """Count images with a confirmed track by sound alone where nobody talks.

    Directions are compared as the microphones hear them. Who began or ended to talk within `GUARD`
    talks.
    """
    talking = truth.speaking | near_changes(truth.speaking, truth.stamps, GUARD)
    astray = 0
    for number, frame in at_images(truth, frames):
        mouths = truth.mouth[talking[:, number], number]
        astray += any(
            is_far(truth, track, mouths) for track in frame.tracks if is_voice_alone(track)
        )
    return astray


def at_images(truth: Truth, frames: Iterable[TrackFrame]) -> Iterator[tuple[int, TrackFrame]]:
    """Yield the tracks at images of the truth, each with the number of the image."""
    column = {int(stamp): number for number, stamp in enumerate(truth.stamps)}
    return ((column[frame.stamp], frame) for frame in frames if frame.stamp in column)


def is_voice_alone(track: Track) -> bool:
    """Tell whether a track is confirmed, and by sound alone."""
    return track.state == TrackState.CONFIRMED and track.modalities == Modality.AUDIO


def is_far(truth: Truth, track: Track, mouths: np.ndarray) -> bool:
    """Tell whether a track is heard more than `ASTRAY` beside all mouths (n, 3)."""
    if not len(mouths):
        return True
    array = truth.rig.microphones
    array_from_target = truth.rig.target_from_array.inverse
    places = array_from_target @ np.vstack([track.position, mouths]) - array.centre
    towards = places / np.linalg.norm(places, axis=1, keepdims=True)
    return bool((heard_angles(array, towards[0], towards[1:]) > ASTRAY).all())


def _speaking(name: str) -> Callable[[Sequence[SceneScores]], float]:
    return lambda scenes: SpeakingCounts.sum(s.counts for s in scenes).scores()[name]


def _delay(name: str) -> Callable[[Sequence[SceneScores]], float]:
    return lambda scenes: median([delay for s in scenes for delay in getattr(s, name)])


STATISTICS: dict[str, Callable[[Sequence[SceneScores]], float]] = {
    'f1': _speaking('speaking_f1'),
    'precision': _speaking('speaking_precision'),
    'recall': _speaking('speaking_recall'),
    'false_share': _speaking('speaking_false_share'),
    'onset_s': _delay('onsets'),
    'end_s': _delay('ends'),
    'astray_share': lambda scenes: summed_ratio(scenes, 'astray', 'images'),
    'mota': lambda scenes: 100 - 100 * summed_ratio(scenes, 'errors', 'objects'),
}
"""Scores of scenes taken together."""


def row_of(scenes: Sequence[SceneScores]) -> dict[str, float | None]:
    """Take scenes together: each statistic, and its interval over scenes (``_low``, ``_high``).

    What cannot be told is None, and so is a delay that is infinite.
    """
    row = {}
    for name, statistic in STATISTICS.items():
        figures = statistic(scenes), *interval_over(scenes, statistic)
        for suffix, value in zip(('', '_low', '_high'), figures, strict=True):
            row[name + suffix] = written(value)
    return row | {'scenes': len(scenes), 'images': sum(scene.images for scene in scenes)}
