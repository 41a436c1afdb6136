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

"""Write what the nodes say of their parameters: a file to change, a page to read, and the names.

These are launch/params.yaml, docs/parameters.md, docs/parameters_of_tools.md and
launch/parameter_names.json.

Run it after a parameter has changed: ``. .venv/environment.sh && .venv/bin/python
scripts/write_params.py``.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

import rclpy

from av_tracker_nodes.nodes.av_tracker_all import NODES
from av_tracker_nodes.nodes.settings import Setting

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = ROOT / 'src' / 'av_tracker_nodes' / 'launch'
PARAMETERS = LAUNCH / 'params.yaml'
NAMES = LAUNCH / 'parameter_names.json'
PAGE, TOOLS_PAGE = (ROOT / 'docs' / f'parameters{rest}.md' for rest in ('', '_of_tools'))
CHAIN = ('/**', 'microphone_array', 'camera', 'face_detector', 'acoustic_map', 'fusion', 'tracker')
TEXT_WIDTH = 90
HEAD = """\
# Parameters of the nodes: av_tracker.launch.py params_file:=FILE takes another file than this one.
#
# Lines that begin with "# name: value" show the default; take the "# " away to change it. What the
# launch file has an argument for (target_frame, devices, ...) may stand here too: it holds where
# the argument is not given.
# docs/parameters.md lists every parameter, and tells which may change while a node runs.
"""
DOCUMENT = """\
# Parameters

Written by `scripts/write_params.py` from what the nodes declare; `ros2 param describe NODE
PARAMETER` tells the same. [`launch/params.yaml`](../src/av_tracker_nodes/launch/params.yaml) is
the file to copy and change.

*Precedence*, for each parameter of each node: the argument of `av_tracker.launch.py` that is given
(an empty one is not), then `params_file`, then what follows from the recording and the fusion
model (topics' types, `/clock`, the acoustic measure), then the default below. In the file the last
section counts that is for the node, whatever its wildcards. Which senses the nodes have follows
from the fusion model alone, that of the argument or of the file. Arguments are given to a node as
`NODE={JSON}` before its ROS arguments (`tracker={"target_frame": "map"}`), since ROS lets a
section of a file for the node come before `-p` where the file has one for all nodes too.

*Changes*: a **live** parameter may change at any time (`ros2 param set`); an **unconfigured** one
while the node is unconfigured (`ros2 lifecycle set NODE deactivate`, then `cleanup`), since it
takes a model, a device or a topic to be opened anew; one **at the start** never. Changes are
checked as a set, and a change that is refused, with the reason, changes nothing.

Those of the player, recorders, viewer and bridges are in
[parameters_of_tools.md](parameters_of_tools.md).
"""
TOOLS_DOCUMENT = """\
# Parameters of the player, recorders, viewer and bridges

Written like [parameters.md](parameters.md), which says what takes precedence, what the columns
mean and which parameters all nodes have.
"""
SET_BY_LAUNCH = {
    'autostart',
    'calibration',
    'camera_calibration',
    'array_calibration',
    'image_transport',
    'reliable_images',
    'target_frame',
    'sees',
    'hears',
}
SET_BY_LAUNCH_FOR = {
    'microphone_array': {'device'},
    'camera': {'device'},
    'acoustic_map': {'measure', 'audio_offset', 'patience'},
    'fusion': {'model', 'device', 'patience'},
    'tracker': {'publish_tf'},
    'speaker_beams': {'audio_offset'},
    'bag_player': {'bag', 'rate', 'loops', 'wait_for', 'progress'},
    'recorder': {'out'},
    'track_writer': {'out', 'model', 'mode'},
    'viewer': {'save'},
}


def section(name: str, settings: Iterable[Setting]) -> str:
    """Describe the parameters of a node; the first one is set, since YAML wants a mapping."""
    lines = [f'{name}:', '  ros__parameters:']
    for index, setting in enumerate(settings):
        text = setting.description + (f' [{setting.limits}]' if setting.limits else '')
        lines += [f'    # {line}' for line in textwrap.wrap(text, TEXT_WIDTH)]
        lines.append(f'    {"# " if index else ""}{setting.name}: {in_yaml(setting.default)}')
    return '\n'.join(lines) + '\n'


def table(name: str, settings: Iterable[Setting]) -> str:
    """Tabulate the parameters of a node."""
    rows = [f'## {name}\n', '| parameter | default | values | changes | meaning |']
    rows.append('|---|---|---|---|---|')
    for setting in settings:
        kind = type(setting.default).__name__
        values = setting.limits.replace("''", 'empty') or {'str': 'text'}.get(kind, kind)
        cells = (
            f'`{setting.name}`',
            f'`{in_yaml(setting.default)}`',
            values,
            setting.change,
            setting.description,
        )
        rows.append(f'| {" | ".join(cells)} |')
    return '\n'.join(rows) + '\n'


def in_yaml(value: bool | float | str) -> str:
    """Write a value as YAML has it."""
    return '.nan' if value != value else json.dumps(value).replace('"', "'")


def declared() -> dict[str, list[Setting]]:
    """Parameters of every node by its name; those of all nodes are under ``/**``."""
    context = rclpy.Context()
    context.init()
    settings = {}
    for module, kind in NODES.items():
        node = getattr(import_module(f'av_tracker_nodes.nodes.{module}'), kind)(context=context)
        settings[node.get_name()] = node.settings
        node.destroy_node()
    context.shutdown()
    common = set.intersection(*map(set, settings.values()))
    everybody, *_ = settings.values()
    return {
        '/**': [everybody[name] for name in everybody if name in common],
        **{
            node: [setting for setting in each.values() if setting.name not in common]
            for node, each in settings.items()
        },
    }


def parameter_file(nodes: Mapping[str, list[Setting]]) -> str:
    """Write what no argument of the launch file sets, as a file to change."""
    sections = [HEAD]
    for name, settings in nodes.items():
        hidden = SET_BY_LAUNCH | SET_BY_LAUNCH_FOR.get(name, set())
        shown = [setting for setting in settings if setting.name not in hidden]
        if shown:
            sections.append(section(name if name == '/**' else f'/**/{name}', shown))
    return '\n'.join(sections)


def documents(nodes: Mapping[str, list[Setting]]) -> dict[Path, str]:
    """Write everything, as two pages to read: the chain from sensors to tracks, and the rest."""
    names = {'/**': 'All nodes'}
    pages = {PAGE: [DOCUMENT], TOOLS_PAGE: [TOOLS_DOCUMENT]}
    for name, settings in nodes.items():
        pages[PAGE if name in CHAIN else TOOLS_PAGE].append(table(names.get(name, name), settings))
    return {page: '\n'.join(tables) for page, tables in pages.items()}


def names(nodes: Mapping[str, list[Setting]]) -> str:
    """Write the names alone, by node, for programs that look for slips of the pen."""
    common = [setting.name for setting in nodes['/**']]
    table = {
        node: sorted([*common, *(setting.name for setting in settings)])
        for node, settings in nodes.items()
        if node != '/**'
    }
    return json.dumps(table, indent=1) + '\n'


def main() -> None:
    """Write the files."""
    nodes = declared()
    NAMES.write_text(names(nodes))
    PARAMETERS.write_text(parameter_file(nodes))
    for page, text in documents(nodes).items():
        page.write_text(text)


if __name__ == '__main__':
    main()
