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

"""Pictures of simulated faces that talk and that do not, to learn from who speaks.

The jaw of a simulated person follows the speech and else stays shut; those of real people also
smile, yawn and chew. So jaws are changed before a scene is drawn: they open less or more, rest
ajar, and some mouths move without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import FaceStage, Mouth
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Person, Scene
from av_tracker_nodes.research.simulation.trajectories import facing_vector
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.research.training.parallel_files import make_missing
from av_tracker_nodes.types import NANOSECONDS, Face, ImageFrame

RIG, SCENARIO = 'respeaker_usb_webcam', 'two_talking'
DURATION = 5.0
"""Seconds of a clip."""

_REACH = 1.0
"""A face belongs to whose mouth is nearest to its centre, up to so many heights of the face."""
_OPENNESS, _REST = (0.5, 1.0), (0.0, 0.2)
"""How far jaws open relative to the simulator's, and how far they stand open at rest."""
_STILL, _EXPRESSIVE = 0.7, 0.9
"""Share of mouths that are still in pauses; up to the second, they smile and yawn; others chew."""


@dataclass(frozen=True)
class Glimpse:
    """A face in one picture.

    Attributes
    ----------
    stamp : int
        Nanoseconds.
    face : Face
        Pixels of `patch`.
    patch : np.ndarray, shape (height, width), uint8
        Grey picture around the face.
    speaks : bool
    yaw : float
        How far the head is truly turned from the camera (rad).
    """

    stamp: int
    face: Face
    patch: np.ndarray
    speaks: bool
    yaw: float


def make_lip_clips(
    out: Path, seeds: Sequence[int], jobs: int, progress: Progress | None = None
) -> list[Path]:
    """Record clips that are not there yet; see `corpus.make_corpus`.

    Seeds below 1000 are to learn from, below 2000 to choose by, above to report on.
    """
    tasks = {out / f'lips-{seed:04d}.npz': (seed,) for seed in seeds}
    return make_missing(_make_clip, tasks, jobs, progress)


def _make_clip(seed: int, path: Path) -> None:
    _save(path, list(film_faces(lively_scene(seed))))


def lively_scene(seed: int, duration: float = DURATION) -> Scene:
    """Build a scene of two people who talk in turn, with mouths that do not only talk."""
    scene = build_rig_scene(load_rig_description(RIG), SCENARIO, seed, duration).scene
    rng = np.random.default_rng([seed, 0x11B5])
    return replace(scene, people=tuple(_lively(person, rng) for person in scene.people))


def _lively(person: Person, rng: np.random.Generator) -> Person:
    """Let a jaw open less, rest ajar, and move in pauses as some do."""
    times = person.times
    talking = rng.uniform(*_OPENNESS) * person.jaw
    idle = np.zeros(len(times))
    manner = rng.uniform()
    if _STILL < manner < _EXPRESSIVE:
        idle = _expressions(times, rng)
    elif manner >= _EXPRESSIVE:
        rate, phase = rng.uniform(0.9, 1.8), rng.uniform(0, 2 * np.pi)
        idle = rng.uniform(0.1, 0.4) * (0.5 + 0.5 * np.sin(2 * np.pi * rate * times + phase))
    jaw = np.maximum(talking, np.where(person.speaks(times), 0, idle))
    rest = rng.uniform(*_REST)
    return replace(person, jaw=np.clip(rest + (1 - rest) * jaw, 0, 1))


