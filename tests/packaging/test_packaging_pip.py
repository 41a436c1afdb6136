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

"""The package alone, installed by pip: it names what it needs, and works without ROS."""

import importlib.util
import os
import re
import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from bootstrap import ROOT
from declarations import ROS_NAME, imported, lines_of, names
from packaging.requirements import Requirement
from tiny_recording import write_bag
from workspaces import copy_files, output_of

from av_tracker_nodes.pipeline import track_bag

PACKAGE = ROOT / 'src/av_tracker_nodes/av_tracker_nodes'
PORTRAIT = ROOT / 'tests/vision/astronaut_face.png'
# Of modules with another name than their distribution.
DISTRIBUTIONS = {
    'backports': 'backports.zstd',
    'compression': 'backports.zstd',  # part of Python from 3.14 on
    'PIL': 'pillow',
    'cv2': 'opencv-python-headless',
    'jinja2': 'Jinja2',
    'rerun': 'rerun-sdk',
    'yaml': 'PyYAML',
}
# What some files outside of research/ import when it is there, or when they are asked to.
OPTIONAL = {
    ('acoustics', 'torch'): 'train',
    ('recordings', 'av'): 'media',
    ('viewing', 'rerun'): 'view',
}
EXTRAS = ('eval', 'media', 'peers', 'sim', 'train', 'view')
GROUPS = {'': ('base', 'live')} | {extra: (extra,) for extra in EXTRAS}


def third_party():
    """Distributions that each room imports, by the names of rooms; those of ROS aside."""
    found = defaultdict(set)
    for file in PACKAGE.rglob('*.py'):
        room = file.relative_to(PACKAGE).parts[0]
        for name in set(imported(file)) - sys.stdlib_module_names - {PACKAGE.name}:
            if not ROS_NAME.fullmatch(name):
                found[room].add(name)
    return found


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """Folder into which pip has installed a copy of the package."""
    folder = tmp_path_factory.mktemp('pip')
    copy_files('src/av_tracker_nodes', folder / 'source')
    command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index']
    command += ['--no-build-isolation', '--target', folder / 'site', folder / 'source']
    output_of(command)
    return folder / 'site'


@pytest.fixture(scope='module')
def declared(site):
    """Requirements by the name of their extra, '' for those that are always installed."""
    (distribution,) = metadata.distributions(name=PACKAGE.name, path=[str(site)])
    groups = defaultdict(dict)
    for requirement in map(Requirement, distribution.requires):
        extra = re.search(r'extra == "(\w+)"', str(requirement.marker))
        groups[extra[1] if extra else ''][requirement.name] = requirement.specifier
    return groups


@pytest.fixture(scope='module')
def variables(site, declared, tmp_path_factory):
    """Environment without ROS, this checkout, and whatever only extras ask for."""
    absent = tmp_path_factory.mktemp('absent')
    always = {DISTRIBUTIONS.get(name, name) for name in declared['']}
    for name in set().union(*third_party().values(), ['rclpy', 'av_tracker_msgs']):
        if DISTRIBUTIONS.get(name, name) not in always:
            (absent / f'{name}.py').write_text(f'raise ImportError("{name} is not installed")\n')
    kept = {n: v for n, v in os.environ.items() if n not in ('AMENT_PREFIX_PATH', 'ROS_DISTRO')}
    return {**kept, 'PYTHONPATH': f'{absent}:{site}'}


@pytest.fixture
def av_tracker(site, variables, tmp_path):
    """The command line, run in an empty folder."""

    return lambda *arguments: output_of(
        [site / 'bin/av-tracker', *arguments], cwd=tmp_path, env=variables
    )


def test_the_only_command_is_ours(site):
    assert [path.name for path in (site / 'bin').iterdir()] == ['av-tracker']


def test_what_is_imported_is_declared(declared):
    everything = set().union(*declared.values())
    for room, modules in third_party().items():
        for module in modules:
            group = declared[OPTIONAL.get((room, module), '')]
            found = everything if room == 'research' else group
            assert DISTRIBUTIONS.get(module, module) in found, (room, module)


@pytest.mark.parametrize('extra', GROUPS)
def test_the_set_up_of_a_checkout_installs_the_same(declared, extra):
    named = set().union(*map(names, GROUPS[extra]))
    assert named <= set(declared[extra]) <= named | names('no-deps')


def test_package_xml_names_no_other_packages(declared):
    """By their keys in rosdep."""
    depends = ElementTree.parse(ROOT / 'src/av_tracker_nodes/package.xml').findall('exec_depend')
    keys = [e.text for e in depends if e.text.startswith('python3-')]
    keys = {key.removeprefix('python3-').removesuffix('-pip') for key in keys}
    modules = {'opencv': 'cv2'}
    found = {DISTRIBUTIONS.get(module, module) for module in (modules.get(k, k) for k in keys)}
    assert found <= set().union(*declared.values())


