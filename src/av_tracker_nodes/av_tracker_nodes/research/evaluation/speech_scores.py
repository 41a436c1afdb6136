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

"""Who speaks, voices of people out of view, and people who talk with their faces turned away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np

from av_tracker_nodes.research.datasets.person_truth import PersonTruth
from av_tracker_nodes.research.evaluation.matching import VOICE_GATE, Matching
from av_tracker_nodes.research.evaluation.statistics import mean, median, ratio
from av_tracker_nodes.types import NANOSECONDS

SPEAKING_THRESHOLD = 0.5
"""A track speaks from this probability on."""
AWAY_ANGLE = np.pi / 2
AWAY_SECONDS = 5.0
"""A face is turned away when it points more than `AWAY_ANGLE` off the camera this long."""

_TALKING_SHARE = 0.5


@dataclass(frozen=True)
class SpeakingCounts:
    """How often the right people were said to speak, summed over people and images.

    Attributes
    ----------
    hits, misses : int
        Of those who speak.
    false, silent : int
        Those who are silent and said to speak, and all who are silent.
    strays : int
        Tracks that are nobody's and are said to speak.
    """

    hits: int = 0
    misses: int = 0
    false: int = 0
    silent: int = 0
    strays: int = 0

    @classmethod
    def sum(cls, counts: Iterable[SpeakingCounts]) -> SpeakingCounts:
        """Add up, as of several recordings."""
        return cls(*map(sum, zip(*map(astuple, counts), strict=True)))

    def scores(self) -> dict[str, float]:
        """Return speaking_f1, speaking_precision, speaking_recall, speaking_false_share.

        The last is the share of the images of silent people in which they are said to speak.
        """
        hits, wrong = self.hits, self.false + self.strays
        return {
            'speaking_f1': ratio(2 * hits, 2 * hits + self.misses + wrong),
            'speaking_precision': ratio(hits, hits + wrong),
            'speaking_recall': ratio(hits, hits + self.misses),
            'speaking_false_share': ratio(self.false, self.silent),
        }


def speaking_scores(matching: Matching, guard: float = 0.0) -> dict[str, float]:
    """Find out whether the right people are said to speak, frame by frame.

    Returns
    -------
    dict
        See `SpeakingCounts.scores`; all NaN without labels.
    """
    counts = speaking_counts(matching, guard)
    if counts is None:
        return dict.fromkeys(SpeakingCounts().scores(), float('nan'))
    return counts.scores()


def speaking_counts(matching: Matching, guard: float = 0.0) -> SpeakingCounts | None:
    """Count how often the right people are said to speak; None without labels.

    People out of view count as well, with the track in their direction. A speaking track that is
    nobody's is a false positive, a speaker without a track a miss.

    Parameters
    ----------
    matching : Matching
    guard : float
        Images within this time (s) of one at which a person begins or ends to speak are left out
        for that person.
    """
    speaking = _true_speech(matching)
    if speaking is None:
        return None
    said, nobodys = _said_to_speak(matching)
    frames = [frame.index for frame in matching.frames]
    counted = ~np.isnan(matching.truth.mouth[:, frames]).any(axis=-1)
    counted &= ~near_changes(speaking, matching.truth.stamps[frames], guard)
    return SpeakingCounts(
        hits=int((speaking & said & counted).sum()),
        misses=int((speaking & ~said & counted).sum()),
        false=int((~speaking & said & counted).sum()),
        silent=int((~speaking & counted).sum()),
        strays=int(nobodys.sum()),
    )


def near_changes(speaking: np.ndarray, stamps: np.ndarray, guard: float) -> np.ndarray:
    """Find the images near those at which somebody begins or ends to speak.

    Parameters
    ----------
    speaking : np.ndarray, shape (people, n), bool
    stamps : np.ndarray, shape (n,), int
        Nanoseconds.
    guard : float
        Seconds to either side of the middle between two images that differ.

    Returns
    -------
    np.ndarray, shape (people, n), bool
    """
    times = (stamps - stamps[:1]) / NANOSECONDS
    middles = (times[1:] + times[:-1]) / 2
    near = np.abs(times[:, None] - middles) <= guard
    changes = np.diff(speaking.astype(int), axis=1) != 0
    return (changes[:, None] & near).any(axis=-1)


def speaking_delays(matching: Matching, settled: float) -> tuple[np.ndarray, np.ndarray]:
    """Tell how late the beginnings and the ends of speech are told.

    Those count before and after which nothing changes for a while. An end that was told before it
    came is 0 late, and counts only where the speech before it was told at all.

    Parameters
    ----------
    matching : Matching
        With labels of speech.
    settled : float
        How long (s) a person has been silent and then speaks, or the other way round.

    Returns
    -------
    onsets, ends : np.ndarray, shapes (n,) and (m,)
        Seconds; infinite for those that are not told before the next change.
    """
    speaking, (said, _) = _true_speech(matching), _said_to_speak(matching)
    times = matching.truth.stamps[[frame.index for frame in matching.frames]] / NANOSECONDS
    onsets, ends = [], []
    for truth, told in zip(speaking, said, strict=True):
        edges = np.flatnonzero(np.diff(truth.astype(int))) + 1
        borders = np.concatenate([[0], edges, [len(truth)]])
        for before, edge, after in zip(borders, borders[1:], borders[2:], strict=False):
            lasts = times[edge] - times[before], times[after - 1] - times[edge]
            if min(lasts) < settled:
                continue
            begins = bool(truth[edge])
            if not begins and not told[before:edge].any():
                continue
            agreeing = np.flatnonzero(told[edge:after] == begins)
            delay = times[edge + agreeing[0]] - times[edge] if len(agreeing) else np.inf
            (onsets if begins else ends).append(delay)
    return np.array(onsets), np.array(ends)


def _true_speech(matching: Matching) -> np.ndarray | None:
    """Who speaks, shape (people, frames), at the frames of a matching; None without labels."""
    if matching.truth.speaking is None:
        return None
    return matching.truth.speaking[:, [frame.index for frame in matching.frames]]


def _said_to_speak(matching: Matching) -> tuple[np.ndarray, np.ndarray]:
    """Who is said to speak, (people, frames), and how many tracks that are nobody's, (frames,)."""
    speaks = matching.tracks.speaking >= SPEAKING_THRESHOLD
    said = np.zeros((len(matching.truth.people), len(matching.frames)), bool)
    nobodys = np.zeros(len(matching.frames), int)
    for column, (frame, matched) in enumerate(
        zip(matching.frames, matching.anywhere, strict=True)
    ):
        rows = list(matched.values())
        said[list(matched), column] = speaks[rows]
        nobodys[column] = speaks[np.setdiff1d(frame.rows, rows)].sum()
    return said, nobodys


