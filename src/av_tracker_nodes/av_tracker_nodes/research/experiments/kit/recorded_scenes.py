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

"""Scenes recorded once as bags, and tracked by the complete chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from av_tracker_nodes import BagReader, Pipeline
from av_tracker_nodes.recordings.tracks_csv import TrackTable
from av_tracker_nodes.research.evaluation.truth import Truth
from av_tracker_nodes.research.experiments.kit.models import open_model
from av_tracker_nodes.research.simulation.rig_bag import (
    image_stamps,
    true_people,
    write_rig_scene,
)
from av_tracker_nodes.research.simulation.rig_scene import RigScene
from av_tracker_nodes.types import Track, TrackFrame, TrackState


def record_scene(bag: Path, drawn: RigScene) -> Path:
    """Write the bag of a scene, unless it is there."""
    if not bag.exists():
        bag.parent.mkdir(parents=True, exist_ok=True)
        write_rig_scene(drawn, bag)
    return bag


def track_scene(bag: Path, model: str) -> list[TrackFrame]:
    """Track a bag as `av-tracker track` does; return the tracks of its images."""
    fusion = open_model(model)
    with BagReader(bag) as reader:
        reader.check(fusion.sees, fusion.hears)
        pipeline = Pipeline(reader.sensors(fusion.sees, fusion.hears), fusion)
        records = reader.stream(fusion.sees, fusion.hears)
        return [frame for frame in pipeline.run(records) if frame.from_image]


def truth_of(drawn: RigScene) -> Truth:
    """Return who truly is where, and who speaks, at the images of a scene."""
    stamps = np.array(image_stamps(drawn.scene), np.int64)
    return Truth(
        drawn.scene.name,
        1,
        True,
        drawn.rig.rig(),
        stamps,
        tuple(true_people(drawn)),
        np.ones(len(stamps), bool),
    )


def table_of(frames: list[TrackFrame]) -> TrackTable:
    """Lay confirmed and coasting tracks out; who is said to speak does so with probability 1."""
    rows = [
        (frame.stamp, number, track)
        for number, frame in enumerate(frames)
        for track in frame.tracks
        if track.state != TrackState.TENTATIVE
    ]
    tracks = [track for _, _, track in rows]
    return TrackTable(
        np.array([stamp for stamp, _, _ in rows], np.int64),
        np.array([number for _, number, _ in rows], int),
        np.array([track.id for track in tracks], int),
        np.array([_box(track) for track in tracks]).reshape(-1, 4),
        np.array([track.position for track in tracks]).reshape(-1, 3),
        np.array([track.is_speaking for track in tracks], float),
        np.array([track.existence for track in tracks], float),
        np.array([track.covariance[:3, :3] for track in tracks]).reshape(-1, 3, 3),
    )


def _box(track: Track) -> np.ndarray:
    return np.full(4, np.nan) if track.box is None else track.box
