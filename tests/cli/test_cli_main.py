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

"""All commands are there, quick to list, and refuse bad input in one line."""

import errno
import json
import os
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from interruptions import QUICK, WAYS, Case, check_end, has_written

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.cli.options import Number, fusion_model_option, shows_input_errors
from av_tracker_nodes.errors import InputError

COMMANDS = {
    'bench': (),
    'benchmark': (
        'ablations',
        'acoustics',
        'beams',
        'looks',
        'models',
        'quality',
        'retrieval',
        'rigs',
        'speaking',
        'trackers',
    ),
    'calibrate': ('board', 'camera', 'extrinsics'),
    'check': ('array', 'corpus', 'live', 'sync'),
    'convert': ('all', 'av163', 'cav3d', 'recording'),
    'demo': (),
    'evaluate': (),
    'export': (),
    'models': (),
    'protocols': (),
    'record': (),
    'replay': (),
    'reproduce': (),
    'scenarios': (),
    'simulate': (),
    'simulate-corpus': (),
    'track': (),
    'train': (),
    'train-appearance': (),
    'train-lips': (),
    'train-speech': (),
    'view': (),
}
PATHS = [
    (),
    *((name,) for name in COMMANDS),
    *((name, below) for name, subcommands in COMMANDS.items() for below in subcommands),
]


def _found(path):
    """The command of some names."""
    command = main
    for name in path:
        command = command.get_command(click.Context(command), name)
    return command


def parameter_of(path):
    """The parameter that the last name is an option of."""
    *path, option = path
    return next(each for each in _found(path).params if option in each.opts)


HEAVY = {'numpy', 'cv2', 'onnxruntime', 'numba', 'scipy', 'rosbags', 'torch', 'rclpy'}


def run(*arguments):
    return CliRunner().invoke(main, arguments, prog_name='av-tracker')


def modules_after(*calls):
    """Names of the modules that a new interpreter has imported after calls of the command."""
    code = """
import json, sys
from av_tracker_nodes.cli.main import main
for arguments in json.loads(sys.argv[1]):
    main(arguments, standalone_mode=False)
print(json.dumps(list(sys.modules)))
"""
    command = [sys.executable, '-c', code, json.dumps(calls)]
    process = subprocess.run(command, check=True, text=True, capture_output=True)
    return set(json.loads(process.stdout.splitlines()[-1]))


def test_all_commands_are_there():
    found = main.to_info_dict(click.Context(main))['commands']
    names = {name: tuple(command.get('commands', ())) for name, command in found.items()}
    assert list(names.items()) == list(COMMANDS.items())


@pytest.mark.parametrize('path', PATHS, ids=' '.join)
def test_help(path):
    result = run(*path, '--help')
    assert result.exit_code == 0, result.output
    assert result.output.startswith(' '.join(['Usage: av-tracker', *path, '[OPTIONS]']))


def test_help_imports_nothing_heavy():
    loaded = modules_after(*([*path, '--help'] for path in PATHS))
    assert 'av_tracker_nodes.cli.tracking' in loaded
    assert not HEAVY & loaded


def test_a_command_imports_its_own_module_only():
    loaded = modules_after(['check', 'array', '--help'])
    of_commands = {name for name in loaded if name.startswith('av_tracker_nodes.cli.')}
    assert of_commands == {
        f'av_tracker_nodes.cli.{name}' for name in ('main', 'options', 'recording', 'checks')
    }


@pytest.mark.parametrize('path', [(), ('check',), ('benchmark',)], ids=' '.join)
def test_unknown_command(path):
    result = run(*path, 'nonsense')
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.output


def test_similar_commands_are_proposed():
    assert "'simulate', 'simulate-corpus'" in run('simulat').output


