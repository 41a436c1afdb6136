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

"""The scenes that models are compared on, recorded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes.acoustics.measures import find_measure
from av_tracker_nodes.research.parallel import all_in_processes
from av_tracker_nodes.research.progress import Progress, ProgressBar
from av_tracker_nodes.research.simulation.scenarios import build_scene
from av_tracker_nodes.research.simulation.writer import write_calibration, write_truth
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.recorder import record_scene

FIRST_SEED = {'validation': 1400, 'test': 2400}
"""Scenes of a split count up from here."""

MEASURES = ('vggcf', 'stgcf')
"""Acoustic measures that are recorded; V-WSWE follows from the first."""

COMPLETE, INCOMPLETE = 'complete', 'incomplete'
"""Inputs as they are, and as in GLDTracker's incomplete set; see `training.recorder`."""


@dataclass(frozen=True)
class Options:
    """What to compare.

    Attributes
    ----------
    scenario, split : str
    scenes : int
    jobs : int
        Processes.
    inputs : tuple of str
        What is recorded of each: `COMPLETE`, `INCOMPLETE`.
    """

    scenario: str = 'multi_speaker'
    split: str = 'test'
    scenes: int = 12
    jobs: int = 1
    inputs: tuple[str, ...] = (COMPLETE,)


@dataclass(frozen=True)
class SceneFiles:
    """A scene as one camera records it.

    Attributes
    ----------
    truth : Path
        Folder of the sequence, with its truth.
    camera : int
        1, 2 or 3.
    clips : dict of (str, str) to Path
        By inputs and acoustic measure.
    """

    truth: Path
    camera: int
    clips: dict[tuple[str, str], Path]

    @property
    def name(self) -> str:
        """Sequence and camera."""
        return f'{self.truth.name}-cam{self.camera}'


def record_scenes(out: Path, options: Options, progress_bar: ProgressBar) -> list[SceneFiles]:
    """Record the scenes of a comparison, with a progress bar; see `make_scenes`."""
    with progress_bar(f'recording {options.scenes} scenes') as advance:
        return make_scenes(out, options, advance)


def make_scenes(out: Path, options: Options, progress: Progress) -> list[SceneFiles]:
    """Record scenes that are not there yet, one camera after the other in turn.

    Parameters
    ----------
    out : Path
        Folder of the scenes.
    options : Options
    progress : Progress
    """
    out.mkdir(parents=True, exist_ok=True)
    write_calibration(out)
    first, count = FIRST_SEED[options.split], options.scenes
    tasks = [(out, options.scenario, first + k, k % 3 + 1, options.inputs) for k in range(count)]
    numbered = dict(enumerate(tasks))
    return list(all_in_processes(_make_scene, numbered, options.jobs, progress).values())


def _make_scene(
    out: Path, scenario: str, seed: int, camera: int, inputs: Sequence[str]
) -> SceneFiles:
    scene = build_scene(scenario, seed)
    truth = out / scene.name
    frames = range(len(scene.frame_times(camera - 1)))
    clips = {}
    for what in inputs:
        lacks = '' if what == COMPLETE else f'-{what}'
        paths = {
            measure: out / f'{scene.name}-cam{camera}-{measure}{lacks}.npz' for measure in MEASURES
        }
        if not all(path.exists() for path in paths.values()):
            truth.mkdir(exist_ok=True)
            write_truth(truth, scene)
            recorded = record_scene(scene, camera - 1, [frames], MEASURES, what == INCOMPLETE)
            for measure, clip in recorded.items():
                clip.save(paths[measure])
        clips |= {(what, measure): path for measure, path in paths.items()}
    return SceneFiles(truth, camera, clips)


def load_scene(files: SceneFiles, measure: str, inputs: str = COMPLETE) -> Clip:
    """Read the recording of a scene with an acoustic measure."""
    if find_measure(measure).enhances_faces:
        return Clip.load(files.clips[inputs, MEASURES[0]]).enhanced()
    return Clip.load(files.clips[inputs, measure])