def voice_scores(matching: Matching) -> dict[str, float]:
    """Find out whether people who speak out of view are tracked in the right direction.

    Returns
    -------
    dict
        voice_recall_10deg: share of their frames with a track, of nobody in view, within 10
        degrees seen from the arrays; voice_direction_median_deg: median angle where there is such
        a track at all. NaN where nobody speaks out of view.
    """
    speaking = matching.truth.speaking
    if speaking is None:
        return {'voice_recall_10deg': float('nan'), 'voice_direction_median_deg': float('nan')}
    angles = [
        heard[person][1] if person in heard else np.inf
        for frame, heard in zip(matching.frames, matching.out_of_view, strict=True)
        for person in matching.annotated_out_of_view(frame)
        if speaking[person, frame.index]
    ]
    angles = np.array(angles, float)
    return {
        'voice_recall_10deg': mean(angles <= VOICE_GATE),
        'voice_direction_median_deg': float(np.rad2deg(median(angles[np.isfinite(angles)]))),
    }


def face_away_recall(matching: Matching) -> float:
    """Share of frames with a match while people in view talk with their faces turned away.

    Stretches of at least `AWAY_SECONDS` count, in which the person talks at least half of the
    time; NaN where there are none, or no labels.
    """
    index_of = {frame.index: number for number, frame in enumerate(matching.frames)}
    found = []
    for person, labels in enumerate(matching.truth.people):
        for stretch in talking_away(labels, matching.truth.frame_rate):
            numbers = [index_of[index] for index in stretch if index in index_of]
            found += [person in matching.in_view[number] for number in numbers]
    return mean(found)


def talking_away(person: PersonTruth, frame_rate: float) -> list[np.ndarray]:
    """Frames of each stretch in which a person in view talks with the face turned away."""
    if person.away is None or person.speaking is None:
        return []
    away = np.flatnonzero(person.visible & (np.nan_to_num(person.away) > AWAY_ANGLE))
    stretches = np.split(away, np.flatnonzero(np.diff(away) > 1) + 1)
    return [
        stretch
        for stretch in stretches
        if len(stretch) >= AWAY_SECONDS * frame_rate
        and person.speaking[stretch].mean() >= _TALKING_SHARE
    ]
