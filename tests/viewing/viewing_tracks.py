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
