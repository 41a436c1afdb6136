# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The command line: ``av-tracker COMMAND``.

Heavy imports happen inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from av_tracker_nodes import __version__
from av_tracker_nodes.errors import InputError

_console = Console(stderr=True)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_PATH = click.Path(path_type=Path)


def _shows_input_errors(command: Callable) -> Callable:
    """Turn an :class:`InputError` into one line and exit status 2."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except InputError as error:
            raise click.exceptions.Exit(_complain(error)) from error

    return run


def _complain(error: InputError) -> int:
    click.echo(f'av-tracker: {error}', err=True)
    return 2


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[..., None]]:
    """Show a bar; yields a function of the share done (0..1) and, optionally, a new text."""
    columns = (
        TextColumn('{task.description:<34}'),
        BarColumn(),
        TextColumn('{task.percentage:>3.0f} %'),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as bars:
        bar = bars.add_task(text, total=1.0)

        def advance(share: float, text: str | None = None) -> None:
            described = {} if text is None else {'description': text}
            bars.update(bar, completed=min(max(share, 0.0), 1.0), **described)

        yield advance
        advance(1.0)


_model_option = click.option(
    '--model', default='avclnet', show_default=True, help='Fusion model: see `av-tracker models`.'
)
_jobs_option = click.option(
    '--jobs', type=click.IntRange(1), default=1, show_default=True, help='Processes.'
)
_split_option = click.option('--split', type=click.Choice(['validation', 'test']), default='test')
_scenario_option = click.option('--scenario', default='multi_speaker', show_default=True)
_scenes_option = click.option('--scenes', type=click.IntRange(1), default=12, show_default=True)
_tables_option = click.option('--out', type=_FOLDER, default=Path('out/bench'), show_default=True)
_data_option = click.option(
    '--data',
    type=_FOLDER,
    default=Path('out/corpus'),
    show_default=True,
    help='Clips to learn on; simulated where they are missing.',
)
_audio_offset_option = click.option(
    '--audio-offset', default=0.0, show_default=True, help='Added to the stamps of sound (s).'
)
_out_option = click.option('--out', type=_FOLDER, required=True, help='Folder to write.')


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Audio-visual tracking of several speakers in 3-D."""


@main.command()
def models() -> None:
    """List the fusion models."""
    from av_tracker_nodes.fusion import DEFAULT_MODEL, FUSION_MODELS

    for name in FUSION_MODELS:
        click.echo(f'{name} (default)' if name == DEFAULT_MODEL else name)


@main.command()
@_shows_input_errors
def setup_models() -> None:
    """Prepare the face and voice activity detectors and say where they are."""
    from av_tracker_nodes.models.zoo import PACKAGED_MODELS

    for model in PACKAGED_MODELS:
        click.echo(model.ensure())


@main.command()
def scenarios() -> None:
    """List what can be simulated."""
    from av_tracker_nodes.research.simulation.scenarios import SCENARIOS

    for name, description in SCENARIOS.items():
        click.echo(f'{name:<20} {description}')


@main.command()
@click.argument('scenario')
@click.option('--seed', default=0, show_default=True, help='Voices, faces, room and paths.')
@_out_option
@_shows_input_errors
def simulate(scenario: str, seed: int, out: Path) -> None:
    """Simulate a recording of SCENARIO in the file layout of AV16.3."""
    from av_tracker_nodes.research.simulation.simulate import simulate as run

    with progress_bar(f'simulating {scenario}') as progress:
        sequence = run(scenario, seed, out, progress)
    click.echo(sequence)


@main.command()
@click.argument('names', nargs=-1)
@_out_option
@click.option('--learning', is_flag=True, help='Those that publications learn on, too: hours.')
@_shows_input_errors
def simulate_corpus(names: tuple[str, ...], out: Path, learning: bool) -> None:
    """Simulate stand-ins of the sequences of AV16.3 and CAV3D; those that are there are kept.

    NAMES are corpora or sequences, such as AV16.3 or seq24; the sequences of all protocols where
    left out.
    """
    from av_tracker_nodes.research.simulation.stand_ins import choose_stand_ins, make_stand_ins

    chosen = choose_stand_ins(names, learning)
    with progress_bar('simulating') as progress:
        for folder in make_stand_ins(chosen, out, progress):
            click.echo(folder)


