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

"""The images: linted, resolved as compose does it, and made by the install steps of everybody."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from bootstrap import ROOT
from workspaces import output_of

DOCKER = ROOT / 'docker'
RECIPE = (DOCKER / 'Dockerfile').read_text()
SCRIPTS = sorted(DOCKER.glob('*.sh'))
LINTED = [('hadolint', DOCKER / 'Dockerfile'), *(('shellcheck', path) for path in SCRIPTS)]


def program(name):
    """Path of a program that came with the extra ``containers``."""
    found = Path(sys.prefix) / 'bin' / name
    if not found.exists():
        pytest.skip(f'needs {name}: make setup EXTRAS=containers')
    return found


@pytest.fixture(scope='module')
def services():
    """The services as compose resolves them where nothing is set."""
    command = [program('docker-compose'), '-f', DOCKER / 'compose.yaml', 'config']
    return yaml.safe_load(output_of(command, env={'PATH': os.environ['PATH']}))['services']


@pytest.mark.parametrize(('linter', 'path'), LINTED, ids=lambda value: Path(value).name)
def test_linters_find_nothing(linter, path):
    output_of([program(linter), path])


def test_there_is_an_image_of_each_distribution_with_and_without_cuda(services):
    built = {name: service['build']['args'] for name, service in services.items()}
    assert {(args['ROS_DISTRO'], args.get('EXTRAS', '')) for args in built.values()} == {
        (distribution, extras) for distribution in ('jazzy', 'kilted') for extras in ('', 'gpu')
    }
    for name, args in built.items():
        assert set(args) <= set(re.findall(r'^ARG (\w+)', RECIPE, re.MULTILINE)), name
        assert re.fullmatch(r'[\w/]+:[\w.-]+', args['BASE']), name
        assert ('cuda' in args['BASE']) == (args.get('EXTRAS') == 'gpu') == ('cuda' in name)


def test_containers_see_devices_and_nobody_else_sees_them(services):
    for name, service in services.items():
        assert service['environment']['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST', name
        assert service['cap_drop'] == ['ALL'], name
        assert service['user'] == '1000:1000', name
        assert service['group_add'] == ['audio', 'video'], name
        # /dev/video* and /dev/snd/*
        assert service['device_cgroup_rules'] == ['c 81:* rmw', 'c 116:* rmw'], name
        assert {'/dev', '/av_tracker/out'} <= {v['target'] for v in service['volumes']}, name
        assert 'privileged' not in service, name
        assert ('deploy' in service) == ('cuda' in name), name


def test_the_images_have_no_list_of_dependencies_of_their_own():
    """`make setup` and rosdep know what is needed; without make and python3 they cannot begin."""
    installed = re.findall(r'apt-get install -y --no-install-recommends ([^&\\]*)', RECIPE)
    assert [packages.split() for packages in installed] == [['make', 'python3']]
    scripts = ''.join(path.read_text() for path in SCRIPTS)
    assert 'apt-get' not in scripts
    assert 'pip' not in RECIPE.split() + scripts.split()
    assert 'make setup' in scripts
    assert 'rosdep install --from-paths src' in scripts


@pytest.fixture
def installation(image, tmp_path, monkeypatch):
    """What install.sh calls where ROS is installed: a line each."""
    for name in ('av_tracker_msgs', 'av_tracker_nodes'):
        (tmp_path / 'src' / name).mkdir(parents=True)
        shutil.copy(ROOT / 'src' / name / 'package.xml', tmp_path / 'src' / name)
    (tmp_path / 'bin/rosdep').write_text('#!/bin/sh\necho "rosdep $*"\n')
    (tmp_path / 'bin/rosdep').chmod(0o755)
    script = tmp_path / 'docker/install.sh'
    setup = tmp_path / 'setup.bash'
    setup.touch()
    script.write_text(script.read_text().replace('/opt/ros/${ROS_DISTRO}/setup.bash', str(setup)))
    return image('install.sh').stdout.splitlines()


def test_packages_of_pip_come_with_the_set_up_which_systems_allow(installation):
    """Rosdep stops at them on Ubuntu 24.04, where pip may not write into the system."""
    (command,) = [line for line in installation if line.startswith('rosdep install')]
    skipped = command.partition('--skip-keys ')[2].split()
    depends = ElementTree.parse(ROOT / 'src/av_tracker_nodes/package.xml').iter('exec_depend')
    assert skipped == [each.text for each in depends if each.text.endswith('-pip')]
    assert installation[-1].startswith('make setup')


@pytest.fixture
def image(tmp_path):
    """A folder as an image has it, with programs that only say what they are told."""
    shutil.copytree(DOCKER, tmp_path / 'docker')
    programs = tmp_path / 'bin'
    programs.mkdir()
    for name, text in {'make': 'echo "make $*"', 'python3': 'echo 13.0'}.items():
        (programs / name).write_text(f'#!/bin/sh\n{text}\n')
        (programs / name).chmod(0o755)

    def run(script, *arguments, **variables):
        path = f'{programs}:{os.environ["PATH"]}'
        return subprocess.run(
            [tmp_path / 'docker' / script, *arguments],
            env={'PATH': path, 'ROS_DISTRO': 'nowhere', **variables},
            text=True,
            capture_output=True,
        )

    return run


def test_install_sets_up_with_the_extras(image):
    process = image('install.sh', 'gpu', CUDA_VERSION='13.0.2')
    assert (process.returncode, process.stdout) == (0, 'make setup EXTRAS=gpu\n'), process.stderr


def test_install_refuses_a_base_with_another_cuda(image):
    process = image('install.sh', 'gpu', CUDA_VERSION='12.8.1')
    assert process.returncode == 1
    assert 'ONNX Runtime is for CUDA 13.0, the base image has 12.8.1' in process.stderr


def test_commands_run_in_the_environment_of_the_set_up(image, tmp_path):
    (tmp_path / '.venv-jazzy').mkdir()
    (tmp_path / '.venv-jazzy' / 'environment.sh').write_text('export SET_UP=yes\n')
    process = image('entrypoint.sh', 'sh', '-c', 'echo $SET_UP "$1"', 'sh', 'two words')
    assert process.stdout == 'yes two words\n', process.stderr


@pytest.mark.parametrize('workspace', ['ros2_ws', 'ros2_ws/system-jazzy'])
def test_commands_find_the_installation_of_the_workspace(image, tmp_path, workspace):
    (tmp_path / '.venv-system-jazzy').mkdir()
    (tmp_path / '.venv-system-jazzy' / 'environment.sh').write_text('export BUILT=no\n')
    install = tmp_path / workspace / 'install'
    install.mkdir(parents=True)
    (install / 'local_setup.bash').write_text('export BUILT=yes\n')
    process = image('entrypoint.sh', 'sh', '-c', 'echo $BUILT')
    assert process.stdout == 'yes\n', process.stderr
