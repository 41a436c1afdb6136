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

"""Simulate a sequence: draw the scene, record it with all sensors, and write it to disk."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, wait
from contextlib import contextmanager
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.parallel import workers
from av_tracker_nodes.research.progress import Progress
from av_tracker_nodes.research.simulation.room_acoustics import record
from av_tracker_nodes.research.simulation.scenarios import build_scene
from av_tracker_nodes.research.simulation.scene import Scene
from av_tracker_nodes.research.simulation.speech import RATE
from av_tracker_nodes.research.simulation.video import render_frames
from av_tracker_nodes.research.simulation.writer import (
    video_path,
    write_audio,
    write_calibration,
    write_truth,
    write_video,
)

_POLL = 0.25
_AUDIO_SHARE = 0.1


def simulate(scenario: str, seed: int, out: Path, progress: Progress | None = None) -> Path:
    """Simulate a scenario and write it in the layout of AV16.3.

    A sequence of the same name is replaced. It appears under its name when it is complete.

    Parameters
    ----------
    scenario : str
        One of `scenarios.SCENARIOS`.
    seed : int
        Below 1000 for training, below 2000 for validation, above for tests.
    out : Path
        Root of the corpus; made where it is missing.
    progress : Progress, optional

    Returns
    -------
    Path
        Folder of the sequence.

    Raises
    ------
    InputError
        For an unknown scenario, missing speech, or a directory that cannot be used.
    """
    return write_scene(build_scene(scenario, seed), out, progress)


def write_scene(scene: Scene, out: Path, progress: Progress | None = None) -> Path:
    """Record a scene and write it in the layout of AV16.3; see `simulate`."""
    out = Path(out)
    with _new_folder(out) as folder:
        write_calibration(out)
        write_truth(folder, scene)
        _record_in_parallel(scene, folder, progress or (lambda fraction, text: None))
        return _publish(folder, out / scene.name)


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Make a folder that is removed again, whatever happens."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix='.simulating-', dir=out))
    except OSError as error:
        raise InputError(f'cannot write to {out}: {error.strerror}') from error
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, target: Path) -> Path:
    """Give a complete folder its name, in place of an older one."""
    with tempfile.TemporaryDirectory(prefix='.replaced-', dir=target.parent) as trash:
        if target.exists():
            os.replace(target, Path(trash) / target.name)
        os.replace(folder, target)
    return target


def _record_in_parallel(scene: Scene, folder: Path, progress: Progress) -> None:
    """Render sound and the videos, each in a process of one thread."""
    done = multiprocessing.get_context('spawn').Array('d', 1 + len(scene.cameras))
    with workers(len(done), _share_progress, done) as submit:
        running = {submit(_record_camera, scene, folder, i) for i in range(len(scene.cameras))}
        running.add(submit(_record_sound, scene, folder))
        while running:
            finished, running = wait(running, _POLL, FIRST_EXCEPTION)
            for job in finished:
                job.result()
            _report(done[:], progress)


def _report(done: list[float], progress: Progress) -> None:
    videos = done[1:]
    fraction = _AUDIO_SHARE * done[0] + (1 - _AUDIO_SHARE) * sum(videos) / len(videos)
    parts = ', '.join(f'video {i} {100 * part:.0f} %' for i, part in enumerate(videos, 1))
    progress(fraction, f'sound {100 * done[0]:.0f} %, {parts}')


def _share_progress(done) -> None:
    global _done
    _done = done


def _record_sound(scene: Scene, folder: Path) -> None:
    def report(fraction: float, _: str) -> None:
        _done[0] = fraction

    write_audio(folder, scene.name, record(scene, report), RATE)


def _record_camera(scene: Scene, folder: Path, camera: int) -> None:
    count = len(scene.frame_times(camera))

    def counted() -> Iterator:
        for frame, image in enumerate(render_frames(scene, camera), 1):
            yield image
            _done[1 + camera] = frame / count

    write_video(video_path(folder, scene.name, camera), counted(), scene.cameras[camera].size)
