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

"""Video of a run: boxes, ids, who speaks, and where the sound comes from."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.acoustics import SoundMapper
from av_tracker_nodes.geometry import Camera
from av_tracker_nodes.geometry.head import box_centre
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.recordings.tracks_csv import TrackTable, read_tracks
from av_tracker_nodes.research.evaluation.speech_scores import SPEAKING_THRESHOLD
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.types import (
    NANOSECONDS,
    AcousticMap,
    AudioBlock,
    FaceFrame,
    ImageFrame,
)
from av_tracker_nodes.viewing.palette import bgr_of
from av_tracker_nodes.viewing.sound import draw_overlay

SCALE = 2
"""Images are enlarged by this factor, so that lines and text are fine."""

_MEASURE = 'vggcf'
_TRAIL_FRAMES = 25
_BAR = 26
_SIDE_MARGIN = 14
_SILENCE_DB, _LOUD_DB = -60.0, -10.0
_FONT = cv2.FONT_HERSHEY_DUPLEX
_WHITE = 255, 255, 255
_LEVEL_SMOOTHING = 0.3


@dataclass(frozen=True)
class _Label:
    """A track at one image."""

    id: int
    box: np.ndarray
    mouth: np.ndarray
    speaking: float


def write_overlay(
    bag: str | Path,
    run_dir: str | Path,
    out: str | Path,
    *,
    heat: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Draw the tracks of a run into the images of its bag.

    Parameters
    ----------
    bag, run_dir : str or Path
        The recording, and the folder with ``tracks.csv``.
    out : str or Path
        MP4 file to write.
    heat : bool
        Shade each image by where sound comes from at that time.
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
    labels = _labels_by_stamp(read_tracks(run_dir))
    out = Path(out)
    partial = out.with_name(f'.{out.stem}.partial.mp4')
    try:
        with BagReader(bag) as reader:
            _write_video(reader, labels, partial, heat, progress)
        return partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _write_video(
    reader: BagReader,
    labels: dict[int, list[_Label]],
    path: Path,
    heat: bool,
    progress: Progress | None,
) -> None:
    rig = reader.rig()
    total = len(reader.image_stamps)
    painter = _Painter(rig.camera, labels)
    ears = SoundMapper(_MEASURE, rig) if heat else None
    video = _open_video(path, rig.camera.size, _frame_rate(reader.image_stamps))
    try:
        done = 0
        for record in reader.records():
            if isinstance(record, AudioBlock):
                painter.listen(record)
                if ears is not None:
                    ears.hear(record)
                continue
            faces = FaceFrame(record.stamp, rig.camera.size)
            video.write(painter.paint(record, ears.map(faces) if ears is not None else None))
            done += 1
            if progress is not None:
                progress(done / total)
    finally:
        video.release()


class _Painter:
    """Draws image after image; remembers trails and the level of the sound."""

    def __init__(self, camera: Camera, labels: dict[int, list[_Label]]) -> None:
        self._camera = camera
        self._labels = labels
        self._trails: dict[int, deque] = defaultdict(lambda: deque(maxlen=_TRAIL_FRAMES))
        self._start: int | None = None
        self._level = 0.0

    def listen(self, block: AudioBlock) -> None:
        """Follow the level of the sound."""
        loudness = float(np.sqrt(np.mean(np.square(block.samples))))
        decibels = 20 * np.log10(max(loudness, 1e-5))
        level = np.clip((decibels - _SILENCE_DB) / (_LOUD_DB - _SILENCE_DB), 0, 1)
        self._level += _LEVEL_SMOOTHING * (level - self._level)

    def paint(self, frame: ImageFrame, sound: AcousticMap | None) -> np.ndarray:
        """Draw one image, with a bar below it for time and level."""
        self._start = frame.stamp if self._start is None else self._start
        size = (frame.image.shape[1] * SCALE, frame.image.shape[0] * SCALE)
        canvas = cv2.resize(frame.image, size, interpolation=cv2.INTER_CUBIC)
        if sound is not None and sound.values.size:
            canvas = draw_overlay(canvas, replace(sound, pitch=SCALE * sound.pitch))
        labels = self._labels.get(frame.stamp, [])
        for label in labels:
            self._draw_trail(canvas, label)
        for label in labels:
            if np.isnan(label.box).any():
                self._draw_out_of_view(canvas, label)
            else:
                _draw_box(canvas, label)
        return np.concatenate([canvas, self._bar(canvas.shape[1], frame.stamp)])

    def _draw_trail(self, canvas: np.ndarray, label: _Label) -> None:
        """Draw where the face was, but not over the face."""
        trail = self._trails[label.id]
        trail.append(box_centre(label.box))
        for number, (first, second) in enumerate(pairwise(trail)):
            ends = np.array([first, second])
            inside = (ends > label.box[:2]) & (ends < label.box[:2] + label.box[2:])
            if not np.isnan(ends).any() and not inside.all(axis=1).any():
                thickness = 1 + round(2 * number / _TRAIL_FRAMES)
                points = _canvas_point(first), _canvas_point(second)
                cv2.line(canvas, *points, bgr_of(label.id), thickness, cv2.LINE_AA)

    def _draw_out_of_view(self, canvas: np.ndarray, label: _Label) -> None:
        """Point from the edge of the image to somebody who is heard beside it."""
        local = self._camera.pose.inverse @ label.mouth
        height, width = canvas.shape[:2]
        right = local[0] >= 0
        x = width - _SIDE_MARGIN if right else _SIDE_MARGIN
        slope = local[1] / max(np.hypot(local[0], local[2]), 1e-6)
        y = int(np.clip(height / 2 + slope * height / 2, 40, height - 40))
        tip = x + (10 if right else -10)
        arrow = np.array([[x, y - 9], [x, y + 9], [tip, y]], np.int32)
        cv2.fillConvexPoly(canvas, arrow, bgr_of(label.id), cv2.LINE_AA)
        text = f'{label.id} heard'
        span = cv2.getTextSize(text, _FONT, 0.5, 1)[0][0]
        _draw_tag(canvas, text, (x - span - 16 if right else x + 8, y + 5), bgr_of(label.id))

    def _bar(self, width: int, stamp: int) -> np.ndarray:
        bar = np.full((_BAR, width, 3), 24, np.uint8)
        seconds = (stamp - self._start) / NANOSECONDS
        cv2.putText(bar, f'{seconds:6.2f} s', (8, 18), _FONT, 0.45, _WHITE, 1, cv2.LINE_AA)
        left, right = width - 190, width - 12
        cv2.putText(bar, 'sound', (left - 52, 18), _FONT, 0.45, _WHITE, 1, cv2.LINE_AA)
        cv2.rectangle(bar, (left, 9), (right, 17), (70, 70, 70), -1)
        end = left + round(self._level * (right - left))
        cv2.rectangle(bar, (left, 9), (end, 17), (90, 200, 120), -1)
        return bar


def _labels_by_stamp(tracks: TrackTable) -> dict[int, list[_Label]]:
    labels = defaultdict(list)
    for row in range(len(tracks)):
        labels[int(tracks.stamp[row])].append(
            _Label(
                int(tracks.id[row]),
                tracks.box[row],
                tracks.position[row],
                float(tracks.speaking[row]),
            )
        )
    return labels


def _draw_box(canvas: np.ndarray, label: _Label) -> None:
    colour = bgr_of(label.id)
    speaks = label.speaking >= SPEAKING_THRESHOLD
    first = _canvas_point(label.box[:2])
    second = _canvas_point(label.box[:2] + label.box[2:])
    cv2.rectangle(canvas, first, second, colour, 3 if speaks else 1, cv2.LINE_AA)
    text = f'{label.id} speaks' if speaks else f'{label.id}'
    _draw_tag(canvas, text, (first[0], first[1] - 6), colour)
    base = second[1] + 5
    cv2.rectangle(canvas, (first[0], base), (second[0], base + 4), (60, 60, 60), -1)
    end = first[0] + round(label.speaking * (second[0] - first[0]))
    cv2.rectangle(canvas, (first[0], base), (end, base + 4), colour, -1)


def _draw_tag(
    canvas: np.ndarray, text: str, corner: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    (width, height), _ = cv2.getTextSize(text, _FONT, 0.5, 1)
    x = int(np.clip(corner[0], 0, canvas.shape[1] - width - 8))
    y = int(np.clip(corner[1], height + 6, canvas.shape[0] - 6))
    cv2.rectangle(canvas, (x, y - height - 5), (x + width + 8, y + 4), colour, -1)
    cv2.putText(canvas, text, (x + 4, y), _FONT, 0.5, _WHITE, 1, cv2.LINE_AA)


def _canvas_point(pixel: np.ndarray) -> tuple[int, int]:
    """Pixel of the image on the enlarged canvas (centres of pixels stay centres)."""
    x, y = (np.asarray(pixel) + 0.5) * SCALE - 0.5
    return round(float(x)), round(float(y))


def _frame_rate(stamps: list[int]) -> float:
    steps = np.diff(stamps)
    return NANOSECONDS / float(np.median(steps)) if len(steps) else 25.0


def _open_video(path: Path, size: tuple[int, int], rate: float) -> cv2.VideoWriter:
    """Open an MP4 file; MPEG-4, the one codec for it that every OpenCV brings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[0] * SCALE, size[1] * SCALE + _BAR)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), rate, shape)
    if not video.isOpened():
        raise InputError(f'cannot write video {path}: no such folder, or OpenCV has no encoder')
    return video
