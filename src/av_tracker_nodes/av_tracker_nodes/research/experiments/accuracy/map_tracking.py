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

"""Maps as trackers in the image: the comparison of measures in AVCLNet's Table 4.

Nothing smooths or repairs what the maps say. In an image with faces, V-WSWE and vgGCF place one
person at the highest point inside each box, and stGCF as many people at the highest points of its
map of the whole image. In an image without a face all three place one person at the highest point
of that same stGCF map. Places of successive images are linked by the dual geometric constraint
with greedy assignment as published.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from av_tracker_nodes import FaceStage
from av_tracker_nodes.acoustics import SoundMapper
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.recordings.tracks_csv import TrackTable
from av_tracker_nodes.research.evaluation.image_errors import image_errors
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.mot_scores import clear_scores
from av_tracker_nodes.research.evaluation.truth import Truth, read_truth
from av_tracker_nodes.research.experiments.accuracy.linking import Linker
from av_tracker_nodes.research.experiments.accuracy.map_peaks import MapView, peak_of_face
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scenarios import build_scene
from av_tracker_nodes.research.simulation.scene import Scene
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.research.simulation.writer import AUDIO_START, write_calibration, write_truth
from av_tracker_nodes.types import (
    FaceFrame,
    ImageFrame,
    to_nanoseconds,
)

MEASURES = 'vwswe', 'vggcf', 'stgcf'

SCENARIOS = 'two_crossing', 'three_talking', 'three_leave_return'
"""Two or three people who walk and talk, as in the sequences that AVCLNet is tested on."""

_BLOCK = RATE // 100

SCORES = 'mae_px', 'mota', 'motp_px'


def image_scores(
    scenario: str, seed: int, camera: int, seconds: float | None = None
) -> dict[str, dict[str, float]]:
    """Score every measure on one camera of a simulated recording.

    Parameters
    ----------
    scenario : str
        One of the simulator's.
    seed : int
    camera : int
        1, 2 or 3.
    seconds : float or None
        Cut the recording to this length.

    Returns
    -------
    dict of dict
        By measure: mae_px, mota (%), motp_px, and the number of images and of those without a
        face.
    """
    scene = build_scene(scenario, seed)
    if seconds is not None:
        scene = _cut(scene, seconds)
    with tempfile.TemporaryDirectory() as folder:
        truth = _truth(scene, camera, Path(folder))
    placer = _Placer(truth.rig, record(scene))
    linkers = {measure: Linker(truth.rig.camera) for measure in MEASURES}
    faceless = 0
    for faces in _faces(scene, camera, truth):
        faceless += not faces.faces
        for measure, places in placer.places(faces).items():
            linkers[measure].link(faces.stamp, places)
    counts = {'images': len(truth.stamps), 'images_without_face': faceless}
    return {
        measure: _scores(truth, linker.table()) | counts for measure, linker in linkers.items()
    }


class _Placer:
    """Places people by each measure, image by image."""

    def __init__(self, rig: Rig, sound: np.ndarray) -> None:
        blocks = list(cut_blocks([sound], _BLOCK, RATE, to_nanoseconds(AUDIO_START)))
        self._mappers = {measure: SoundMapper(measure, rig, blocks) for measure in MEASURES}
        self._camera = rig.camera_in_array
        self._to_target = rig.target_from_array
        self._view = MapView(rig)

    def places(self, faces: FaceFrame) -> dict[str, np.ndarray]:
        """Places (n, 3) (m, target frame) by measure at the time of an image."""
        maps = {measure: mapper.map(faces) for measure, mapper in self._mappers.items()}
        everywhere = self._view.peaks(maps['stgcf'], max(len(faces.faces), 1))
        found = dict.fromkeys(MEASURES, everywhere)
        if faces.faces:
            for measure in ('vwswe', 'vggcf'):
                pairs = zip(faces.faces, maps[measure].faces, strict=True)
                found[measure] = np.array([peak_of_face(self._camera, *pair) for pair in pairs])
        return {measure: self._to_target @ places for measure, places in found.items()}


def _faces(scene: Scene, camera: int, truth: Truth) -> Iterator[FaceFrame]:
    detector = FaceStage()
    images = render_frames(scene, camera - 1)
    for stamp, image in zip(truth.stamps.tolist(), images, strict=True):
        yield detector.process(ImageFrame(stamp, image))


def _truth(scene: Scene, camera: int, root: Path) -> Truth:
    """Truth of a scene as every recording tells it: by its files."""
    folder = root / scene.name
    folder.mkdir()
    write_calibration(root)
    write_truth(folder, scene)
    return read_truth(folder, camera)


def _scores(truth: Truth, tracks: TrackTable) -> dict[str, float]:
    matching = Matching(truth, tracks)
    scores = clear_scores(matching) | image_errors(matching)
    return {name: scores[name] for name in SCORES}


def _cut(scene: Scene, seconds: float) -> Scene:
    people = (
        replace(
            person,
            speech=person.speech[: round(seconds * RATE)],
            segments=tuple((a, min(b, seconds)) for a, b in person.segments if a < seconds),
        )
        for person in scene.people
    )
    return replace(scene, duration=seconds, people=tuple(people))
