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

"""On a machine without rosbags, onnx, ONNX Runtime and sounddevice, which apt does not have."""

import importlib.util
import os
import subprocess
import sys

import pytest
from bootstrap import ROOT

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
    process = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, folders))},
        text=True,
        capture_output=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


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