@main.group()
def convert() -> None:
    """Convert recordings to rosbag2 bags."""


@convert.command()
@click.option('--root', type=_FOLDER, required=True, help='Folder of the corpus.')
@click.option('--sequence', required=True, help='Name or number, for instance seq24.')
@click.option('--camera', type=click.IntRange(1, 3), default=1, show_default=True)
@click.option('--out', type=_PATH, required=True, help='Bag to write.')
@click.option('--raw', is_flag=True, help='Images as they are instead of JPEG.')
@_shows_input_errors
def av163(root: Path, sequence: str, camera: int, out: Path, raw: bool) -> None:
    """Convert one camera of an AV16.3 sequence, real or simulated."""
    _convert_one(root, sequence, camera, out, raw)


@convert.command()
@click.option('--root', type=_FOLDER, required=True, help='Folder of the corpus.')
@click.option('--sequence', required=True, help='Name, for instance seq22.')
@click.option('--out', type=_PATH, required=True, help='Bag to write.')
@click.option('--raw', is_flag=True, help='Images as they are instead of JPEG.')
@_shows_input_errors
def cav3d(root: Path, sequence: str, out: Path, raw: bool) -> None:
    """Convert a CAV3D sequence: the camera above the array, sound at 16 kHz."""
    _convert_one(root, sequence, 5, out, raw)


def _convert_one(root: Path, sequence: str, camera: int, out: Path, raw: bool) -> None:
    from av_tracker_nodes.research.datasets.convert import convert_sequence

    with progress_bar(f'converting {sequence}, camera {camera}') as progress:
        click.echo(convert_sequence(root, sequence, camera, out, not raw, progress))


@convert.command('all')
@click.option('--root', type=_FOLDER, required=True, help='Folder of AV16.3 or CAV3D.')
@click.option('--sequence', 'sequences', multiple=True, help='Only this one; may be repeated.')
@_out_option
@click.option('--raw', is_flag=True, help='Images as they are instead of JPEG.')
@_jobs_option
@_shows_input_errors
def convert_everything(
    root: Path, sequences: tuple[str, ...], out: Path, raw: bool, jobs: int
) -> None:
    """Convert every camera of every sequence; bags that are there already are kept.

    The exit status is 1 when something could not be converted.
    """
    from av_tracker_nodes.research.datasets.convert import convert_all

    with progress_bar(f'converting {root.name}') as progress:
        bags, problems = convert_all(root, out, sequences, not raw, jobs, progress)
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f'{len(bags)} bags in {out}')
    if problems:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument('bag', type=_PATH)
@_model_option
@_out_option
@click.option('--mute', is_flag=True, help='Silence in the place of the sound.')
@_audio_offset_option
@_shows_input_errors
def track(bag: Path, model: str, out: Path, mute: bool, audio_offset: float) -> None:
    """Track BAG without ROS, as fast as possible."""
    from av_tracker_nodes.pipeline import track_bag

    with progress_bar(f'tracking {bag.name}') as progress:
        run = track_bag(bag, out, model, progress=progress, mute=mute, audio_offset=audio_offset)
    click.echo(
        f'{run["frames_answered"]} of {run["frames_in"]} frames answered, '
        f'{run["frames_per_second"]:.1f} frames per second'
    )


@main.command()
@click.argument('bag', type=_PATH)
@_model_option
@_out_option
@click.option('--rate', default=1.0, show_default=True, help='Speed of the replay.')
@_audio_offset_option
@_shows_input_errors
def replay(bag: Path, model: str, out: Path, rate: float, audio_offset: float) -> None:
    """Play BAG to the live nodes and write their tracks."""
    from av_tracker_nodes.launching.replay import replay as run

    with progress_bar(f'replaying {bag.name}') as progress:
        arguments = {'audio_offset': str(audio_offset)}
        report = run(bag, model, out, rate, progress=progress, arguments=arguments)
    click.echo(
        f'{report["frames_answered"]} of {report["frames_in"]} frames answered, '
        f'real-time factor {report["realtime_factor"]:.2f}'
    )


@main.command()
@click.option('--out', type=_PATH, required=True, help='Bag to write.')
@_shows_input_errors
def record(out: Path) -> None:
    """Record the live streams of sound and images until Ctrl-C."""
    from av_tracker_nodes.launching.replay import record as run

    run(out)


