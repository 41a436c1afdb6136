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

"""What peaks and faces sound like, and whether it is somebody who talks there.

Simulated sound before rigs of 2 to 16 microphones: nobody to three people, most of them talking,
in rooms, noise, and beside machines, music and a television. There are no pictures: faces are
drawn about the true heads, as the detector does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from av_tracker_nodes.acoustics import AcousticConfig, AcousticStage
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.geometry.bearings import heard_angles
from av_tracker_nodes.geometry.rig_description import NOISE_KINDS, NoiseSource
from av_tracker_nodes.research.experiments.accuracy.boxes import BoxDetector
from av_tracker_nodes.research.simulation.rig_conditions import AV163, RigCondition
from av_tracker_nodes.research.simulation.rig_scene import RigScene
from av_tracker_nodes.research.simulation.rig_sound import images_of_sound, rig_of_sound
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scene import Person
from av_tracker_nodes.types import AcousticMap, FaceFrame

SECONDS = 10.0
EVERY = 3
"""Images of 25 a second from one that is listened to, to the next."""

_RIGS = (
    'pair_webcam',
    'respeaker_usb_webcam',
    'respeaker_6mic_webcam',
    'uma8_webcam',
    'matrix_voice_webcam',
    'uma16_webcam',
    'respeaker_usb_webcam',
    AV163,
)
_SCENARIOS = {
    'one_talking': 0.3,
    'two_talking': 0.3,
    'three_talking': 0.2,
    'two_silent': 0.1,
    'nobody': 0.1,
}
_AV163_SCENARIO = 'multi_speaker'
_REVERBERANT_SHARE, _REVERBERANT = 0.25, (0.5, 0.9)
_SNR_DB = 5.0, 30.0
_NOISE_SHARE, _NOISE_DB, _SWITCHED_SHARE = 0.65, (-15.0, 0.0), 0.3
_NOISE_PLACES = np.array([[0.2, -1.7, 0.5], [3.2, 1.7, 1.5]])
"""Corners of the box in which noise is made (m, from the floor below the rig)."""

_GUARD = 0.15
"""Images within this time (s) of a change of speech say neither."""
_SAME = np.radians(15.0)
_VOICE, _SHARE = (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 50.0, 0.0)
"""Coefficients with which the stage tells as speech what the voice activity detector does, times
the share of a face; and with which it tells that share alone."""
_UNSURE = 1e-9
_FIRST_IMAGE = 10


@dataclass(frozen=True)
class Samples:
    """Peaks, or faces, of many images.

    Attributes
    ----------
    scene, person : np.ndarray, shape (n,), int
        Person is -1 for peaks.
    time : np.ndarray, shape (n,)
        Seconds.
    microphones : np.ndarray, shape (n,), int
    coherence : np.ndarray, shape (n,)
    voice : np.ndarray, shape (n,)
        Log-odds of speech in the beam, as sure as the stage takes them.
    share : np.ndarray, shape (n,)
        How probably that beam is of this face rather than of another.
    speech : np.ndarray, shape (n,), bool
        Whether somebody talks there.
    known : np.ndarray, shape (n,), bool
        Whether that is beyond doubt.
    quiet : np.ndarray, shape (n,), bool
        Nobody talks anywhere.
    """

    scene: np.ndarray
    person: np.ndarray
    time: np.ndarray
    microphones: np.ndarray
    coherence: np.ndarray
    voice: np.ndarray
    share: np.ndarray
    speech: np.ndarray
    known: np.ndarray
    quiet: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[tuple]) -> Samples:
        """Make samples of rows in the order of the attributes."""
        types = int, int, float, int, float, float, float, bool, bool, bool
        columns = list(zip(*rows, strict=True)) or [()] * len(types)
        return cls(*(np.array(c, t) for c, t in zip(columns, types, strict=True)))

    @classmethod
    def join(cls, parts: Iterable[Samples]) -> Samples:
        """Put samples one after the other."""
        parts = list(parts)
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))

    def where(self, chosen: np.ndarray) -> Samples:
        """Return some samples."""
        return Samples(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def __len__(self) -> int:
        """Count samples."""
        return len(self.time)


def draw_condition(seed: int) -> tuple[RigCondition, float]:
    """Draw rig, people, room and noise of a scene, and its ratio of speech to noise (dB)."""
    rng = np.random.default_rng([seed, 0x59EEC4])
    rig = _RIGS[seed % len(_RIGS)]
    snr = float(rng.uniform(*_SNR_DB))
    rt60 = float(rng.uniform(*_REVERBERANT)) if rng.uniform() < _REVERBERANT_SHARE else None
    if rig == AV163:
        return RigCondition(rig, rig, _AV163_SCENARIO, rt60), snr
    scenario = str(rng.choice(list(_SCENARIOS), p=list(_SCENARIOS.values())))
    noise = ()
    if rng.uniform() < _NOISE_SHARE:
        place = rng.uniform(*_NOISE_PLACES)
        kind = str(rng.choice(NOISE_KINDS))
        switched = bool(rng.uniform() < _SWITCHED_SHARE)
        noise = (NoiseSource(kind, place, float(rng.uniform(*_NOISE_DB)), switched),)
    return RigCondition(rig, rig, scenario, rt60, noise), snr


def scene_samples(seed: int, sounds: Path, seconds: float = SECONDS) -> tuple[Samples, Samples]:
    """Listen to a scene.

    Parameters
    ----------
    seed : int
    sounds : Path
        Folder in which its sound is kept.
    seconds : float

    Returns
    -------
    peaks, faces : Samples
    """
    condition, snr = draw_condition(seed)
    drawn = condition.draw(seed, seconds)
    drawn = replace(drawn, scene=replace(drawn.scene, snr_db=snr))
    rig = rig_of_sound(drawn)
    stages = [
        AcousticStage(rig, config=AcousticConfig(peak_speech=_VOICE, face_speech=coefficients))
        for coefficients in (_VOICE, _SHARE)
    ]
    scene = _Scene(drawn, rig, seed)
    peaks, faces = [], []
    blocks = images_of_sound(_sound(drawn, sounds / f'{seed}-{seconds:g}s.npz'))
    for number, (time, stamp, block) in enumerate(blocks):
        for stage in stages:
            stage.add(block)
        if number % EVERY or number < _FIRST_IMAGE:
            continue
        seen = FaceFrame(stamp, rig.camera.size, scene.faces(time))
        heard = stages[0].process(seen)
        shares = [face.speech for face in stages[1].process(seen).faces] if seen.faces else []
        peaks += scene.judge_peaks(time, heard)
        faces += scene.judge_faces(time, heard, shares)
    return Samples.of(peaks), Samples.of(faces)


def _sound(drawn: RigScene, path: Path) -> np.ndarray:
    """Render the sound of a scene, or read what was rendered; shape (samples, microphones)."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f'partial-{path.name}')
        np.savez(partial, sound=np.round(32767 * record(drawn.scene)).astype(np.int16))
        partial.rename(path)
    return np.load(path, allow_pickle=False)['sound'].astype(np.float32) / 32768


