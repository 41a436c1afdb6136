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

"""What is true of a person at the images of a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import box_centre, face_box
from av_tracker_nodes.research.datasets.av163_truth import ImagePoints, within
from av_tracker_nodes.research.datasets.corpus import Recording
from av_tracker_nodes.types import NANOSECONDS


@dataclass(frozen=True)
class PersonTruth:
    """A person at the n images of a camera.

    Attributes
    ----------
    person : int
    mouth : np.ndarray, shape (n, 3)
        Metres, world; NaN without annotation.
    box : np.ndarray, shape (n, 4)
        Face (0-based pixels): the labelled one, else one of 0.15 m x 0.20 m at the mouth, moved
        to where the mouth is annotated in the image; NaN without annotation.
    visible : np.ndarray, shape (n,), bool
        Whether the centre of the face is in the image (it may be hidden by something).
    speaking : np.ndarray or None, shape (n,), bool
        None without labels.
    away : np.ndarray or None, shape (n,)
        Angle (rad) by which the face is turned from the camera; None without labels.
    pixel : np.ndarray, shape (n, 2)
        Mouth in the image (0-based): where it is annotated there, else where it projects to.
    """

    person: int
    mouth: np.ndarray
    box: np.ndarray
    visible: np.ndarray
    speaking: np.ndarray | None
    away: np.ndarray | None
    pixel: np.ndarray


def person_truth(recording: Recording, person: int, camera: int) -> PersonTruth:
    """Put the ground truth of a person together.

    Raises
    ------
    InputError
        When the 3-D annotation, the timings or the calibration is missing.
    """
    view = recording.camera(camera)
    times = recording.image_stamps(camera) / NANOSECONDS
    mouth = recording.mouth(person).at(times)
    labelled = recording.boxes(person, camera)
    annotated = recording.image_mouth(person, camera)
    projected = view.project(mouth)
    offset = _offset(annotated, projected)
    if labelled is not None:
        box = _padded(labelled, len(times))
    else:
        box = face_box(view, mouth)
        box[:, :2] += offset
    segments = recording.speech(person)
    pose = recording.head_pose(person)
    return PersonTruth(
        person,
        mouth,
        box,
        view.contains(box_centre(box)) & _in_field_of_view(annotated, len(times)),
        None if segments is None else within(times, segments),
        None if pose is None else _turned_from(view, mouth, pose.at(times)),
        projected + offset,
    )


def _padded(labelled: np.ndarray, count: int) -> np.ndarray:
    """Give every frame a box: NaN after the last row, and for rows of no width (no face)."""
    boxes = np.full((count, 4), np.nan)
    boxes[: len(labelled)] = labelled[:count]
    boxes[~(boxes[:, 2] > 0)] = np.nan
    return boxes


def _offset(annotated: ImagePoints | None, projected: np.ndarray) -> np.ndarray:
    """From where the calibration puts the mouth to where it is in the image (pixels)."""
    offset = np.zeros_like(projected)
    if annotated is not None:
        usable = annotated.visible & _within_video(annotated, len(offset))
        frame = annotated.frame[usable]
        offset[frame] = annotated.pixel[usable] - projected[frame]
    return offset


def _in_field_of_view(annotated: ImagePoints | None, count: int) -> np.ndarray:
    flags = np.ones(count, bool)
    if annotated is not None:
        inside = _within_video(annotated, count)
        flags[annotated.frame[inside]] = annotated.visible[inside]
    return flags


def _within_video(annotated: ImagePoints, count: int) -> np.ndarray:
    return (annotated.frame >= 0) & (annotated.frame < count)


def _turned_from(view: Camera, mouth: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Angle (rad) between where the face points and the line of sight back to the camera."""
    yaw, pitch = pose[:, 0], pose[:, 1]
    forward = np.column_stack(
        [np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), -np.sin(pitch)]
    )
    to_camera = view.centre - mouth
    to_camera /= np.linalg.norm(to_camera, axis=1, keepdims=True)
    return np.arccos(np.clip((forward * to_camera).sum(axis=1), -1, 1))