@main.command()
@click.argument('source', metavar='BAG|live')
@click.option('--save', type=_PATH, help='Recording (.rrd) to write instead of opening rerun.')
@_model_option
@_audio_offset_option
@click.option(
    '--image-transport',
    type=click.Choice(['compressed', 'raw']),
    default='compressed',
    show_default=True,
    help='Of the live images.',
)
@click.option('--target-frame', default='world', show_default=True, help='Frame of the tracks.')
@click.option('--namespace', default='', help='Of the running nodes.')
@_shows_input_errors
def view(
    source: str,
    save: Path | None,
    model: str,
    audio_offset: float,
    image_transport: str,
    target_frame: str,
    namespace: str,
) -> None:
    """Show tracks, sound and images in rerun: of BAG, tracked without ROS, or live.

    The model and the audio offset are for bags; the last three options are for live nodes, which
    are shown until Ctrl-C.
    """
    from av_tracker_nodes.viewing.recording import require_rerun

    require_rerun()
    if source == 'live':
        from av_tracker_nodes.launching.replay import view as run

        run(save, image_transport, target_frame, namespace)
    else:
        from av_tracker_nodes.viewing.command import view_bag

        with progress_bar(f'tracking {Path(source).name}') as progress:
            view_bag(Path(source), save, model, audio_offset, progress)
    if save is not None:
        click.echo(save)


@main.command()
@click.argument('run_dir', metavar='DIR', type=_FOLDER)
@click.option('--truth', type=_FOLDER, required=True, help='Folder of the sequence.')
@click.option('--camera', type=click.IntRange(1, 5), default=1, show_default=True)
@_shows_input_errors
def evaluate(run_dir: Path, truth: Path, camera: int) -> None:
    """Compare the tracks in DIR with the truth; prints a table, writes metrics.json."""
    from av_tracker_nodes.research.evaluation.metrics import evaluate as run
    from av_tracker_nodes.research.evaluation.table import print_table

    print_table([run(run_dir, truth, camera)])


@main.command()
@click.argument('protocol')
@click.option('--data', type=_FOLDER, required=True, help='AV16.3, CAV3D, or their stand-ins.')
@click.option(
    '--models',
    default='avclnet,vggcf,visual,audio',
    show_default=True,
    help='Fusion models or ONNX files, with commas between; may be empty.',
)
@click.option(
    '--results',
    multiple=True,
    metavar='NAME=DIR',
    help='Tracks of another tracker: SEQUENCE-camN/tracks.csv, or SEQUENCE-camN.txt of MOT.',
)
@click.option(
    '--truth-initialised',
    multiple=True,
    metavar='NAME',
    help='Of --results: was told where people are at the start; marked in the table.',
)
@click.option(
    '--ablations',
    type=_PATH,
    multiple=True,
    help='ablations_NAME.json of `benchmark ablations`, to be drawn.',
)
@_out_option
@_jobs_option
@_shows_input_errors
def reproduce(
    protocol: str,
    data: Path,
    models: str,
    results: tuple[str, ...],
    truth_initialised: tuple[str, ...],
    ablations: tuple[Path, ...],
    out: Path,
    jobs: int,
) -> None:
    """Make the tables of publications with our rows in them; what was stopped goes on.

    PROTOCOL is one of `av-tracker protocols`, or `all` of them that DATA has recordings for.
    Writes index.html, results.json, results.md and the figures as PDF. The exit status is 1 when a
    recording is missing or a run failed.
    """
    from av_tracker_nodes.research.experiments.reproduction.all_protocols import ALL, reproduce_all
    from av_tracker_nodes.research.experiments.reproduction.command import make_entries
    from av_tracker_nodes.research.experiments.reproduction.command import reproduce as run

    entries = make_entries(models, results, truth_initialised)
    if protocol == ALL:
        reports = reproduce_all(data, entries, out, jobs, progress_bar, ablations)
    else:
        reports = [run(protocol, data, entries, out, jobs, progress_bar, ablations)]
    click.echo((out / 'results.md').read_text())
    click.echo(out / 'index.html')
    if any(report.missing or report.failed for report in reports):
        raise click.exceptions.Exit(1)


