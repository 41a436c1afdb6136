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

"""A tiny recording, made by hand: somebody unseen talks before a grey wall."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from builders import make_track
from scipy.spatial.transform import Rotation

from av_tracker_nodes.geometry import Camera, Rig, RigidTransform
from av_tracker_nodes.geometry.calibration import load_microphones
from av_tracker_nodes.recordings.bag import BagWriter
from av_tracker_nodes.research.simulation.speech import draw_voices
from av_tracker_nodes.research.simulation.splits import Split
from av_tracker_nodes.types import AudioBlock, ImageFrame, Modality, TrackFrame, to_nanoseconds

ARRAYS = Path(__file__).resolve().parents[2] / 'calibration' / 'av163_arrays.yaml'
RATE = 16_000
START = 10.0
SECONDS = 4.0
FRAME_RATE = 25
VOICE = np.array([1.2, 0.6, 0.3])


@dataclass(frozen=True)
class Recording:
    """A bag and what is in it."""

    path: Path
    rig: Rig
    image_stamps: list[int]
    voice: np.ndarray


def make_rig() -> Rig:
    # The camera stands behind the array and looks along world x.
    axes = Rotation.from_euler('ZX', [-90, -90], degrees=True).as_matrix()
    pose = RigidTransform(axes, np.array([-1.5, 0.0, 0.4]))
    camera = Camera(350.0, 350.0, 179.5, 143.5, (360, 288), pose=pose)
    return Rig(camera, load_microphones(ARRAYS))


def make_voice() -> np.ndarray:
    """Speech of a recorded person, one phrase after the other."""
    (person,) = draw_voices(Split.VALIDATION, 1, np.random.default_rng(0))
    return 4 * np.resize(np.concatenate(person.phrases), round(SECONDS * RATE))


def make_sound(rig: Rig, rng: np.random.Generator) -> np.ndarray:
    """Delay the voice to each microphone, over a quiet noise, shape (samples, microphones)."""
    spectrum = np.fft.rfft(make_voice())
    count = round(SECONDS * RATE)
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    distances = np.linalg.norm(rig.microphones.positions - VOICE, axis=1)
    delays = distances / rig.microphones.speed_of_sound
    shifted = spectrum * np.exp(-2j * np.pi * frequencies * delays[:, None])
    noise = 0.002 * rng.standard_normal((len(distances), count))
    return (0.5 * np.fft.irfft(shifted, count) + noise).T.astype(np.float32)


def truth_at(stamp: int) -> TrackFrame:
    person = make_track(
        1, VOICE, True, covariance=1e-6 * np.eye(6), modalities=Modality.AUDIO, born=10**10
    )
    return TrackFrame(stamp, (person,))


def write_bag(
    path: Path,
    *,
    image_seconds: float = SECONDS,
    compressed: bool = True,
    image: np.ndarray | None = None,
) -> Recording:
    """Write a bag; `image` is seen instead of a grey wall."""
    rng = np.random.default_rng(1)
    rig, block = make_rig(), RATE // 100
    sound = make_sound(rig, rng)
    image = np.full((288, 360, 3), 128, np.uint8) if image is None else image
    stamps = [
        to_nanoseconds(START + 0.05 + k / FRAME_RATE)
        for k in range(int((image_seconds - 0.1) * FRAME_RATE))
    ]
    waiting = list(stamps)
    with BagWriter(path) as bag:
        bag.write_rig(rig, to_nanoseconds(START))
        for first in range(0, len(sound), block):
            stamp = to_nanoseconds(START + first / RATE)
            while waiting and waiting[0] < stamp + to_nanoseconds(0.01):
                bag.write_image(ImageFrame(waiting[0], image), rig.camera, compressed=compressed)
                bag.write_ground_truth(truth_at(waiting.pop(0)))
            bag.write_audio(AudioBlock(stamp, first, RATE, sound[first : first + block]))
    return Recording(path, rig, stamps, VOICE)