@pytest.mark.parametrize('numpy', ['numpy1', 'numpy2'])
def test_pinned_versions_are_allowed_and_newer_ones_too(declared, numpy):
    specifiers = {name: s for group in declared.values() for name, s in group.items()}
    for line in (*lines_of('pins'), *lines_of(f'pins-{numpy}')):
        pin = Requirement(line)
        (version,) = pin.specifier
        assert specifiers.get(pin.name, pin.specifier).contains(version.version), line
    assert all(str(s).startswith('>=') and ',' not in str(s) for s in declared[''].values())


def test_the_command_line_is_installed(av_tracker):
    assert 'avclnet (default)' in av_tracker('models')


@pytest.mark.parametrize(
    ('folder', 'name'),
    [
        ('launch', 'params.yaml'),
        ('models', 'avclnet/avclnet.onnx'),
        ('calibration', 'respeaker_4mic.yaml'),
        ('rigs', 'respeaker_usb_webcam.yaml'),
        ('security', 'policy.xml'),
    ],
)
def test_files_are_found(site, variables, folder, name):
    code = (
        'import sys; from av_tracker_nodes.models.shipped import shipped_file;'
        'print(shipped_file(*sys.argv[1:]))'
    )
    found = output_of([sys.executable, '-c', code, name, folder], env=variables)
    assert Path(found.strip()).is_relative_to(site)


@pytest.mark.thorough
# Kernels of sound are compiled where they are installed, which takes most of half a minute.
@pytest.mark.parametrize('model', ['visual', pytest.param('avclnet', marks=pytest.mark.slow)])
def test_a_recording_is_tracked_as_in_the_checkout(av_tracker, tmp_path, model):
    image = np.full((288, 360, 3), 128, np.uint8)
    image[64:224, 100:260] = cv2.resize(cv2.imread(str(PORTRAIT)), (160, 160))
    recording = write_bag(tmp_path / 'bag', image_seconds=2.0, image=image)
    count = len(recording.image_stamps)
    said = av_tracker('track', 'bag', '--out', 'out', '--fusion-model', model)
    assert f'{count} of {count} frames answered' in said
    track_bag(recording.path, tmp_path / 'expected', model)
    tracks = (tmp_path / 'out/tracks.csv').read_text()
    assert tracks == (tmp_path / 'expected/tracks.csv').read_text()
    assert tracks.count('\n') > 10


# ---- on a machine without rosbags, onnx, ONNX Runtime and sounddevice, which apt does not have


ABSENT = ('onnx', 'onnxruntime', 'rosbags', 'sounddevice')
TESTS = ROOT / 'tests/packaging'

SHOW_ARGS = """
import pytest
from bootstrap import ROOT
from launch_stubs import load_launch_file
file = load_launch_file(ROOT / 'launch/av_tracker.launch.py', pytest.MonkeyPatch())
print(len(file.generate_launch_description().arguments[0]))
"""
NODES = """
import rclpy
from rclpy.parameter import Parameter
from av_tracker_nodes.nodes.fusion import Fusion
from av_tracker_nodes.nodes.tracker import Tracker
rclpy.init()
for node in (Tracker(), Fusion(parameter_overrides=[Parameter('model', value='vggcf')])):
    print(node.trigger_configure().name, node.trigger_activate().name)
"""


def run(code, tmp_path):
    """Run code where the packages cannot be imported."""
    for name in ABSENT:
        stub = f'raise ImportError("{name} is not installed", name="{name}")\n'
        (tmp_path / f'{name}.py').write_text(stub)
    inherited = os.environ.get('PYTHONPATH', '')
    folders = [tmp_path, ROOT / 'src/av_tracker_nodes', ROOT / 'scripts', TESTS, inherited]
    variables = {**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, folders))}
    return output_of([sys.executable, '-c', code], env=variables)


def test_the_launch_file_says_its_arguments(tmp_path):
    assert int(run(SHOW_ARGS, tmp_path)) > 20


@pytest.mark.skipif(importlib.util.find_spec('rclpy') is None, reason='needs rclpy')
def test_tracker_and_fusion_without_a_network_start(tmp_path):
    assert run(NODES, tmp_path).split() == ['SUCCESS'] * 4


@pytest.mark.parametrize(
    ('code', 'package'),
    [
        ('from av_tracker_nodes import BagReader; BagReader("bag")', 'rosbags'),
        ('from av_tracker_nodes.recordings.bag import BagWriter; BagWriter("bag")', 'rosbags'),
        (
            'from av_tracker_nodes.models.zoo import YUNET, open_model;'
            'open_model(YUNET.verified(), YUNET.task, [])',
            'onnxruntime',
        ),
        (
            'from av_tracker_nodes.capture.sound_cards import load_sounddevice as load; load()',
            'sounddevice',
        ),
    ],
)
def test_what_needs_one_of_them_says_how_to_install_it(tmp_path, code, package):
    caught = f"""
from av_tracker_nodes.errors import InputError
try: {code}
except InputError as error: print(error)
"""
    assert run(caught, tmp_path).strip().endswith(f'-m pip install {package}')
