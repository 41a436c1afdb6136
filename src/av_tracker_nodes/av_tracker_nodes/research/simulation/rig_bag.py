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

"""Bags of simulated scenes in front of a rig, as the rig's own drivers would record them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from heapq import merge
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import box_centre, face_box
from av_tracker_nodes.geometry.rig_description import RigDescription
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.recordings.bag import BagFrames, BagWriter
from av_tracker_nodes.recordings.sound_blocks import cut_blocks
from av_tracker_nodes.research.datasets.convert import true_tracks
from av_tracker_nodes.research.datasets.person_truth import PersonTruth
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.rig_scene import RigScene, build_rig_scene
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Person, Scene
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, ImageFrame, TrackFrame

START = 10 * NANOSECONDS
"""Stamp of the first sample of sound (ns)."""

BASE_FRAME = 'rig_base'
"""Frame of a rig that moves."""

_BLOCKS_PER_SECOND = 100
_TRANSFORMS_PER_SECOND = 50
_AUDIO_SHARE = 0.15
_PROCESSING_DELAY = 0.06
"""Seconds by which a card's processed channels lag behind its microphones."""


def simulate_rig(
    rig: str | Path,
    scenario: str,
    seed: int,
    out: Path,
    duration: float = 20.0,
    progress: Progress | None = None,
) -> Path:
    """Simulate people in front of a rig, and write a bag.

    A bag of the same name is replaced. It appears under its name when it is complete.

    Parameters
    ----------
    rig : str or Path
        Name of a rig of the package, or rig file.
    scenario : str
        One of `rig_scripts.RIG_SCRIPTS`.
    seed : int
        Below 1000 for training, below 2000 for validation, above for tests.
    out : Path
        Folder of the bag; made where it is missing.
    duration : float
        Seconds.
    progress : Progress, optional

    Returns
    -------
    Path
        The bag: the sound in the channels of the rig's card, the images, the calibration as the
        rig file has it, and where everybody truly is, in the frame that the rig is mounted in.

    Raises
    ------
    InputError
        For an unknown rig or scenario, a rig that lacks something or sees nobody, missing speech,
        or a folder that cannot be written to.
    """
    drawn = build_rig_scene(load_rig_description(rig), scenario, seed, duration)
    return write_rig_scene(drawn, Path(out) / drawn.scene.name, progress)


def write_rig_scene(drawn: RigScene, path: Path, progress: Progress | None = None) -> Path:
    """Record a scene and write it to a bag; see `simulate_rig`."""
    scene, rig = drawn.scene, drawn.rig
    report = progress or (lambda fraction, text: None)
    frames = BagFrames(rig.parent, rig.camera_frame, rig.array_frame)
    stamps = image_stamps(scene)
    truth = dict(zip(stamps, _truth(drawn, stamps), strict=True))
    with BagWriter(path, overwrite=True, frames=frames) as bag:
        sound = record(scene, lambda share, _: report(_AUDIO_SHARE * share, 'sound'))
        _write_geometry(bag, rig, scene)
        images = zip(stamps, render_frames(scene, 0), strict=True)
        for log_time, entry in merge(
            _blocks(_card_channels(sound, rig), rig), images, key=lambda pair: pair[0]
        ):
            if isinstance(entry, AudioBlock):
                bag.write_audio(entry)
                continue
            bag.write_image(ImageFrame(log_time, entry), rig.camera)
            bag.write_ground_truth(truth[log_time])
            share = stamps.index(log_time) / len(stamps)
            report(_AUDIO_SHARE + (1 - _AUDIO_SHARE) * share, 'images')
    summary = {'simulated': True, 'rig': rig.name, **scene.facts()}
    (path / 'scenario.json').write_text(json.dumps(summary, indent=2) + '\n')
    return path


def _write_geometry(bag: BagWriter, rig: RigDescription, scene: Scene) -> None:
    """Write where the sensors are: fixed in the frame of people, or to a base that moves there."""
    if scene.motion is None:
        bag.write_rig(rig.rig(), START)
        return
    base_from_parent = rig.base.inverse
    fixed = replace(
        rig.rig(),
        camera=rig.camera.in_frame(base_from_parent),
        target_from_array=base_from_parent @ rig.target_from_array,
    )
    bag.write_rig(fixed, START, parent=BASE_FRAME)
    for index in range(round(scene.duration * _TRANSFORMS_PER_SECOND) + 1):
        time = index / _TRANSFORMS_PER_SECOND
        pose = rig.base @ rig.motion.base_from_moved(time)
        bag.write_moving_frame(BASE_FRAME, pose, START + round(time * NANOSECONDS))


def image_stamps(scene: Scene) -> list[int]:
    """Stamps (ns) that a bag gives the images of a scene."""
    first = scene.video_starts[0]
    count = len(scene.frame_times(0))
    return [START + round((first + frame / FRAME_RATE) * NANOSECONDS) for frame in range(count)]


def _card_channels(sound: np.ndarray, rig: RigDescription) -> np.ndarray:
    """Put microphones (samples, microphones) where the card delivers them, at its rate.

    A processed channel is what all microphones hear together, a little later; a playback channel,
    as any other, is silent.
    """
    ratio = Fraction(rig.microphones.rate, RATE)
    heard = resample_poly(sound, ratio.numerator, ratio.denominator, axis=0)
    card = np.zeros((len(heard), rig.card_channels), np.float32)
    card[:, rig.microphones.channels] = heard
    delay = round(_PROCESSING_DELAY * rig.microphones.rate)
    for channel in rig.processed_channels:
        card[delay:, channel] = heard.mean(axis=1)[: len(heard) - delay]
    return np.clip(card, -1.0, 1.0)


def _blocks(sound: np.ndarray, rig: RigDescription) -> Iterator[tuple[int, AudioBlock]]:
    """Cut sound into blocks, each with the time of its last sample (ns)."""
    rate = rig.microphones.rate
    size = rate // _BLOCKS_PER_SECOND
    whole = sound[: len(sound) // size * size]
    return ((block.last_stamp, block) for block in cut_blocks([whole], size, rate, START))


def _truth(drawn: RigScene, stamps: list[int]) -> list[TrackFrame]:
    """Where everybody truly is at each image, in the frame that the rig is mounted in."""
    people = [true_tracks(person, np.array(stamps), FRAME_RATE) for person in true_people(drawn)]
    return [
        TrackFrame(stamp, tuple(tracks[frame] for tracks in people))
        for frame, stamp in enumerate(stamps)
    ]


def true_people(drawn: RigScene) -> list[PersonTruth]:
    """Where everybody truly is at the images, in the frame that the rig is mounted in."""
    parent_from_scene = drawn.scene_from_parent.inverse
    return [
        _person_truth(drawn.scene, number, person, parent_from_scene)
        for number, person in enumerate(drawn.scene.people, 1)
    ]


def _person_truth(
    scene: Scene, number: int, person: Person, parent_from_scene: RigidTransform
) -> PersonTruth:
    times = scene.frame_times(0)
    mouth = person.at(times, person.mouth)
    views = [scene.camera_at(0, time) for time in times]
    box, pixel = (
        np.stack([see(view, place) for view, place in zip(views, mouth, strict=True)])
        for see in (face_box, Camera.project)
    )
    return PersonTruth(
        number,
        parent_from_scene @ mouth,
        box,
        scene.cameras[0].contains(box_centre(box)),
        person.speaks(times),
        None,
        pixel,
    )
