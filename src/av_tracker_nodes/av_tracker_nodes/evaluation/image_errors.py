# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Errors of tracks in the image."""

from __future__ import annotations

import numpy as np

from av_tracker_nodes.evaluation.matching import Frame, Matching
from av_tracker_nodes.evaluation.statistics import mean
from av_tracker_nodes.geometry.head import box_centre


def image_errors(matching: Matching) -> dict[str, float]:
    """Errors of the centre of the face.

    Every person in view counts in every frame (AVCLNet eq 20), with the distance

    * to the track matched to the person; else
    * to the nearest track that is nobody else's, however far; else
    * to where the track last matched to the person was.

    Before a person is found at all there is no estimate: those frames are left out of the mean,
    and `mae_share` tells how many remain.

    Returns
    -------
    dict
        mae_px; mae_share; mae_star_px: the mean over successes, which are errors of at most half
        the diagonal of the true box; acc: share of successes among all (%).
    """
    errors, limits = [], []
    last: dict[int, np.ndarray] = {}
    for frame, matched in zip(matching.frames, matching.in_view, strict=True):
        errors += _frame_errors(matching, frame, matched, last)
        box = matching.truth.box[frame.visible, frame.index]
        limits += list(np.hypot(box[:, 2], box[:, 3]) / 2)
    errors, limits = np.array(errors, float), np.array(limits, float)
    success = errors <= limits
    return {
        'mae_px': mean(errors[~np.isnan(errors)]),
        'mae_share': mean(~np.isnan(errors)),
        'mae_star_px': mean(errors[success]),
        'acc': 100 * mean(success),
    }


def _frame_errors(
    matching: Matching, frame: Frame, matched: dict[int, int], last: dict[int, np.ndarray]
) -> list[float]:
    """Error (px) of each person in view, NaN without an estimate; keeps `last` up to date."""
    free = [row for row in frame.boxed if row not in matched.values()]
    centres = box_centre(matching.tracks.box)
    errors = []
    for person in frame.visible:
        true = matching.truth.centre[person, frame.index]
        if person in matched:
            last[person] = centres[matched[person]]
            errors.append(np.linalg.norm(last[person] - true))
        elif free:
            errors.append(np.linalg.norm(centres[free] - true, axis=1).min())
        else:
            errors.append(np.linalg.norm(last.get(person, np.full(2, np.nan)) - true))
    return errors
