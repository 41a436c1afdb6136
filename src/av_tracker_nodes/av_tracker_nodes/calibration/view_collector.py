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

"""Views of a board from images, videos and cameras: which are worth keeping, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from av_tracker_nodes.calibration.boards import Board, BoardView
from av_tracker_nodes.calibration.intrinsics import NamedView
from av_tracker_nodes.capture.newest import NewestImage
from av_tracker_nodes.capture.open_images import IMAGE_SUFFIXES, ImageSettings, image_source
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.picture_files import read_image

_PER_SECOND = 5.0
"""Images of a video or camera that are looked at."""
_SILENCE = 10.0
_NEW = 0.03
"""Mean distance of corners from those of an earlier view, in image widths, that is worth it."""
_STILL = 0.004
"""Motion from one look to the next, in image widths, above which images blur and shear."""


@dataclass(frozen=True)
class Frame:
    """An image, what to call it, and whether it is one of a moving picture."""

    name: str
    image: np.ndarray
    moving: bool


class ViewCollector:
    """Takes image after image and keeps the views that tell something new.

    Attributes
    ----------
    kept : list of NamedView
    refused : dict of str to str
        Why an image was not kept, by its name.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._previous: BoardView | None = None
        self.kept: list[NamedView] = []
        self.refused: dict[str, str] = {}

    def look(self, frame: Frame) -> str:
        """Look at an image; return why it is not kept, empty when it is."""
        view = self._board.find(frame.image)
        reason = self._reason(view, frame.moving)
        self._previous = view
        if reason:
            self.refused[frame.name] = reason
        else:
            self.kept.append(NamedView(frame.name, view))
        return reason

    def _reason(self, view: BoardView | None, moving: bool) -> str:
        if view is None:
            return 'no board found'
        if moving and (self._previous is None or _moved(view, self._previous) > _STILL):
            return 'the board moves'
        for earlier in self.kept:
            if _moved(view, earlier.view) < _NEW:
                return f'like {earlier.name}'
        return ''


def frames(names: Sequence[str], settings: ImageSettings | None = None) -> Iterator[Frame]:
    """Yield the images of image files, folders, videos, devices and addresses, in this order.

    Videos and cameras are looked at a few times a second; cameras do not end.

    Raises
    ------
    InputError
        When one cannot be opened or read, or a camera stops.
    """
    for name in names:
        if Path(name).suffix.lower() in IMAGE_SUFFIXES and Path(name).is_file():
            yield Frame(Path(name).name, read_image(name), moving=False)
        elif Path(name).is_dir():
            for path in sorted(p for p in Path(name).iterdir() if p.suffix in IMAGE_SUFFIXES):
                yield Frame(path.name, read_image(path), moving=False)
        else:
            yield from _stream(name, settings)


def _stream(name: str, settings: ImageSettings | None) -> Iterator[Frame]:
    source = image_source(name, settings)
    source.open()
    if source.is_live:
        yield from _live(name, NewestImage(source))
        return
    step = max(round(source.frame_rate / _PER_SECOND), 1)
    number = 0
    while (taken := source.read()) is not None:
        if number % step == 0:
            yield Frame(f'{Path(name).name} frame {number}', taken.image, moving=True)
        number += 1
    source.close()


def _live(name: str, newest: NewestImage) -> Iterator[Frame]:
    number, due = 0, 0.0
    try:
        while (taken := newest.wait(_SILENCE)) is not None:
            if taken.taken >= due:
                due = taken.taken + 1 / _PER_SECOND
                yield Frame(f'image {number}', taken.image, moving=True)
            number += 1
    finally:
        newest.close()
    raise InputError(f"camera '{name}' gives no more images")


def _moved(first: BoardView, second: BoardView) -> float:
    """Mean distance of the corners that both views show, in image widths; infinite for none."""
    _, ours, theirs = np.intersect1d(first.ids, second.ids, return_indices=True)
    if len(ours) == 0 or first.size != second.size:
        return np.inf
    distances = np.linalg.norm(first.pixels[ours] - second.pixels[theirs], axis=1)
    return float(distances.mean()) / first.size[0]
