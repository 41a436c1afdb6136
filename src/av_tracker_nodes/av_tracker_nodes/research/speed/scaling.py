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

"""How the cost of an image grows with people, microphones and the size of the picture.

People stand in rows before one array and one camera, and their faces are given; arrays are spheres
of microphones that hear one voice from one place; pictures are those of the simulated recording,
enlarged. All is made here, so that nothing but the number changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from av_tracker_nodes import (
    DEFAULT_MODEL,
    AcousticStage,
    AudioBlock,
    BagReader,
    Camera,
    Face,
    FaceFrame,
    FaceStage,
    ImageFrame,
    MicrophoneArray,
    Rig,
    SpeakerTracker,
    create_fusion,
)
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, print_sheets
from av_tracker_nodes.research.progress import Progress, ProgressBar
from av_tracker_nodes.research.speed.pipeline import recording
from av_tracker_nodes.research.speed.stopwatch import timed
from av_tracker_nodes.types import NANOSECONDS, samples_to_nanoseconds

PEOPLE = 1, 2, 3, 5, 7, 10
MICROPHONES = 4, 8, 16, 32, 64
WIDTHS = 320, 480, 640, 960, 1280, 1920
"""Of pictures (pixels); heights are three quarters of them."""

_USUAL_MICROPHONES, _RADIUS = 8, 0.1
_RATE, _IMAGE_RATE = 16_000, 25
_IMAGES, _SETTLING = 80, 30
"""Images of a measurement, and those at its beginning that do not count."""

_TICKS = 0.5, 1, 2, 5, 10, 20, 50

# At the origin, looking along world x.
_AXES = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]])
_CAMERA = Camera(500.0, 500.0, 319.5, 239.5, (640, 480), pose=RigidTransform(_AXES))


@dataclass(frozen=True)
class Growth:
    """Costs of a stage along an axis.

    Attributes
    ----------
    axis, stage : str
    counts : tuple of int
    milliseconds : tuple of float
        Median an image, at each count.
    """

    axis: str
    stage: str
    counts: tuple[int, ...]
    milliseconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """Slope of the logarithm of the cost over that of the count: 1 is linear."""
        return float(np.polyfit(np.log(self.counts), np.log(self.milliseconds), 1)[0])


def bench_scaling(out: Path, progress_bar: ProgressBar) -> dict[str, float]:
    """Measure how costs grow; write ``scaling.json`` and ``scaling.png``.

    Parameters
    ----------
    out : Path
        Folder of the results; the recording is kept there for the next time.
    progress_bar : ProgressBar

    Returns
    -------
    dict
        Flat: AXIS_COUNT_STAGE_ms, and AXIS_STAGE_exponent.
    """
    with BagReader(recording(out, progress_bar)) as reader:
        records = list(reader.records())
    images = [record.image for record in records if isinstance(record, ImageFrame)]
    blocks = [record.samples[:, 0] for record in records if isinstance(record, AudioBlock)]
    voice = np.concatenate(blocks)
    axes: dict[str, tuple[Sequence[int], Callable[[int], dict[str, float]]]] = {
        'people': (PEOPLE, lambda count: cost_of_people(count, voice)),
        'microphones': (MICROPHONES, lambda count: cost_of_microphones(count, voice)),
        'width': (WIDTHS, lambda width: cost_of_width(width, images)),
    }
    growths = []
    for axis, (counts, measure) in axes.items():
        with progress_bar(f'timing by {axis}') as progress:
            growths += _along(axis, counts, measure, progress)
    for axis in axes:
        print_sheets([_sheet([each for each in growths if each.axis == axis])])
    _plot(growths, out / 'scaling.png')
    result = _flat(growths)
    write_json(out / 'scaling.json', result)
    return result


def cost_of_people(count: int, voice: np.ndarray) -> dict[str, float]:
    """Time all stages after the face detector with so many faces, one of which talks.

    Parameters
    ----------
    count : int
    voice : np.ndarray, shape (n,)
        At 16 kHz.

    Returns
    -------
    dict
        Median of each stage (ms).
    """
    rig = Rig(_CAMERA, sphere(_USUAL_MICROPHONES))
    places = crowd(count)
    faces = faces_at(places)
    picture = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    stage, fusion, tracker = AcousticStage(rig), create_fusion(DEFAULT_MODEL), SpeakerTracker()
    times = defaultdict(list)
    for stamp, blocks in _stream(rig.microphones, places[0], voice):
        for block in blocks:
            stage.add(block)
        seen = FaceFrame(stamp, _CAMERA.size, faces)
        sound, spent = timed(stage.process, seen)
        times['acoustic_map'].append(spent)
        detections, spent = timed(fusion.process, seen, sound, rig, picture)
        times['fusion'].append(spent)
        _, spent = timed(tracker.process, detections, _CAMERA)
        times['tracker'].append(spent)
    return _medians(times)


def cost_of_microphones(count: int, voice: np.ndarray) -> dict[str, float]:
    """Time the acoustic stage with so many microphones and two faces; see `cost_of_people`."""
    rig = Rig(_CAMERA, sphere(count))
    places = crowd(2)
    faces = faces_at(places)
    stage = AcousticStage(rig)
    times = defaultdict(list)
    for stamp, blocks in _stream(rig.microphones, places[0], voice):
        spent = sum(timed(stage.add, block)[1] for block in blocks)
        _, mapping = timed(stage.process, FaceFrame(stamp, _CAMERA.size, faces))
        times['acoustic_map'].append(spent + mapping)
    return _medians(times)


def cost_of_width(width: int, images: Sequence[np.ndarray]) -> dict[str, float]:
    """Time the face detector on pictures of a width.

    Parameters
    ----------
    width : int
        Pixels.
    images : sequence of np.ndarray, shape (height, width, 3), uint8
        That are enlarged.
    """
    stage = FaceStage()
    times = defaultdict(list)
    for number in range(_IMAGES):
        picture = cv2.resize(images[number % len(images)], (width, 3 * width // 4))
        frame = ImageFrame(number * NANOSECONDS // _IMAGE_RATE, picture)
        times['face_detector'].append(timed(stage.process, frame)[1])
    return _medians(times)


def sphere(count: int) -> MicrophoneArray:
    """Spread microphones evenly over a sphere, on a spiral, below the camera."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    side = np.sqrt(1 - height**2)
    points = _RADIUS * np.stack([side * np.cos(turn), side * np.sin(turn), height], axis=-1)
    return MicrophoneArray(points - [0.0, 0.0, 0.2], rate=_RATE)