class TestFusionModel:
    @pytest.mark.parametrize(
        'path',
        [('track',), ('replay',), ('view',), ('benchmark', 'speaking'), ('benchmark', 'rigs')],
        ids=' '.join,
    )
    def test_is_an_option_whose_former_name_is_hidden(self, path):
        found = main.to_info_dict(click.Context(main))
        for name in path:
            found = found['commands'][name]
        hidden = {opt: p['hidden'] for p in found['params'] for opt in p['opts'] if 'hidden' in p}
        assert (hidden['--fusion-model'], hidden['--model']) == (False, True)

    @pytest.mark.parametrize(
        ('options', 'arguments', 'told', 'hint'),
        [
            ({'default': 'usual'}, (), 'usual', ''),
            ({'default': 'usual'}, ('--fusion-model', 'a'), 'a', ''),
            ({'default': 'usual'}, ('--model', 'a'), 'a', '--model is called --fusion-model now'),
            ({}, (), None, ''),
            ({'multiple': True}, (), (), ''),
            ({'multiple': True}, ('--fusion-model', 'a', '--fusion-model', 'b'), ('a', 'b'), ''),
            ({'multiple': True}, ('--model', 'a'), ('a',), '--model is called --fusion-model now'),
        ],
    )
    def test_former_name_works_with_a_hint(self, options, arguments, told, hint):
        heard = []

        @click.command()
        @fusion_model_option('Model.', **options)
        def tell(**values):
            heard.extend(values.values())

        result = CliRunner().invoke(tell, arguments)
        assert result.exit_code == 0, result.output
        assert heard == [told]
        assert result.stderr == (f'av-tracker: {hint}\n' if hint else '')


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (InputError('no such bag'), 'no such bag'),
        (OSError(errno.ENOSPC, 'No space left on device'), 'No space left on device'),
        (PermissionError(errno.EACCES, 'Permission denied', 'out'), 'out: Permission denied'),
        (MemoryError(), 'there is not enough memory for this'),
    ],
)
def test_what_is_refused_is_one_line_and_status_2(error, line):
    @click.command()
    @shows_input_errors
    def fail():
        raise error

    result = CliRunner().invoke(fail)
    assert result.exit_code == 2
    assert (result.stdout, result.stderr) == ('', f'av-tracker: {line}\n')


NUMBERS = [
    (*path, option.opts[0])
    for path in PATHS
    if not isinstance(command := _found(path), click.Group)
    for option in command.params
    if isinstance(option.type, (Number, click.FloatRange, type(click.FLOAT)))
]


def test_all_numbers_of_the_command_line_have_a_range():
    assert len(NUMBERS) > 15
    kinds = {type(parameter_of(path).type) for path in NUMBERS}
    assert kinds == {Number}


@pytest.mark.parametrize('text', ['nan', 'inf', '-inf', '1e300', '-1e300', 'one', ''])
@pytest.mark.parametrize('path', NUMBERS, ids=' '.join)
def test_numbers_that_nobody_can_mean_are_refused(path, text):
    *command, option = path
    result = run(*command, *[option, *[text] * parameter_of(path).nargs])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


def test_package_runs_as_a_program(tmp_path):
    command = [sys.executable, '-m', 'av_tracker_nodes.cli', 'train', '--leaking-split']
    command += ['--out', str(tmp_path)]
    process = subprocess.run(command, text=True, capture_output=True)
    assert process.returncode == 2
    assert process.stdout == ''
    assert process.stderr.splitlines() == [
        'av-tracker: --leaking-split needs --protocol: it is the split of a publication'
    ]


SWALLOWS = """
import sys, time
from pathlib import Path

Path('being_imported').touch()
try:
    time.sleep(2)
except BaseException:
    pass
sys.path.remove(str(Path(__file__).parent))
del sys.modules['onnxruntime']
import onnxruntime
sys.modules['onnxruntime'] = onnxruntime
"""


# ---- commands that are told to end do so soon, and leave nothing behind; more in tests/graph


@pytest.mark.thorough
@pytest.mark.parametrize(
    ('case', 'number', 'whole_group'),
    [(QUICK[0], *WAYS[1]), (QUICK[0], *WAYS[2]), (QUICK[1], *WAYS[3]), (QUICK[2], *WAYS[0])],
    ids=lambda value: getattr(value, 'arguments', None),
)
def test_commands_end_when_told_to(tmp_path, case, number, whole_group):
    check_end(tmp_path, case, number, whole_group)


@pytest.mark.thorough
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_imports_that_swallow_exceptions_do_not_keep_commands_from_ending(
    tmp_path, monkeypatch, number
):
    modules = tmp_path / 'modules'
    modules.mkdir()
    (modules / 'onnxruntime.py').write_text(SWALLOWS)
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(modules), os.environ['PYTHONPATH']]))
    check_end(
        tmp_path, Case('track bag --out tracks', has_written('being_imported')), number, False
    )
