# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Tracks to draw."""

from dataclasses import replace

import numpy as np

from av_tracker_nodes.types import Modality, Track, TrackState


def make_track(number, x=0.0, **changes):
    track = Track(
        id=number,
        state=TrackState.CONFIRMED,
        position=np.array([x, 0.0, 1.0]),
        velocity=np.zeros(3),
        covariance=0.01 * np.eye(6),
        box=np.array([100.0, 80.0, 30.0, 40.0]),
        speaking=0.9,
        is_speaking=True,
        existence=1.0,
        modalities=Modality.VISUAL | Modality.AUDIO,
        born=0,
    )
    return replace(track, **changes)