def crowd(count: int) -> np.ndarray:
    """Mouths (m, world) of people in two rows before the camera, shape (count, 3)."""
    number = np.arange(count)
    across = np.linspace(-1.2, 1.2, count) if count > 1 else np.zeros(1)
    return np.stack([2.5 + 1.0 * (number % 2), across, 0.1 * (number % 2)], axis=-1)


def faces_at(places: np.ndarray) -> tuple[Face, ...]:
    """Faces of people whose mouths are at these places (m, world), shape (count, 3)."""
    return tuple(
        Face(face_box(_CAMERA, place), 0.9, tracklet=1 + number)
        for number, place in enumerate(places)
    )


def _stream(
    array: MicrophoneArray, place: np.ndarray, voice: np.ndarray
) -> Iterator[tuple[int, list[AudioBlock]]]:
    """Stamps (ns) of images, with the blocks of sound up to each, from a place (m)."""
    length = _RATE // _IMAGE_RATE
    dry = np.resize(voice, length * _IMAGES)
    delays = np.linalg.norm(array.positions - place, axis=1) / array.speed_of_sound
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(dry), 1 / _RATE) * delays[:, None])
    heard = np.fft.irfft(np.fft.rfft(dry) * turn, len(dry)).T
    heard += 0.01 * np.std(heard) * np.random.default_rng(0).normal(size=heard.shape)
    heard = np.ascontiguousarray(heard, np.float32)
    for number in range(_IMAGES):
        first = number * length
        begin, end = (samples_to_nanoseconds(at, _RATE) for at in (first, first + length))
        yield end, [AudioBlock(begin, first, _RATE, heard[first : first + length])]


def _along(
    axis: str,
    counts: Sequence[int],
    measure: Callable[[int], dict[str, float]],
    progress: Progress,
) -> list[Growth]:
    measured = []
    for done, count in enumerate(counts, 1):
        measured.append(measure(count))
        progress(done / len(counts))
    return [
        Growth(axis, stage, tuple(counts), tuple(costs[stage] for costs in measured))
        for stage in measured[0]
    ]


def _medians(times: dict[str, list[float]]) -> dict[str, float]:
    return {name: float(np.median(each[_SETTLING:])) for name, each in times.items()}


def _flat(growths: Sequence[Growth]) -> dict[str, float]:
    costs = {
        f'{each.axis}_{count}_{each.stage}_ms': round(cost, 3)
        for each in growths
        for count, cost in zip(each.counts, each.milliseconds, strict=True)
    }
    return costs | {
        f'{each.axis}_{each.stage}_exponent': round(each.exponent, 3) for each in growths
    }


def _sheet(growths: Sequence[Growth]) -> Sheet:
    first = growths[0]
    header = [f'stage, ms by {first.axis}', *map(str, first.counts), 'exponent']
    rows = [
        [each.stage, *(f'{cost:.2f}' for cost in each.milliseconds), f'{each.exponent:.2f}']
        for each in growths
    ]
    return Sheet(f'Cost of an image by {first.axis} (made signals)', header, rows)


def _plot(growths: Sequence[Growth], out: Path) -> None:
    axes_names = list(dict.fromkeys(each.axis for each in growths))
    figure = Figure(figsize=(4 * len(axes_names), 3.6), dpi=120, layout='constrained')
    panels = figure.subplots(1, len(axes_names), squeeze=False, sharey=True)[0]
    for panel, axis in zip(panels, axes_names, strict=True):
        for each in (growth for growth in growths if growth.axis == axis):
            label = f'{each.stage}, exponent {each.exponent:.2f}'
            panel.loglog(each.counts, each.milliseconds, 'o-', label=label)
            panel.set_xticks(each.counts, map(str, each.counts), minor=False)
        panel.set_yticks(_TICKS, map(str, _TICKS))
        panel.minorticks_off()
        panel.set_xlabel(axis)
        panel.grid(color='0.9')
        panel.legend(fontsize=8)
    panels[0].set_ylabel('ms an image')
    figure.suptitle('Cost of an image (made signals)')
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
