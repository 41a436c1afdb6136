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

"""Errors of direction in one simulated room."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from av_tracker_nodes.research.evaluation.matching import angle_between
from av_tracker_nodes.research.experiments.accuracy.boxes import BoxDetector
from av_tracker_nodes.research.experiments.accuracy.listeners import listeners
from av_tracker_nodes.research.experiments.accuracy.rooms import (
    Condition,
    draw_scene,
    level,
    rig_of,
)
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Person, Scene
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.types import NANOSECONDS, FaceFrame

NOTHING_FOUND = np.pi

_FIRST_FRAME = 40
_WINDOW = 0.04
_LEAST_LEVEL = 10 ** (-20 / 20)


def room_errors(condition: Condition, seed: int, images: int) -> dict[str, np.ndarray]:
    """Measure how far off the directions of all voices are.

    Images are scored while every voice sounds: in the last 40 ms that reached the microphones it
    is at most 20 dB below its usual level. Found and true directions, as seen from the centre of
    the microphones at the stamp of the image, are matched one to one with the least sum of
    angles.

    Parameters
    ----------
    condition : Condition
    seed : int
    images : int
        Scored at most, spread over the scene.

    Returns
    -------
    dict of np.ndarray, shape (scored, voices)
        Errors (rad) by method; `NOTHING_FOUND` where fewer directions than voices were found.
    """
    scene = draw_scene(condition, seed)
    talkers = scene.people[: condition.voices]
    scored = _scored_frames(scene, talkers, images)
    sound = record(scene)
    rig = rig_of(scene)
    detector = BoxDetector.of(rig.camera, scene.people, seed)
    methods = listeners(rig, sound)
    errors: dict[str, list[np.ndarray]] = {}
    history = max(method.history for method in methods)
    for frame in sorted({frame - ago for frame in scored for ago in range(history + 1)}):
        places = np.concatenate(
            [person.at(np.array([frame / FRAME_RATE]), person.mouth) for person in scene.people]
        )
        stamp = frame * NANOSECONDS // FRAME_RATE
        faces = FaceFrame(stamp, rig.camera.size, detector.detect(places))
        true = places[: condition.voices] - rig.microphones.centre
        for method in methods:
            if frame in scored or method.history:
                found = method.listen(faces, condition.voices)
            if frame in scored:
                for name, towards in found.items():
                    errors.setdefault(name, []).append(direction_errors(towards, true))
    return {name: np.array(rows) for name, rows in errors.items()}


def direction_errors(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Match directions one to one with the least sum of angles.

    Parameters
    ----------
    found, true : np.ndarray, shapes (k, 3) and (n, 3)
        Vectors of any length.

    Returns
    -------
    np.ndarray, shape (n,)
        Angles (rad); `NOTHING_FOUND` for those that none is left for.
    """
    errors = np.full(len(true), NOTHING_FOUND)
    if len(found):
        angle = angle_between(np.asarray(found)[:, None], true[None])
        rows, columns = linear_sum_assignment(angle)
        errors[columns] = angle[rows, columns]
    return errors


def _scored_frames(scene: Scene, talkers: tuple[Person, ...], most: int) -> list[int]:
    """Images at which all talkers sound, at most so many, spread over the scene."""
    frames = np.arange(_FIRST_FRAME, int(scene.duration * FRAME_RATE))
    speed = scene.microphones.speed_of_sound
    sounding = [f for f in frames if all(_sounds(p, f / FRAME_RATE, speed) for p in talkers)]
    picked = np.linspace(0, len(sounding) - 1, min(most, len(sounding))).round().astype(int)
    return [int(sounding[index]) for index in picked]


def _sounds(person: Person, time: float, speed_of_sound: float) -> bool:
    """Whether a voice reached the origin in the window that ends at a time (s)."""
    distance = np.linalg.norm(person.at(np.array([time]), person.mouth)[0])
    end = round((time - distance / speed_of_sound) * RATE)
    recent = person.speech[end - round(_WINDOW * RATE) : end]
    loudness = np.sqrt(np.mean(np.square(recent, dtype=float)))
    return bool(loudness >= _LEAST_LEVEL * level(person.speech))
