# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""All commands are there, quick to list, and refuse bad input in one line."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.cli.options import shows_input_errors
from av_tracker_nodes.errors import InputError

COMMANDS = {
    'bench': (),
    'benchmark': (
        'ablations',
        'acoustics',
        'beams',
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


def test_bad_input_is_one_line_and_status_2():
    @click.command()
    @shows_input_errors
    def fail():
        raise InputError('no such bag')

    result = CliRunner().invoke(fail)
    assert result.exit_code == 2
    assert (result.stdout, result.stderr) == ('', 'av-tracker: no such bag\n')


def test_package_runs_as_a_program(tmp_path):
    command = [sys.executable, '-m', 'av_tracker_nodes.cli', 'train', '--leaking-split']
    command += ['--out', str(tmp_path)]
    process = subprocess.run(command, text=True, capture_output=True)
    assert process.returncode == 2
    assert process.stdout == ''
    assert process.stderr.splitlines() == [
        'av-tracker: --leaking-split needs --protocol: it is the split of a publication'
    ]