@main.command()
def protocols() -> None:
    """List the published evaluations, and what publications learn on."""
    from av_tracker_nodes.research.datasets.protocols import PROTOCOLS
    from av_tracker_nodes.research.datasets.training_protocols import TRAINING_PROTOCOLS

    for protocol in PROTOCOLS.values():
        click.echo(f'{protocol.name:<16} {protocol.title}: {", ".join(protocol.sequences)}')
    click.echo('\nto learn on:')
    for protocol in TRAINING_PROTOCOLS.values():
        click.echo(f'{protocol.name:<16} {protocol.corpus}: {", ".join(protocol.sequences)}')


@main.group()
def calibrate() -> None:
    """Calibrate cameras, and cameras with microphones."""


def _two_numbers(
    _: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """Read 8x6."""
    if text is None:
        return None
    columns, _, rows = text.partition('x')
    if not (columns.isdigit() and rows.isdigit()):
        raise click.BadParameter(f"write it like {parameter.default or '1280x720'}, not '{text}'")
    return int(columns), int(rows)


def _board_options(command: Callable) -> Callable:
    """Add the options that describe a calibration board, and pass the board on."""

    @click.option('--squares', callback=_two_numbers, default='8x6', show_default=True)
    @click.option('--square', type=float, default=0.03, show_default=True, help='Side (m).')
    @click.option('--marker', type=float, help='Side of the markers of a ChArUco board (m).')
    @click.option('--dictionary', default='DICT_4X4_50', show_default=True, help='Of the markers.')
    @functools.wraps(command)
    def run(squares, square, marker, dictionary, **others):
        from av_tracker_nodes.calibration.boards import CharucoBoard, Chessboard

        if marker is None:
            board = Chessboard(*squares, square)
        else:
            board = CharucoBoard(*squares, square, marker, dictionary)
        return command(board=board, **others)

    return run


@calibrate.command('board')
@click.option('--out', type=_PATH, required=True, help='Picture to write (PNG).')
@_shows_input_errors
@_board_options
def calibrate_board(board, out: Path) -> None:
    """Draw a board to print: a chessboard, or ChArUco with --marker. Measure the print."""
    import cv2

    if not cv2.imwrite(str(out), board.draw(pixels_a_square=200)):
        raise InputError(f'cannot write {out}')
    click.echo(out)


@calibrate.command('camera')
@click.argument('sources', nargs=-1, required=True)
@click.option('--out', type=_PATH, required=True, help='Calibration to write (YAML of ROS).')
@click.option('--views', default=40, show_default=True, help='As many are enough.')
@click.option('--size', callback=_two_numbers, help='Of images of a device, such as 1280x720.')
@click.option('--k3', is_flag=True, help='Estimate the third radial term too: wide lenses.')
@click.option('--name', default='camera', show_default=True)
@click.option('--frame', default='camera_optical', show_default=True, help='Optical frame.')
@_shows_input_errors
@_board_options
def calibrate_camera(board, sources, out, views, size, k3, name, frame) -> None:
    """Calibrate a camera from views of a chessboard, or of a ChArUco board with --marker.

    SOURCES are image files, folders, videos, or one camera: its device or address. A camera is
    watched until there are enough views, or until Ctrl-C.
    """
    from av_tracker_nodes.calibration.camera_session import calibrate_camera as run

    run(
        sources,
        board,
        out,
        echo=click.echo,
        most_views=views,
        size=size,
        third_radial=k3,
        name=name,
        frame=frame,
    )
    click.echo(out)


@calibrate.command('extrinsics')
@click.argument('bag', type=_PATH, required=False)
@click.option('--camera', type=_PATH, required=True, help='Description of the camera.')
@click.option('--array', type=_PATH, required=True, help='Description of the microphones.')
@_out_option
@click.option(
    '--position',
    type=float,
    nargs=3,
    help='Of the camera in the array frame (m), where it was measured with a rule.',
)
@click.option('--target', type=click.Choice(['person', 'board']), default='person')
@click.option(
    '--offset',
    type=float,
    nargs=3,
    default=(0.0, 0.0, 0.0),
    help='Middle of the loudspeaker from the corner of origin of its board (m).',
)
@_audio_offset_option
@_shows_input_errors
@_board_options
def calibrate_extrinsics(board, bag, camera, array, out, target, **others) -> None:
    """Find where the camera sits relative to the microphones.

    BAG is a recording of one person who stands still and talks for three seconds at each of six
    places or more, or of a loudspeaker with a calibration board (--target board). Without BAG the
    running camera and microphones are recorded until Ctrl-C.
    """
    from av_tracker_nodes.calibration.extrinsics_session import calibrate_extrinsics as run

    with _recording(bag) as path:
        chosen = board if target == 'board' else None
        run(path, camera, array, out, echo=click.echo, board=chosen, **others)
    click.echo(
        f'camera_calibration:={out / "camera.yaml"} array_calibration:={out / "array.yaml"}'
    )


@contextmanager
def _recording(bag: Path | None) -> Iterator[Path]:
    """Yield a bag: the one that is named, or one recorded from the running nodes for the while."""
    if bag is not None:
        yield bag
        return
    from av_tracker_nodes.launching.replay import record as run

    with tempfile.TemporaryDirectory(prefix='av_tracker_') as folder:
        click.echo('recording until Ctrl-C', err=True)
        run(Path(folder) / 'bag')
        yield Path(folder) / 'bag'


@main.group()
def check() -> None:
    """Check sensors, and corpora."""


@check.command('sync')
@click.argument('bag', type=_PATH, required=False)
@click.option(
    '--distance', default=1.0, show_default=True, help='Of the hands from the array (m).'
)
@_audio_offset_option
@_shows_input_errors
def check_sync(bag: Path | None, distance: float, audio_offset: float) -> None:
    """Measure the offset between sound and images from claps, seen and heard.

    BAG is a recording of ten claps or more at irregular intervals, by hand or with something that
    flashes. Without BAG the running camera and microphones are recorded until Ctrl-C.
    """
    from av_tracker_nodes.calibration.sync import check_sync as run

    with _recording(bag) as path:
        run(path, distance, audio_offset, click.echo)


@check.command('array')
@click.argument('calibration', type=_PATH)
@click.option('--device', default='', help='Sound card: part of its name, index, or ALSA id.')
@click.option('--channels', default='', help='Channels of the card in order, such as 1-4.')
@click.option('--seconds', default=0.0, help='How long; 0 until Ctrl-C.')
@click.option('--bag', type=_PATH, help='Recording to check instead of a card.')
@_shows_input_errors
def check_array(
    calibration: Path, device: str, channels: str, seconds: float, bag: Path | None
) -> None:
    """Show the channels of the array that CALIBRATION describes: dead, weak, swapped ones.

    The exit status is 1 when something is wrong.
    """
    from av_tracker_nodes.calibration.array_session import check_array as run

    if not run(calibration, device=device, channels=channels, seconds=seconds, bag=bag):
        raise click.exceptions.Exit(1)


@check.command('corpus')
@click.argument('root', metavar='DIR', type=_FOLDER)
@_shows_input_errors
def check_corpus(root: Path) -> None:
    """Read all of AV16.3 or CAV3D in DIR, and say what is missing or damaged.

    The exit status is 1 when something is.
    """
    from av_tracker_nodes.research.datasets.inspection import inspect_corpus

    with progress_bar(f'reading {root.name}') as progress:
        found = inspect_corpus(root, progress)
    for sequence, problem in found.problems:
        click.echo(f'{sequence}: {problem}')
    count = len({sequence for sequence, _ in found.problems})
    click.echo(f'{found.corpus}: {len(found.sequences)} sequences, {count} with problems')
    for protocol, lacking in found.lacking.items():
        click.echo(f'{protocol:<16} {"lacks " + ", ".join(lacking) if lacking else "is there"}')
    if found.problems:
        raise click.exceptions.Exit(1)


@main.command()
@click.option('--model', default='avclnet', show_default=True, help='Network to train.')
@_data_option
@click.option(
    '--av163',
    '--corpus',
    'av163',
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help='AV16.3 or CAV3D: learn on it instead; on seq18, 19, 35 and 40 without --protocol.',
)
@click.option('--protocol', help='Learn on what a publication did: see `av-tracker protocols`.')
@click.option(
    '--leaking-split',
    is_flag=True,
    help='Shuffle the frames of --protocol as published: neighbours are learnt and chosen on.',
)
@_out_option
@click.option('--budget', type=float, default=100.0, show_default=True, help='Minutes to train.')
@click.option('--seed', default=0, show_default=True, help='Of the weights and the samples.')
@click.option('--clips', type=click.IntRange(1), help='Learn on the first simulated ones only.')
@click.option(
    '--images', type=click.IntRange(1), default=24, show_default=True, help='In a batch.'
)
@click.option(
    '--option',
    'options',
    type=(str, str),
    multiple=True,
    metavar='NAME VALUE',
    help='Of the network, such as: width 64, or, for stnet: paper true.',
)
@click.option(
    '--weights',
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='File of torch to start from, as far as names and shapes fit.',
)
@click.option('--jobs', type=click.IntRange(1), help='Processes; one a core if left out.')
@_shows_input_errors
def train(
    model: str,
    data: Path,
    av163: Path | None,
    protocol: str | None,
    leaking_split: bool,
    out: Path,
    budget: float,
    seed: int,
    clips: int | None,
    images: int,
    options: tuple[tuple[str, str], ...],
    weights: Path | None,
    jobs: int,
) -> None:
    """Train a network; a training that was stopped goes on."""
    from av_tracker_nodes.research.training.command import run_training

    if leaking_split and protocol is None:
        raise InputError('--leaking-split needs --protocol: it is the split of a publication')
    if leaking_split:
        click.echo('the split leaks: its validation says nothing about new recordings', err=True)
    run_training(
        model,
        data,
        out,
        budget,
        seed,
        jobs,
        progress_bar,
        av163,
        images=images,
        options={name: _number_or_flag(name, value) for name, value in options},
        pretrained=weights,
        protocol=protocol,
        leaking=leaking_split,
        clips=clips,
    )


def _number_or_flag(name: str, text: str) -> float | int | bool:
    """Read a value as JSON has it: 96, 0.5, true."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, int | float):
        raise InputError(f"--option {name} is '{text}'; it must be a number, true or false")
    return value


@main.command()
@click.argument('training', type=_FOLDER)
@click.option('--out', type=_PATH, required=True, help='ONNX file to write.')
@click.option(
    '--threshold',
    'thresholds',
    type=(str, float),
    multiple=True,
    metavar='NAME VALUE',
    help='From when on the network is believed, such as: speaking 0.4.',
)
@_shows_input_errors
def export(training: Path, out: Path, thresholds: tuple[tuple[str, float], ...]) -> None:
    """Write the network of a finished TRAINING as ONNX, checked against torch."""
    from av_tracker_nodes.research.training.command import run_export

    difference = run_export(training, out, dict(thresholds))
    click.echo(f'{out}: differs from torch by {difference:.1g} at most')


@main.command()
@click.option('--out', type=_FOLDER, default=Path('out/demo'), show_default=True)
@click.option('--seed', default=7, show_default=True, help='Voices, faces, room and paths.')
@_shows_input_errors
def demo(out: Path, seed: int) -> None:
    """Simulate two people who talk and cross, track them live, and show the result."""
    from av_tracker_nodes.research.demo import run_demo

    run_demo(out, seed, progress_bar)


@main.command()
@click.argument(
    'names', nargs=-1, type=click.Choice(['acoustic_map', 'pipeline', 'latency', 'soak'])
)
@_tables_option
@click.option(
    '--seconds',
    type=float,
    help='Of the streams of latency (60 unless given) and soak (3600).',
)
@_shows_input_errors
def bench(names: tuple[str, ...], out: Path, seconds: float | None) -> None:
    """Measure speed, all of it or NAMES; prints tables, writes one JSON file each.

    What an hour of streams leaves in memory, soak, is measured only when it is named.
    """
    from av_tracker_nodes.research.speed import BENCHMARKS, LONG, STREAMED

    for name in names or [each for each in BENCHMARKS if each not in LONG]:
        duration = {'seconds': seconds} if seconds and name in STREAMED else {}
        BENCHMARKS[name](out, progress_bar, **duration)


@main.group()
def benchmark() -> None:
    """Measure accuracy on simulated scenes."""


@benchmark.command('acoustics')
@_out_option
@click.option('--quick', is_flag=True, help='A handful of short validation scenes.')
@click.option(
    '--scenes', type=int, default=3, show_default=True, help='Rooms for each condition, up to 10.'
)
@_split_option
@_jobs_option
@click.option(
    '--document',
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help='Document whose marked block is replaced by the tables.',
)
@_shows_input_errors
def benchmark_acoustics(
    out: Path, quick: bool, scenes: int, split: str, jobs: int, document: Path | None
) -> None:
    """Measure directions and maps in the image; prints tables, writes JSON and Markdown."""
    from av_tracker_nodes.research.experiments.accuracy.acoustics import Options
    from av_tracker_nodes.research.experiments.accuracy.acoustics import benchmark_acoustics as run

    run(out, Options(split, scenes, jobs, quick), progress_bar, document)


@benchmark.command('models')
@_tables_option
@_scenario_option
@_split_option
@_scenes_option
@_jobs_option
@_shows_input_errors
def benchmark_models(out: Path, scenario: str, split: str, scenes: int, jobs: int) -> None:
    """Compare the fusion models on the same scenes; writes models.json."""
    from av_tracker_nodes.research.experiments.comparison.models import compare_models
    from av_tracker_nodes.research.experiments.comparison.scenes import (
        COMPLETE,
        INCOMPLETE,
        Options,
    )

    inputs = (COMPLETE, INCOMPLETE)
    compare_models(out, Options(scenario, split, scenes, jobs, inputs), progress_bar)


@benchmark.command('trackers')
@_tables_option
@_scenario_option
@_split_option
@_scenes_option
@_jobs_option
@_shows_input_errors
def benchmark_trackers(out: Path, scenario: str, split: str, scenes: int, jobs: int) -> None:
    """Compare ways to associate detections with tracks; writes trackers.json."""
    from av_tracker_nodes.research.experiments.comparison.models import (
        TRACK_METRICS,
        TRACKERS,
        compare_models,
    )
    from av_tracker_nodes.research.experiments.comparison.scenes import Options

    options = Options(scenario, split, scenes, jobs)
    compare_models(out, options, progress_bar, TRACKERS, TRACK_METRICS, 'trackers')


@benchmark.command('quality')
@click.option('--model', default='stnet', show_default=True, help='Siamese network, or ONNX file.')
@_tables_option
@_scenario_option
@_split_option
@_scenes_option
@_jobs_option
@_shows_input_errors
def benchmark_quality(
    model: str, out: Path, scenario: str, split: str, scenes: int, jobs: int
) -> None:
    """Sweep the thresholds of quality of a Siamese network; writes quality.json."""
    from av_tracker_nodes.research.experiments.comparison.models import compare_models
    from av_tracker_nodes.research.experiments.comparison.quality import quality_contenders
    from av_tracker_nodes.research.experiments.comparison.scenes import Options

    options = Options(scenario, split, scenes, jobs)
    compare_models(out, options, progress_bar, quality_contenders(model), table='quality')


@benchmark.command('ablations')
@click.option('--model', default='avclnet', show_default=True, help='Network.')
@_data_option
@_tables_option
@_split_option
@_scenes_option
@click.option(
    '--steps', type=click.IntRange(1), default=1000, show_default=True, help='Batches to train.'
)
@click.option('--clips', type=click.IntRange(1), help='Learn on the first ones only.')
@_jobs_option
@_shows_input_errors
def benchmark_ablations(
    model: str,
    data: Path,
    out: Path,
    split: str,
    scenes: int,
    steps: int,
    clips: int | None,
    jobs: int,
) -> None:
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
    options = Options(split=split, scenes=scenes, jobs=jobs, inputs=inputs)
    measure_ablations(out, model, data, options, progress_bar, schedule, clips=clips)


@benchmark.command('retrieval')
@click.argument('network', type=_PATH, required=False)
@_tables_option
@_split_option
@_scenes_option
@_jobs_option
@_shows_input_errors
def benchmark_retrieval(
    network: Path | None, out: Path, split: str, scenes: int, jobs: int
) -> None:
    """Measure whether sounds find their faces by what NETWORK learnt; avclnet if left out."""
    from av_tracker_nodes.research.experiments.comparison.retrieval import measure_retrieval
    from av_tracker_nodes.research.experiments.comparison.scenes import Options

    options = Options(split=split, scenes=scenes, jobs=jobs)
    measure_retrieval(out, network, options, progress_bar)