def _expressions(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Open slowly now and then, and shut again."""
    opening = np.zeros(len(times))
    for middle in np.arange(rng.uniform(0, 3), times[-1], rng.uniform(2.0, 4.0)):
        width = rng.uniform(0.25, 0.8)
        opening += rng.uniform(0.15, 0.8) * np.exp(-(((times - middle) / width) ** 2))
    return opening


def film_faces(scene: Scene) -> Iterator[Glimpse]:
    """Film a scene and detect the faces of its people.

    Yields
    ------
    Glimpse
        Of each face that is somebody's, picture by picture.
    """
    stage = FaceStage()
    times = scene.frame_times(0)
    for index, image in enumerate(render_frames(scene, 0)):
        stamp = round((index + 1) * NANOSECONDS / FRAME_RATE)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        mouths = _mouths(scene, times[index])
        for face in stage.process(ImageFrame(stamp, image)).faces:
            distances = np.linalg.norm(mouths - (face.box[:2] + face.box[2:] / 2), axis=-1)
            nearest = int(np.argmin(distances))
            if distances[nearest] > _REACH * face.box[3]:
                continue
            person = scene.people[nearest]
            patch, moved = _cut_out(grey, face)
            speaks = bool(person.speaks(times[index]))
            yield Glimpse(stamp, moved, patch, speaks, _yaw(scene, person, times[index]))


def _mouths(scene: Scene, time: float) -> np.ndarray:
    """Where the mouths are in the picture, shape (people, 2); far away where they are not."""
    camera = scene.camera_at(0, time)
    places = [
        camera.project(person.at(np.array([time]), person.mouth)[0]) for person in scene.people
    ]
    return np.nan_to_num(np.array(places), nan=1e6)


def _yaw(scene: Scene, person: Person, time: float) -> float:
    """Angle between where somebody faces and the camera, about the vertical (rad)."""
    now = np.array([time])
    facing = facing_vector(person.at(now, person.orientation)[0])
    towards = scene.camera_at(0, time).centre - person.at(now, person.mouth)[0]
    turn = np.arctan2(facing[1], facing[0]) - np.arctan2(towards[1], towards[0])
    return float((turn + np.pi) % (2 * np.pi) - np.pi)


def _cut_out(grey: np.ndarray, face: Face) -> tuple[np.ndarray, Face]:
    """Cut the picture around a face out, and move the face there."""
    patch, landmarks = Mouth.cut_out(grey, face)
    corner = (face.landmarks - landmarks)[0]
    box = np.concatenate([face.box[:2] - corner, face.box[2:]])
    return patch, replace(face, box=box, landmarks=landmarks, embedding=None)


def _save(path: Path, glimpses: list[Glimpse]) -> None:
    pixels = [glimpse.patch.ravel() for glimpse in glimpses]
    np.savez_compressed(
        path,
        stamp=np.array([glimpse.stamp for glimpse in glimpses], np.int64),
        box=np.array([glimpse.face.box for glimpse in glimpses]).reshape(-1, 4),
        score=np.array([glimpse.face.score for glimpse in glimpses]),
        landmarks=np.array([glimpse.face.landmarks for glimpse in glimpses]).reshape(-1, 5, 2),
        tracklet=np.array([glimpse.face.tracklet for glimpse in glimpses], int),
        shape=np.array([glimpse.patch.shape for glimpse in glimpses], int).reshape(-1, 2),
        pixels=np.concatenate(pixels) if pixels else np.zeros(0, np.uint8),
        speaks=np.array([glimpse.speaks for glimpse in glimpses], bool),
        yaw=np.array([glimpse.yaw for glimpse in glimpses]),
    )


def load_lip_clip(path: Path) -> list[Glimpse]:
    """Read the faces of a clip, picture by picture."""
    with np.load(path, allow_pickle=False) as data:
        arrays = dict(data)
    ends = np.cumsum(arrays['shape'].prod(axis=1))
    patches = np.split(arrays['pixels'], ends[:-1]) if len(ends) else []
    return [
        Glimpse(
            int(arrays['stamp'][k]),
            Face(
                arrays['box'][k],
                float(arrays['score'][k]),
                arrays['landmarks'][k],
                int(arrays['tracklet'][k]),
            ),
            patch.reshape(arrays['shape'][k]),
            bool(arrays['speaks'][k]),
            float(arrays['yaw'][k]),
        )
        for k, patch in enumerate(patches)
    ]