class _Scene:
    """What is true in a scene, in the array frame of its rig."""

    def __init__(self, drawn: RigScene, rig: Rig, seed: int) -> None:
        self._seed, self._rig = seed, rig
        self._people = drawn.scene.people
        self._parent_from_scene = drawn.scene_from_parent.inverse
        self._detector = BoxDetector.of(rig.camera, self._people, seed)
        televisions = [n.position for n in drawn.rig.noise if n.kind == 'television']
        self._televisions = self._towards(np.reshape(televisions, (-1, 3)))
        self._microphones = len(rig.microphones.positions)

    def faces(self, time: float) -> tuple:
        """Faces of those who are in the picture at a time (s); tracklets count people from 1."""
        if not self._people:
            return ()
        mouths = self._mouths(time)
        seen = self._rig.camera.contains(self._rig.camera.project(mouths))
        return tuple(f for f in self._detector.detect(mouths) if seen[f.tracklet - 1])

    def judge_peaks(self, time: float, heard: AcousticMap) -> Iterator[tuple]:
        """Rows of `Samples`; what comes from a television is speech too, and told neither way."""
        talking, certain = self._talking(time)
        towards = self._towards(self._mouths(time))
        for peak in heard.peaks:
            near = self._near(peak.direction, towards)
            known = (
                bool(certain[near].all())
                and not self._near(peak.direction, self._televisions).any()
            )
            speech = bool((talking & near).any())
            yield self._row(time, -1, peak.evidence, peak.speech, 1.0, speech, known, talking)

    def judge_faces(self, time: float, heard: AcousticMap, shares: list[float]) -> Iterator[tuple]:
        """Rows of `Samples`."""
        talking, certain = self._talking(time)
        for face, share in zip(heard.faces, shares, strict=True):
            who = face.tracklet - 1
            speech, known = bool(talking[who]), bool(certain[who])
            yield self._row(time, who, face.peak, face.speech, share, speech, known, talking)

    def _row(self, time, person, coherence, product, share, speech, known, talking) -> tuple:
        probability = min(max(product / max(share, _UNSURE), _UNSURE), 1 - _UNSURE)
        voice = math.log(probability / (1 - probability))
        quiet, mics = not talking.any(), self._microphones
        return self._seed, person, time, mics, coherence, voice, share, speech, known, quiet

    def _mouths(self, time: float) -> np.ndarray:
        """Mouths (m), in the frame that the rig is mounted in, shape (people, 3)."""
        mouths = [person.at(np.array([time]), person.mouth)[0] for person in self._people]
        return self._parent_from_scene @ np.reshape(mouths, (-1, 3))

    def _talking(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Who talks, and of whom that is certain, each of shape (people,)."""
        talking = np.array([person.speaks(time) for person in self._people], bool)
        certain = np.array([_is_settled(person, time) for person in self._people], bool)
        return talking, certain

    def _towards(self, places: np.ndarray) -> np.ndarray:
        """Return unit vectors from the microphones to places (n, 3) in the frame of the mount."""
        offsets = self._rig.target_from_array.inverse @ places - self._rig.microphones.centre
        return offsets / np.linalg.norm(offsets, axis=1, keepdims=True)

    def _near(self, direction: np.ndarray, others: np.ndarray) -> np.ndarray:
        return heard_angles(self._rig.microphones, direction, others) <= _SAME


def _is_settled(person: Person, time: float) -> bool:
    return all(abs(time - edge) > _GUARD for segment in person.segments for edge in segment)
