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

"""Commands that measure speed and accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from av_tracker_nodes.cli.options import (
    DAY,
    FOLDER,
    PATH,
    Number,
    data_option,
    fusion_model_option,
    jobs_option,
    out_option,
    progress_bar,
)

_split_option = click.option('--split', type=click.Choice(['validation', 'test']), default='test')
_scenario_option = click.option('--scenario', default='multi_speaker', show_default=True)
_scenes_option = click.option('--scenes', type=click.IntRange(1), default=12, show_default=True)
_recordings_option = click.option(
    '--recordings', type=FOLDER, help='Folder of the bags, to use them again.'
)
_document_option = click.option(
    '--document',
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='Document whose marked block is replaced by the tables.',
)
_tables_option = click.option('--out', type=FOLDER, default=Path('out/bench'), show_default=True)


def _scene_options(command: Callable) -> Callable:
    """Add what is said of the scenes of a split."""
    return _split_option(_scenes_option(jobs_option(command)))


def _comparison_options(command: Callable) -> Callable:
    """Add where a comparison is written, and its `scenes.Options`."""
    return _tables_option(_scenario_option(_scene_options(command)))


@click.command()
@click.argument(
    'names',
    nargs=-1,
    type=click.Choice(['acoustic_map', 'pipeline', 'latency', 'scaling', 'soak']),
)
@_tables_option
@click.option(
    '--seconds',
    type=Number(1.0, DAY),
    help='Length of the streams of latency (60 unless given) and soak (3600).',
)
def bench(names: tuple[str, ...], out: Path, seconds: float | None) -> None:
    """Measure speed, all of it or NAMES; prints tables, writes one JSON file each.

    Name `scaling` to measure how costs grow with people, microphones and pictures, and `soak` to
    measure how memory grows in an hour of streams; neither runs otherwise.
    """
    from av_tracker_nodes.research.speed import BENCHMARKS, LONG, STREAMED

    for name in names or [each for each in BENCHMARKS if each not in LONG]:
        duration = {'seconds': seconds} if seconds and name in STREAMED else {}
        BENCHMARKS[name](out, progress_bar, **duration)


@click.group()
def benchmark() -> None:
    """Measure accuracy on simulated scenes."""


@benchmark.command()
@out_option
@click.option('--quick', is_flag=True, help='A handful of short validation scenes.')
@click.option(
    '--scenes', type=int, default=3, show_default=True, help='Rooms for each condition, up to 10.'
)
@_split_option
@jobs_option
@_document_option
def acoustics(out: Path, scenes: int, document: Path | None, **options) -> None:
    """Measure directions and maps in the image; prints tables, writes JSON and Markdown."""
    from av_tracker_nodes.research.experiments.accuracy.acoustics import (
        Options,
        benchmark_acoustics,
    )

    benchmark_acoustics(out, Options(rooms=scenes, **options), progress_bar, document)


@benchmark.command()
@out_option
@click.option('--quick', is_flag=True, help='A few short validation scenes.')
@click.option(
    '--scenes', type=int, default=6, show_default=True, help='For each condition, up to 40.'
)
@fusion_model_option('Fusion model, or ONNX file; the usual one if left out.')
@click.option(
    '--part',
    'parts',
    type=click.Choice(['conditions', 'quiet', 'overlaps']),
    multiple=True,
    help='Measure this only; may be given again.',
)
@_split_option
@jobs_option
@_recordings_option
@_document_option
def speaking(
    out: Path,
    model: str | None,
    parts: tuple[str, ...],
    recordings: Path | None,
    document: Path | None,
    **options,
) -> None:
    """Measure who is said to speak, how soon, and in which noise; writes JSON and Markdown.

    Scenes that were measured in the same folder are not measured again.
    """
    from av_tracker_nodes import DEFAULT_MODEL
    from av_tracker_nodes.research.experiments.speaking.speaking_benchmark import (
        PARTS,
        Options,
        benchmark_speaking,
    )

    chosen = Options(model=model or DEFAULT_MODEL, parts=parts or PARTS, **options)
    benchmark_speaking(out, chosen, progress_bar, document, recordings)


@benchmark.command()
@out_option
@click.option(
    '--scenes', type=int, default=5, show_default=True, help='In front of each rig, up to 50.'
)
@fusion_model_option(
    'Fusion model, or ONNX file; may be given again: others are compared with the first.',
    multiple=True,
)
@_split_option
@jobs_option
@_recordings_option
@_document_option
def rigs(
    out: Path,
    models: tuple[str, ...],
    recordings: Path | None,
    document: Path | None,
    **options,
) -> None:
    """Compare models on seven rigs, of six robots and AV16.3; writes JSON and Markdown.

    Scenes that were measured in the same folder are not measured again.
    """
    from av_tracker_nodes.research.experiments.rigs.rigs_benchmark import (
        MODELS,
        Options,
        benchmark_rigs,
    )

    chosen = Options(models=models or MODELS, **options)
    benchmark_rigs(out, chosen, progress_bar, document, recordings)


@benchmark.command()
@out_option
@click.option(
    '--people',
    type=int,
    default=240,
    show_default=True,
    help='Simulated people to look at, up to 1000.',
)
@_split_option
@jobs_option
@_document_option
def looks(out: Path, document: Path | None, **options) -> None:
    """Compare detection of people of different skin, hair, sex and age; writes JSON, Markdown.

    All of them are simulated.
    """
    from av_tracker_nodes.research.experiments.looks.looks_benchmark import (
        Options,
        benchmark_looks,
    )

    benchmark_looks(out, Options(**options), progress_bar, document)


@benchmark.command()
@out_option
@click.option('--quick', is_flag=True, help='A few short validation scenes, two small arrays.')
@_scene_options
def beams(out: Path, **options) -> None:
    """Measure beams to one and two talkers, by SI-SDR; prints a table, writes beams.json."""
    from av_tracker_nodes.research.experiments.beams.beams_benchmark import (
        Options,
        benchmark_beams,
    )

    benchmark_beams(out, Options(**options), progress_bar)


@benchmark.command()
@_comparison_options
def models(out: Path, **options) -> None:
    """Compare the fusion models on the same scenes; writes models.json."""
    from av_tracker_nodes.research.experiments.comparison.models import compare_models
    from av_tracker_nodes.research.experiments.comparison.scenes import (
        COMPLETE,
        INCOMPLETE,
        Options,
    )

    compare_models(out, Options(inputs=(COMPLETE, INCOMPLETE), **options), progress_bar)


@benchmark.command()
@_comparison_options
def trackers(out: Path, **options) -> None:
    """Compare ways to associate detections with tracks; writes trackers.json."""
    from av_tracker_nodes.research.experiments.comparison.models import (
        TRACK_METRICS,
        TRACKERS,
        compare_models,
    )
    from av_tracker_nodes.research.experiments.comparison.scenes import Options

    compare_models(out, Options(**options), progress_bar, TRACKERS, TRACK_METRICS, 'trackers')


@benchmark.command()
@click.option('--model', default='stnet', show_default=True, help='Siamese network, or ONNX file.')
@_comparison_options
def quality(model: str, out: Path, **options) -> None:
    """Sweep the thresholds of quality of a Siamese network; writes quality.json."""
    from av_tracker_nodes.research.experiments.comparison.models import compare_models
    from av_tracker_nodes.research.experiments.comparison.quality import quality_entries
    from av_tracker_nodes.research.experiments.comparison.scenes import Options

    entries = quality_entries(model)
    compare_models(out, Options(**options), progress_bar, entries, table='quality')


@benchmark.command()
@click.option('--model', default='avclnet', show_default=True, help='Network.')
@data_option
@_tables_option
@_split_option
@_scenes_option
@click.option(
    '--steps', type=click.IntRange(1), default=1000, show_default=True, help='Batches to train.'
)
@click.option('--clips', type=click.IntRange(1), help='Learn on the first ones only.')
@jobs_option
def ablations(model: str, data: Path, out: Path, steps: int, clips: int | None, **options) -> None:
    """Train a network without each of its parts, and compare; writes ablations_MODEL.json."""
    from av_tracker_nodes.research.experiments.comparison.scenes import (
        COMPLETE,
        INCOMPLETE,
        Options,
    )
    from av_tracker_nodes.research.training.command import require_torch

    require_torch()
    from av_tracker_nodes.research.experiments.comparison.ablations import (
        SHORT,
        learns_from_less,
        measure_ablations,
    )

    schedule = replace(SHORT, steps=steps)
    inputs = (COMPLETE, INCOMPLETE) if learns_from_less(model) else (COMPLETE,)
    chosen = Options(inputs=inputs, **options)
    measure_ablations(out, model, data, chosen, progress_bar, schedule, clips=clips)


@benchmark.command()
@click.argument('network', type=PATH, required=False)
@_tables_option
@_scene_options
def retrieval(network: Path | None, out: Path, **options) -> None:
    """Measure how well features of NETWORK match sounds with faces; avclnet if left out."""
    from av_tracker_nodes.research.experiments.comparison.retrieval import measure_retrieval
    from av_tracker_nodes.research.experiments.comparison.scenes import Options

    measure_retrieval(out, network, Options(**options), progress_bar)
