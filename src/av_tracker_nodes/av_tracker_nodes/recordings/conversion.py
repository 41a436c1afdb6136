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

"""A bag of what a camera and microphones have recorded without ROS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import chain
from pathlib import Path

import numpy as np

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.rig_description import RigDescription
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.recordings.array_sound import ArraySound
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.recordings.media import MediaFile
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds, to_seconds

_BEGIN = to_nanoseconds(1.0)
"""Stamp of what comes first (ns); a stamp of 0 is none."""
_APART = to_nanoseconds(1.0)
"""Images and sound that begin or end further apart than this (ns) are worth a word."""


@dataclass
class _Stretch:
    """Time (ns) from the first item of a stream to the last one, and how many came."""

    begin: int = 0
    end: int = 0
    count: int = 0

    def add(self, begin: int, end: int) -> None:
        self.begin = self.begin if self.count else begin
        self.end = end
        self.count += 1


@dataclass(frozen=True)
class Conversion:
    """What became of a recording.

    Attributes
    ----------
    bag : Path
    images : int
    image_seconds, sound_seconds : float
        Length of the images and of the sound.
    notes : tuple of str
        What the person should know: what was left out, or taken in one way of several.
    """

    bag: Path
    images: int
    image_seconds: float
    sound_seconds: float
    notes: tuple[str, ...]


def recording_to_bag(
    video: str | Path,
    audio: Sequence[str | Path],
    rig: str | Path,
    audio_offset: float,
    out: str | Path,
    progress: Callable[[float], None] | None = None,
) -> Conversion:
    """Make a bag of a video and the sound of a microphone array.

    The sound is one file with all channels of the card, or with the microphones in their order, or
    one file for each; files begin with the first image. Without files it is the track of the
    video, on the clock of the video. A video without sound makes a bag without.

    Parameters
    ----------
    video : str or Path
        Whatever FFmpeg reads.
    audio : sequence of str or Path
        Files of sound; none for the track of the video.
    rig : str or Path
        Name of a rig of the package, or rig file.
    audio_offset : float
        Added to the stamps of sound (s).
    out : str or Path
        Bag to write.
    progress : callable, optional
        Called with the share done, 0..1, at every image.

    Raises
    ------
    InputError
        When a file cannot be read, or sound, images and rig do not fit together.
    """
    media = MediaFile(video)
    images = _Images(media)
    description, sound = load_rig_description(rig), _open_sound(media, audio)
    if description.microphones is None and sound is not None:
        sound, channel_notes = None, [f'rig {description.name} has no microphones: no sound']
    else:
        description, channel_notes = _fitting(description, sound)
    fitted = description.for_images(images.size)
    geometry = fitted.rig()
    lead = to_nanoseconds(audio_offset)
    if sound is not None and not audio:
        lead += sound.first_stamp - images.first_stamp
    first_image = _BEGIN + max(0, -lead)
    seen, heard = _Stretch(), _Stretch()
    frames = ((frame.stamp, frame) for frame in images.frames(first_image))
    blocks = () if sound is None else sound.blocks(first_image + lead)
    logged = ((block.last_stamp, block) for block in blocks)
    with BagWriter(out) as bag:
        bag.write_rig(geometry, _BEGIN)
        for stamp, record in merge(logged, frames, key=lambda pair: pair[0]):
            if isinstance(record, AudioBlock):
                bag.write_audio(record)
                heard.add(record.stamp, stamp)
                continue
            bag.write_image(record, geometry.camera)
            seen.add(stamp, stamp)
            if progress is not None and media.duration:
                progress(min(to_seconds(stamp - first_image) / media.duration, 1.0))
    notes = [
        *channel_notes,
        *_proportions(description, images.size),
        *images.notes,
        *(sound.notes if sound else []),
    ]
    notes += [
        f'{file.path}: {count} {what} could not be decoded'
        for file in dict.fromkeys([media, *(sound.files if sound else ())])
        for what, count in file.problems.items()
    ]
    return Conversion(
        Path(out),
        seen.count,
        to_seconds(seen.end - seen.begin),
        to_seconds(heard.end - heard.begin),
        (*notes, *_overlap(seen, heard, video)),
    )


def _proportions(rig: RigDescription, size: tuple[int, int]) -> list[str]:
    """Say that the field of view was given for images of other proportions, where it was."""
    width, height = given = rig.camera.size
    if abs(size[1] * width - size[0] * height) <= max(size):
        return []
    return [
        f'images are {_by(size)}; the field of view of rig {rig.name}, given for {_by(given)}, '
        'is taken to be as wide: copy the rig and change it if it is not'
    ]


class _Images:
    """Images of a video in order, all of one size."""

    def __init__(self, media: MediaFile) -> None:
        if not media.has_images:
            raise InputError(f'{media.path} has no moving pictures')
        shown = media.images()
        first = next(shown, None)
        if first is None:
            raise InputError(f'{media.path} has no image that can be decoded')
        self.first_stamp, self.size = first[0], _size(first[1])
        self.notes: list[str] = []
        self._path, self._shown = media.path, chain([first], shown)

    def frames(self, start: int) -> Iterator[ImageFrame]:
        """Yield the images; the first one has the stamp `start` (ns)."""
        newest, repeated = None, 0
        for stamp, image in self._shown:
            if newest is not None and stamp <= newest:
                repeated += 1
                continue
            newest = stamp
            if _size(image) != self.size:
                raise InputError(
                    f'{self._path}: images change from {_by(self.size)} to {_by(_size(image))} '
                    f'after {to_seconds(stamp - self.first_stamp):.1f} s; cut the video there'
                )
            yield ImageFrame(start + stamp - self.first_stamp, image)
        if repeated:
            self.notes.append(
                f'{repeated} images of {self._path} were left out: their time is that of others'
            )


def _open_sound(media: MediaFile, audio: Sequence[str | Path]) -> ArraySound | None:
    if audio:
        return ArraySound([MediaFile(path) for path in audio])
    return ArraySound([media]) if media.has_sound else None


def _fitting(rig: RigDescription, sound: ArraySound | None) -> tuple[RigDescription, list[str]]:
    """Return the rig with the channels and the rate of the sound, and what that takes for granted.

    Raises
    ------
    InputError
        When the sound has neither the channels of the card nor those of the microphones.
    """
    if sound is None or rig.microphones is None:
        return rig, []
    microphones, notes = replace(rig.microphones, rate=sound.rate), []
    count = len(microphones.channels)
    if sound.channels not in (rig.card_channels, count):
        card = '' if rig.card_channels == count else f' on a card of {rig.card_channels} channels'
        raise InputError(
            f'{sound.name}: {sound.channels} channels of sound, but rig {rig.name} has {count} '
            f'microphones{card}; give the sound of all of them (--audio), or another rig'
        )
    if sound.channels != rig.card_channels:
        microphones = replace(microphones, channels=np.arange(count))
        notes.append(
            f'{sound.name}: {count} channels are taken for the microphones of rig {rig.name} in '
            f'their order; its card has {rig.card_channels}'
        )
    return replace(rig, microphones=microphones), notes


def _overlap(seen: _Stretch, heard: _Stretch, video: str | Path) -> Iterator[str]:
    """Tell where there is only one of images and sound."""
    if not heard.count:
        yield f'{video} has no sound, and no --audio was given: the bag has images only'
        return
    for what, difference in (('begins', heard.begin - seen.begin), ('ends', heard.end - seen.end)):
        if abs(difference) > _APART:
            when = 'after' if difference > 0 else 'before'
            yield f'sound {what} {to_seconds(abs(difference)):.1f} s {when} the images'


def _size(image: np.ndarray) -> tuple[int, int]:
    height, width = image.shape[:2]
    return width, height


def _by(size: tuple[int, int]) -> str:
    return f'{size[0]} x {size[1]}'
