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

"""The training corpus: many short simulated scenes, recorded in parallel, each made once.

Of five scenes two are of the rig of AV16.3, whose numbers the publications compare, and three of
robots that no two are alike: who learns one camera in one room takes its focal length and its
ranges for those of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import tee
from pathlib import Path

import numpy as np

from av_tracker_nodes.research.datasets.recordings import open_corpus
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.rig_scene import RigScene, build_rig_scene
from av_tracker_nodes.research.simulation.robots import draw_robot
from av_tracker_nodes.research.simulation.scenarios import build_scene
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Scene
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.parallel_files import make_missing
from av_tracker_nodes.research.training.recorder import (
    record_local,
    record_rig_scene,
    record_scene,
    record_sequence,
    scene_blocks,
)

SCENARIO, ROBOT_SCENARIO = 'varied', 'anybody'
TRAINING_SEEDS, VALIDATION_SEEDS = range(1000), range(1000, 1050)

AV163_TRAINING = ('seq18', 'seq19', 'seq35', 'seq40')
AV163_VALIDATION = ('seq11', 'seq12')
"""Sequences that AVCLNet learns on, and others to choose by, of AV16.3."""

_LOCAL = '-local.npz'
_TAKES = (2.1, 3.1, 4.1)
"""When takes begin (s): by then the noise floor of the room is known."""
_TAKE_FRAMES, _ROBOT_TAKE_FRAMES = 16, 12
_SECONDS = 5.0

_ROBOTS_OF_FIVE = (1, 2, 4)
"""Which of five seeds in turn are of robots, so that any part of the corpus is mixed alike."""


def make_corpus(
    out: Path,
    seeds: Sequence[int],
    jobs: int,
    progress: Progress | None = None,
) -> list[Path]:
    """Record scenes that are not there yet.

    Parameters
    ----------
    out : Path
        Folder of the clips, made where it is missing.
    seeds : sequence of int
        Of the scenes; the same seed always makes the same clip.
    jobs, progress
        See `parallel_files.make_missing`.

    Returns
    -------
    list of Path
        Of the clips, in the order of the seeds.

    Raises
    ------
    InputError
        Speech or head data are not installed, or the folder cannot be written.
    """
    tasks = {out / clip_name(seed): (seed,) for seed in seeds}
    return make_missing(_make_clip, tasks, jobs, progress)


def is_robot(seed: int) -> bool:
    """Tell whether the scene of a seed is in front of a robot, not of the rig of AV16.3."""
    return seed % 5 in _ROBOTS_OF_FIVE


def clip_name(seed: int) -> str:
    """Name of the file of the clip of a seed."""
    return f'{"robot" if is_robot(seed) else SCENARIO}-{seed:04d}.npz'


def make_local_sounds(
    clips: Sequence[Path],
    seeds: Sequence[int],
    jobs: int,
    progress: Progress | None = None,
) -> None:
    """Record what half of the microphones tell at the images of clips, where it is not there yet.

    Parameters
    ----------
    clips : sequence of Path
        As `make_corpus` returns them.
    seeds, jobs, progress
        See `make_corpus`.
    """
    tasks = {local_path(clip): (seed, clip) for seed, clip in zip(seeds, clips, strict=True)}
    make_missing(_make_local, tasks, jobs, progress)


def local_path(clip: Path) -> Path:
    """Where the local sound of a clip is kept."""
    return clip.with_name(f'{clip.stem}{_LOCAL}')


def make_sequence_clips(
    out: Path,
    root: Path,
    sequences: Sequence[str],
    progress: Progress,
    cameras: Sequence[int] | None = None,
) -> list[Path]:
    """Turn sequences of AV16.3 or CAV3D into clips that are not there yet.

    Parameters
    ----------
    out : Path
        Folder of the clips, made where it is missing.
    root : Path
        Of the corpus.
    sequences : sequence of str
        Names or numbers.
    progress : Progress
    cameras : sequence of int, optional
        All of a sequence where left out.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        Something of a sequence is missing.
    """
    corpus, paths = open_corpus(root), []
    out.mkdir(parents=True, exist_ok=True)
    recordings = [corpus.sequence(name) for name in sequences]
    views = [(each, camera) for each in recordings for camera in cameras or each.cameras]
    for done, (sequence, camera) in enumerate(views, 1):
        finished = out / f'{sequence.name}-cam{camera}.done'
        if not finished.exists():
            clips, again = tee(record_sequence(sequence.directory, camera))
            local = record_local(again, sequence.audio_blocks())
            for clip, half in zip(clips, local, strict=True):
                path = out / f'{clip.name}.npz'
                clip.save(path)
                half.save(local_path(path))
            finished.touch()
        pieces = out.glob(f'{sequence.name}-cam{camera}-*.npz')
        paths += sorted(path for path in pieces if not path.name.endswith(_LOCAL))
        progress(done / len(views))
    return paths


def _make_clip(seed: int, path: Path) -> None:
    if is_robot(seed):
        drawn = _robot_scene(seed)
        record_rig_scene(drawn, _takes(drawn.scene, 0, _ROBOT_TAKE_FRAMES)).save(path)
        return
    scene = build_scene(SCENARIO, seed)
    camera = int(np.random.default_rng([seed, 0xC11]).integers(len(scene.cameras)))
    record_scene(scene, camera, _takes(scene, camera, _TAKE_FRAMES))['vggcf'].save(path)


def _make_local(seed: int, whole: Path, path: Path) -> None:
    clip = Clip.load(whole)
    scene = _robot_scene(seed).scene if is_robot(seed) else build_scene(SCENARIO, seed)
    (local,) = record_local([clip], scene_blocks(scene))
    local.save(path)


def _robot_scene(seed: int) -> RigScene:
    return build_rig_scene(draw_robot(seed), ROBOT_SCENARIO, seed, _SECONDS)


def _takes(scene: Scene, camera: int, length: int) -> list[range]:
    """Frames of each take."""
    firsts = [round((start - scene.video_starts[camera]) * FRAME_RATE) for start in _TAKES]
    count = len(scene.frame_times(camera))
    return [range(first, min(first + length, count)) for first in firsts]
