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

"""The live nodes without ``ros2 launch``: replay a recording, record, look, or check."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.fusion import DEFAULT_MODEL, create_fusion
from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec, node_set
from av_tracker_nodes.launching.player import PLAYER, PROGRESS
from av_tracker_nodes.launching.processes import Supervisor, private_environment
from av_tracker_nodes.launching.topics import launch_arguments, live_remappings
from av_tracker_nodes.recordings.bag import BagReader, Sources, TopicNames, Topics
from av_tracker_nodes.recordings.tracks_csv import read_run

VERDICT = '@verdict '
"""Lines of the check of a running robot that begin with this are for the person, in JSON."""

_KEPT_LINES = 200
_CLOSING = 30.0
"""Seconds in which a recorder may close its bag: what it holds is worth the wait."""


def replay(
    bag: Path,
    model: str = DEFAULT_MODEL,
    out: Path = Path('out/replay'),
    rate: float = 1.0,
    progress: Callable[[float], None] | None = None,
    arguments: Mapping[str, str] | None = None,
    sources: Sources | None = None,
) -> dict:
    """Play a bag to the live nodes and write their tracks.

    Parameters
    ----------
    bag, out : Path
        Bag to play, folder to write.
    model : str
        Fusion model.
    rate : float
        Speed of the replay.
    progress : callable, optional
        Called with the share done, 0..1.
    arguments : mapping of str to str, optional
        Further arguments of the node set.
    sources : Sources, optional
        Topics that are named, the frame of the tracks, and files for what the bag does not tell.

    Returns
    -------
    dict
        What ``run.json`` says; ``problems`` lists what went wrong, such as that the replay was cut
        short.

    Raises
    ------
    InputError
        When the bag, the model or a parameter is wrong, or a node could not start.
    """
    fusion = create_fusion(model)
    with BagReader(bag, sources) as reader:
        reader.check(fusion.sees, fusion.hears)
        compared = fusion.sees and fusion.hears
        clocks = reader.clock_problems() if compared else []
        frames = len(reader.image_stamps) if fusion.sees else 0
    chosen = {'bag': str(bag), 'fusion_model': model, 'out': str(out), 'rate': str(rate)}
    chosen |= launch_arguments(sources or Sources())
    specs = [_with_progress(spec) for spec in node_set({**chosen, **(arguments or {})})]
    with private_environment() as environment:
        _run(specs, environment, progress)
    run = read_run(out)
    if not run:
        raise InputError(f'the nodes wrote no run.json to {out}; see the messages above')
    problems = [*clocks, *run['problems']]
    lost = frames - run['frames_answered']
    return {**run, 'frames_in': frames, 'lost_frames': lost, 'problems': problems}


def record(
    out: Path, topics: str = '', namespace: str = '', names: TopicNames | None = None
) -> bool:
    """Record the streams of a running robot until Ctrl-C.

    Parameters
    ----------
    out : Path
        Bag to write.
    topics : str
        Names separated by commas; empty for sound, images and what describes them.
    namespace : str
        Of the streams.
    names : TopicNames, optional
        Topics of the streams that are not called as ours are.

    Returns
    -------
    bool
        Whether sound and images came, as far as they were asked for, until Ctrl-C.

    Raises
    ------
    InputError
        When the bag exists already or the recorder could not start.
    """
    if Path(out).exists():
        raise InputError(f'{out} exists already; remove it or choose another name')
    values = {'out': str(Path(out).resolve()), **({'topics': topics} if topics else {})}
    return _run_beside('recorder', values, namespace, names, interrupted=_CLOSING)


def view(
    save: Path | None = None,
    image_transport: str = 'compressed',
    target_frame: str = 'world',
    namespace: str = '',
    topics: TopicNames | None = None,
) -> None:
    """Show the streams of a running robot until Ctrl-C.

    Parameters
    ----------
    save : Path, optional
        Recording (.rrd) to write instead of opening the viewer.
    image_transport : str
        ``raw`` or ``compressed``.
    target_frame : str
        Frame of the tracks.
    namespace : str
        Of the streams.
    topics : TopicNames, optional
        Topics of the streams that are not called as ours are.

    Raises
    ------
    InputError
        When rerun-sdk is missing, the recording cannot be written, or there is no display.
    """
    values = {'image_transport': image_transport, 'target_frame': target_frame}
    if save is not None:
        values['save'] = str(Path(save).resolve())
    _run_beside('viewer', values, namespace, topics)


def check_live(
    tell: Callable[[str], None],
    seconds: float = 5.0,
    namespace: str = '',
    sources: Sources | None = None,
) -> bool:
    """Listen to a running robot, and judge topics, frames, clocks, levels and nodes.

    Parameters
    ----------
    tell : callable
        Called with each verdict, a line.
    seconds : float
        How long to listen.
    namespace : str
        Of the streams.
    sources : Sources, optional
        Topics that are not called as ours are, the frame of the tracks, and calibration files.

    Returns
    -------
    bool
        Whether nothing is wrong.

    Raises
    ------
    InputError
        When a calibration file is wrong, or ROS 2 is missing.
    """
    sources = sources or Sources()
    values = launch_arguments(sources)
    names = ('target_frame', 'camera_calibration', 'array_calibration')
    parameters = {name: values[name] for name in names if name in values}
    rectified = Topics(image=sources.topics.image or None).is_rectified
    parameters |= {'seconds': float(seconds), 'rectified': rectified}
    return _run_beside('live_check', parameters, namespace, sources.topics, tell)


def _run_beside(
    node: str,
    parameters: Mapping[str, str | float | bool],
    namespace: str,
    topics: TopicNames | None = None,
    tell: Callable[[str], None] = print,
    **ends: float,
) -> bool:
    """Run one node beside those that run already, until its end or Ctrl-C.

    Returns whether all went well; what the node says to the person goes to `tell`.
    """
    arguments = [p for k, v in parameters.items() for p in ('-p', f'{k}:={json.dumps(v)}')]
    if namespace:
        arguments += ['-r', f'__ns:=/{namespace.strip("/")}']
    for ours, theirs in live_remappings(topics or TopicNames()).items():
        arguments += ['-r', f'{ours}:={theirs}']
    spec = NodeSpec(PACKAGE, node, node, ros_arguments=tuple(arguments))
    return not any(_run([spec], tell=tell, **ends).values())


def _run(
    specs: list[NodeSpec],
    environment: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    tell: Callable[[str], None] = print,
    **ends: float,
) -> dict[str, int]:
    """Run processes to their end; return their exit statuses."""
    lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def take(name: str, line: str) -> None:
        if line.startswith(PROGRESS):
            if progress is not None:
                progress(json.loads(line.removeprefix(PROGRESS))['share'])
            return
        if line.startswith(VERDICT):
            tell(json.loads(line.removeprefix(VERDICT)))
            return
        lines.append(f'[{name}] {line}')
        _show(name, line)

    statuses = Supervisor(specs, environment, take, **ends).run()
    _check(statuses, lines)
    return statuses


def _show(name: str, line: str) -> None:
    print(f'[{name}] {line}', file=sys.stderr)


def _check(statuses: Mapping[str, int], lines: deque[str]) -> None:
    """Turn exit status 2 of a node, which is bad input, into the error that it is."""
    for name, status in statuses.items():
        if status == 2:
            reasons = [line for line in lines if line.startswith(f'[{name}] ')]
            raise InputError(reasons[-1] if reasons else f'{name} could not start')


def _with_progress(spec: NodeSpec) -> NodeSpec:
    if spec.executable != PLAYER:
        return spec
    return replace(spec, ros_arguments=(*spec.ros_arguments, '-p', 'progress:=true'))
