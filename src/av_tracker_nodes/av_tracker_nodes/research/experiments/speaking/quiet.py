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

"""Noise in which nobody talks: nothing may be said to speak.

Sound and the rest of the chain, without pictures. Silent people are there in half of the scenes:
their faces are drawn about their true heads, as the detector does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from av_tracker_nodes.acoustics.stage import acoustic_stage
from av_tracker_nodes.association import SpeakerTracker
from av_tracker_nodes.geometry.rig_description import NoiseSource
from av_tracker_nodes.geometry.rig_files import load_rig_description
from av_tracker_nodes.research.evaluation.statistics import ratio, written
from av_tracker_nodes.research.experiments.accuracy.boxes import BoxDetector
from av_tracker_nodes.research.experiments.kit.models import open_model
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.rig_sound import images_of_sound, rig_of_sound
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import FRAME_RATE
from av_tracker_nodes.types import FaceFrame, TrackState

SECONDS = 37.5
"""Of one of 16 scenes: ten minutes in all."""

_RIGS = 'respeaker_usb_webcam', 'uma8_webcam', 'azure_kinect', 'pair_webcam'
_PLACE = np.array([1.0, 0.8, 0.9])
_QUIET_DB, _LOUD_DB = 60.0, 5.0


@dataclass(frozen=True)
class Quiet:
    """Noise that nobody talks in.

    Attributes
    ----------
    name : str
    snr_db : float
        What a usual voice would have above the noise of room and microphones.
    source : str
        Kind of a noise source as loud as a usual voice; empty for none.
    """

    name: str
    snr_db: float
    source: str = ''


QUIETS = (
    Quiet('silence', _QUIET_DB),
    Quiet('diffuse noise', _LOUD_DB),
    Quiet('fan', _QUIET_DB, 'fan'),
    Quiet('hum', _QUIET_DB, 'hum'),
)


@dataclass(frozen=True)
class QuietTask:
    """Noise before one of the rigs.

    Attributes
    ----------
    quiet : Quiet
    rig : str
    scenario : str
        ``nobody`` or ``two_silent``.
    seed : int
    seconds : float
    """

    quiet: Quiet
    rig: str
    scenario: str
    seed: int
    seconds: float = SECONDS

    @property
    def name(self) -> str:
        """Of its files."""
        return f'{self.quiet.name.replace(" ", "_")}-{self.rig}-{self.scenario}'


def quiet_tasks(first_seed: int) -> list[QuietTask]:
    """Plan every noise before every rig, with nobody and with silent people in turn."""
    scenarios = 'nobody', 'two_silent'
    return [
        QuietTask(quiet, rig, scenarios[(number + turn) % 2], first_seed + number)
        for turn, quiet in enumerate(QUIETS)
        for number, rig in enumerate(_RIGS)
    ]


def quiet_scene(task: QuietTask, model: str) -> dict[str, int]:
    """Track a scene in which nobody talks.

    Returns
    -------
    dict
        ``images``; ``speaking``: those in which somebody is said to speak; ``tracks``: those in
        which there is a track by sound alone.
    """
    rig = load_rig_description(task.rig)
    if task.quiet.source:
        rig = replace(rig, noise=(NoiseSource(task.quiet.source, _PLACE, 0.0),))
    drawn = build_rig_scene(rig, task.scenario, task.seed, task.seconds)
    scene = replace(drawn.scene, snr_db=task.quiet.snr_db)
    told, camera = rig_of_sound(drawn), drawn.rig.camera
    fusion, tracker = open_model(model), SpeakerTracker()
    stage = acoustic_stage(told, fusion.measure)
    detector = BoxDetector.of(camera, scene.people, task.seed)
    parent_from_scene = drawn.scene_from_parent.inverse
    counts = dict.fromkeys(('images', 'speaking', 'tracks'), 0)
    for time, stamp, block in images_of_sound(record(scene)):
        stage.add(block)
        mouths = [parent_from_scene @ person.at(np.array([time]), person.mouth) for person in
                  scene.people]  # fmt: skip
        faces = detector.detect(np.concatenate(mouths)) if mouths else ()
        frame = FaceFrame(stamp, camera.size, faces)
        tracks = tracker.process(fusion.process(frame, stage.process(frame), told), camera).tracks
        known = [track for track in tracks if track.state != TrackState.TENTATIVE]
        counts['images'] += 1
        counts['speaking'] += any(track.is_speaking for track in known)
        counts['tracks'] += any(not track.last_visual for track in known)
    return counts


def quiet_row(scenes: Sequence[dict[str, int]]) -> dict[str, float]:
    """Take the scenes of a noise together: seconds, and shares of the images."""
    images = sum(scene['images'] for scene in scenes)
    return {
        'seconds': images / FRAME_RATE,
        'speaking_share': written(ratio(sum(scene['speaking'] for scene in scenes), images)),
        'track_share': written(ratio(sum(scene['tracks'] for scene in scenes), images)),
    }
