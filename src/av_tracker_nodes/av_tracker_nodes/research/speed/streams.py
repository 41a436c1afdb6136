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

"""Recordings with other sensors: pictures of another size and rate, other microphones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import merge
from pathlib import Path

import cv2
import numpy as np
from scipy.signal import resample_poly

from av_tracker_nodes.geometry import MicrophoneArray
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.research.progress import Progress, ProgressBar
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, samples_to_nanoseconds

_BLOCK_SECONDS = Fraction(1, 100)


@dataclass(frozen=True)
class Sensors:
    """What records.

    Attributes
    ----------
    image_size : tuple of int
        Width and height (pixels).
    image_rate : int
        Images a second.
    microphones : int
        The first ones of the array.
    audio_rate : int
        Samples a second.
    """

    image_size: tuple[int, int] = (360, 288)
    image_rate: int = 25
    microphones: int = 16
    audio_rate: int = 16_000


def restream(
    source: Path,
    out: Path,
    sensors: Sensors,
    seconds: float,
    progress: Progress | None = None,
) -> Path:
    """Play a bag over and over before other sensors, for as long as wanted.

    Parameters
    ----------
    source, out : Path
        Bag to read, bag to write.
    sensors : Sensors
    seconds : float
    progress : Progress, optional

    Returns
    -------
    Path
        `out`.
    """
    report = progress or (lambda share: None)
    with BagReader(source) as reader:
        rig, start = reader.rig(), reader.start_time
        records = list(reader.records())
    images = [record for record in records if isinstance(record, ImageFrame)]
    sound = np.concatenate([r.samples for r in records if isinstance(r, AudioBlock)])
    camera = rig.camera.resized(sensors.image_size)
    array = _first_microphones(rig.microphones, sensors)
    pictures = (
        (stamp, ImageFrame(stamp, cv2.resize(image, sensors.image_size)))
        for stamp, image in _images(images, start, sensors.image_rate, seconds)
    )
    sound = sound[:, rig.microphones.channels[: sensors.microphones]]
    blocks = _blocks(sound, rig.microphones.rate, start, sensors, seconds)
    with BagWriter(out, overwrite=True) as bag:
        bag.write_rig(replace(rig, camera=camera, microphones=array), start)
        for log_time, record in merge(pictures, blocks, key=lambda pair: pair[0]):
            if isinstance(record, AudioBlock):
                bag.write_audio(record)
            else:
                bag.write_image(record, camera)
            report(min((log_time - start) / (seconds * NANOSECONDS), 1.0))
    return out


def kept_streams(
    source: Path,
    out: Path,
    kind: str,
    sensors: Sensors,
    seconds: float,
    progress_bar: ProgressBar,
) -> Path:
    """Restream a bag into the folder `out`, with a progress bar, unless that was done before."""
    bag = out / f'{kind}-{seconds:g}s'
    if not bag.exists():
        with progress_bar(f'making the streams, {kind}') as progress:
            restream(source, bag, sensors, seconds, progress)
    return bag


def _images(
    images: list[ImageFrame], start: int, rate: int, seconds: float
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield stamp and pixels of the newest source image at each new time."""
    stamps = np.array([image.stamp for image in images]) - images[0].stamp
    length = stamps[-1] + np.median(np.diff(stamps))
    for number in range(round(rate * seconds)):
        elapsed = number * NANOSECONDS // rate
        index = np.searchsorted(stamps, elapsed % length, side='right') - 1
        yield start + elapsed, images[index].image


def _blocks(
    sound: np.ndarray, rate: int, start: int, sensors: Sensors, seconds: float
) -> Iterator[tuple[int, AudioBlock]]:
    """Yield log time and sound, block by block, over and over."""
    ratio = Fraction(sensors.audio_rate, rate)
    resampled = resample_poly(sound.astype(np.float32), ratio.numerator, ratio.denominator)
    resampled = np.clip(resampled, -1, 1).astype(np.float32)
    size = int(_BLOCK_SECONDS * sensors.audio_rate)
    for first in range(0, round(seconds * sensors.audio_rate), size):
        rows = np.arange(first, first + size) % len(resampled)
        stamp = start + samples_to_nanoseconds(first, sensors.audio_rate)
        block = AudioBlock(stamp, first, sensors.audio_rate, resampled[rows])
        yield block.last_stamp, block


def _first_microphones(array: MicrophoneArray, sensors: Sensors) -> MicrophoneArray:
    count = sensors.microphones
    return replace(
        array,
        positions=array.positions[:count],
        groups=array.groups[:count],
        channels=np.arange(count),
        rate=sensors.audio_rate,
    )
