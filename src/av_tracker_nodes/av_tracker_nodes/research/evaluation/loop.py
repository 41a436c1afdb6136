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

"""A few seconds of a run as a picture that moves: the video beside the room from above."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from av_tracker_nodes import InputError
from av_tracker_nodes.recordings.tracks_csv import TrackTable, read_tracks
from av_tracker_nodes.research.evaluation.plots import draw_room
from av_tracker_nodes.research.evaluation.speech_scores import SPEAKING_THRESHOLD
from av_tracker_nodes.research.evaluation.truth import Truth, read_truth
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.types import NANOSECONDS
from av_tracker_nodes.viewing.palette import bgr_of

SECONDS = 8.0
_RATE = 10.0
"""Pictures a second."""
_HEIGHT = 360
"""Of the pictures (pixels)."""
_QUALITY = 45
_TRAIL = 2.0
"""Seconds of the past that are drawn."""
_TRUTH = 150, 150, 150


def write_loop(
    video: Path,
    run_dir: Path,
    seq_dir: Path,
    camera: int,
    out: Path,
    seconds: float = SECONDS,
    progress: Progress | None = None,
) -> Path:
    """Draw the most crowded seconds of a run: its video, and the room from above.

    Parameters
    ----------
    video : Path
        Written by `overlay.write_overlay`.
    run_dir, seq_dir : Path
        Folder with ``tracks.csv``, and folder of the sequence.
    camera : int
    out : Path
        WebP file to write.
    seconds : float
    progress : Progress, optional

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        When a file is missing or malformed.
    """
    truth, tracks = read_truth(seq_dir, camera, protocol=None), read_tracks(run_dir)
    plan = _Plan(truth, tracks)
    step = max(round(truth.frame_rate / _RATE), 1)
    wanted = _most_crowded(truth, round(seconds * truth.frame_rate))[::step]
    pictures = []
    for number, image in _frames(video, wanted):
        size = round(_HEIGHT * image.shape[1] / image.shape[0]), _HEIGHT
        scene = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        both = np.concatenate([scene, plan.at(int(truth.stamps[number]))], axis=1)
        pictures.append(Image.fromarray(np.ascontiguousarray(both[..., ::-1])))
        if progress is not None:
            progress(len(pictures) / len(wanted))
    if not pictures:
        raise InputError(f'{video} has no images')
    out.parent.mkdir(parents=True, exist_ok=True)
    first, *others = pictures
    duration = round(1000 * step / truth.frame_rate)
    options = {'quality': _QUALITY, 'method': 4, 'minimize_size': True}
    first.save(out, save_all=True, append_images=others, duration=duration, loop=0, **options)
    return out


def _most_crowded(truth: Truth, length: int) -> np.ndarray:
    """Numbers of the images around the one in which two people are nearest to each other."""
    count = len(truth.stamps)
    length = min(length, count)
    centre = length // 2
    if len(truth.people) > 1:
        first, second = np.triu_indices(len(truth.people), 1)
        apart = np.linalg.norm(truth.centre[first] - truth.centre[second], axis=-1)
        inner = np.nan_to_num(apart, nan=np.inf).min(axis=0)
        # Not so near to an end that the loop would be cut.
        inner[: length // 2] = inner[count - (length + 1) // 2 :] = np.inf
        centre = int(np.argmin(inner)) if np.isfinite(inner).any() else centre
    first_image = int(np.clip(centre - length // 2, 0, count - length))
    return np.arange(first_image, first_image + length)


def _frames(video: Path, wanted: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Images of a video, shape (height, width, 3), with their numbers."""
    reader = cv2.VideoCapture(str(video))
    chosen, found, number = set(wanted.tolist()), [], 0
    while (result := reader.read())[0]:
        if number in chosen:
            found.append((number, result[1]))
        number += 1
    reader.release()
    return found


class _Plan:
    """The room from above: sensors, where people truly are, and where they are tracked."""

    def __init__(self, truth: Truth, tracks: TrackTable) -> None:
        self._truth, self._tracks = truth, tracks
        figure = Figure(figsize=(_HEIGHT / 100, _HEIGHT / 100), dpi=100, layout='constrained')
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw_room(axes, truth)
        axes.set_title('from above', fontsize=9)
        axes.tick_params(labelsize=7)
        canvas.draw()
        self._room = np.asarray(canvas.buffer_rgba())[..., 2::-1].copy()
        self._to_pixels = axes.transData

    def at(self, stamp: int) -> np.ndarray:
        """Draw a moment (ns), shape (height, width, 3)."""
        picture = self._room.copy()
        past = stamp - round(_TRAIL * NANOSECONDS)
        now = self._truth.stamps == stamp
        for mouth in self._truth.mouth[:, now].reshape(-1, 3):
            self._dot(picture, mouth, 9, _TRUTH)
        recent = (self._tracks.stamp > past) & (self._tracks.stamp <= stamp)
        for number in np.unique(self._tracks.id[recent]):
            rows = np.flatnonzero(recent & (self._tracks.id == number))
            trail = [self._pixel(place) for place in self._tracks.position[rows]]
            cv2.polylines(
                picture, [np.array(trail, np.int32)], False, bgr_of(number), 1, cv2.LINE_AA
            )
            if self._tracks.stamp[rows[-1]] == stamp:
                talks = self._tracks.speaking[rows[-1]] >= SPEAKING_THRESHOLD
                place = self._tracks.position[rows[-1]]
                self._dot(picture, place, 6 if talks else 4, bgr_of(number))
                if talks:
                    cv2.circle(picture, self._pixel(place), 11, bgr_of(number), 2, cv2.LINE_AA)
        return picture

    def _dot(
        self, picture: np.ndarray, place: np.ndarray, radius: int, colour: tuple[int, int, int]
    ) -> None:
        if np.isfinite(place).all():
            cv2.circle(picture, self._pixel(place), radius, colour, -1, cv2.LINE_AA)

    def _pixel(self, place: np.ndarray) -> tuple[int, int]:
        x, y = self._to_pixels.transform(place[:2])
        return round(float(x)), round(float(len(self._room) - y))
