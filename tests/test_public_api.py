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

"""The door for Python users."""

import subprocess
import sys

import pytest

import av_tracker_nodes as av


def loaded_after(code):
    """Top-level packages that a fresh interpreter has loaded after some code."""
    code += '\nimport sys; print(*{name.partition(".")[0] for name in sys.modules})'
    process = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)
    return set(process.stdout.decode().split())


def test_import_loads_nothing_heavy():
    loaded = loaded_after('import av_tracker_nodes as av; dir(av)')
    heavy = {'numba', 'scipy', 'onnxruntime', 'rosbags', 'cv2', 'numpy', 'torch', 'rclpy'}
    assert 'av_tracker_nodes' in loaded
    assert not loaded & heavy


@pytest.mark.thorough
@pytest.mark.parametrize(
    ('name', 'unneeded'),
    [
        ('Detection', {'cv2', 'onnxruntime', 'rosbags', 'numba', 'scipy'}),
        ('SpeakerTracker', {'cv2', 'onnxruntime', 'rosbags'}),
        ('AcousticStage', {'rosbags', 'torch', 'rerun'}),
        ('BagReader', {'onnxruntime', 'numba', 'torch'}),
        ('InputError', {'numpy'}),
    ],
)
def test_a_name_loads_what_it_needs_only(name, unneeded):
    assert not loaded_after(f'from av_tracker_nodes import {name}') & unneeded


@pytest.mark.parametrize('name', av.__all__)
def test_every_public_name_is_there(name):
    assert name in dir(av)
    found = getattr(av, name)
    assert found is getattr(av, name)
    if callable(found):
        assert found.__doc__


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match=r"'av_tracker_nodes' has no attribute 'no_such'"):
        av.no_such  # noqa: B018


def test_users_catch_one_error(tmp_path):
    with pytest.raises(av.InputError):
        av.load_microphones(tmp_path / 'missing.yaml')
    with pytest.raises(av.InputError), av.BagReader(tmp_path / 'missing'):
        pass
