# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Who speaks, voices of people out of view, and people who talk with their faces turned away."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.research.datasets.person_truth import PersonTruth
from av_tracker_nodes.research.evaluation.matching import VOICE_GATE, Matching
from av_tracker_nodes.research.evaluation.statistics import mean, median, ratio

SPEAKING_THRESHOLD = 0.5
"""A track speaks from this probability on."""
AWAY_ANGLE = np.pi / 2
AWAY_SECONDS = 5.0
"""A face is turned away when it points more than `AWAY_ANGLE` off the camera this long."""

_TALKING_SHARE = 0.5


def speaking_scores(matching: Matching) -> dict[str, float]:
    """Find out whether the right people are said to speak, frame by frame.

    People out of view count as well, with the track in their direction. A speaking track that is
    nobody's is a false positive, a speaker without a track a miss.

    Returns
    -------
    dict
        speaking_f1, speaking_precision, speaking_recall, and speaking_false_share: share of the
        silent persons' frames in which they are said to speak; all NaN without labels.
    """
    speaking = matching.truth.speaking
    if speaking is None:
        names = ('speaking_f1', 'speaking_precision', 'speaking_recall', 'speaking_false_share')
        return dict.fromkeys(names, float('nan'))
    said = matching.tracks.speaking >= SPEAKING_THRESHOLD
    known = ~np.isnan(matching.truth.mouth).any(axis=-1)
    hits = misses = strays = false = silent = 0
    for frame, matched in zip(matching.frames, matching.anywhere, strict=True):
        for person in np.flatnonzero(known[:, frame.index]):
            reported = person in matched and bool(said[matched[person]])
            speaks = bool(speaking[person, frame.index])
            hits += speaks and reported
            misses += speaks and not reported
            false += reported and not speaks
            silent += not speaks
        strays += int(said[np.setdiff1d(frame.rows, list(matched.values()))].sum())
    return {
        'speaking_f1': ratio(2 * hits, 2 * hits + misses + false + strays),
        'speaking_precision': ratio(hits, hits + false + strays),
        'speaking_recall': ratio(hits, hits + misses),
        'speaking_false_share': ratio(false, silent),
    }


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
