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

"""What each node loads: a robot has many processes, and pays for each."""

import subprocess
import sys

import pytest

HEAVY = {'cv2', 'matplotlib', 'numba', 'onnxruntime', 'rosbags', 'scipy', 'torch'}
NEEDED = {
    'tracker': set(),
    'track_writer': set(),
    'microphone_array': set(),
    'speaker_beams': {'numba', 'scipy'},
    'camera': {'cv2'},
    'face_detector': {'cv2'},
    'fusion': {'cv2'},
    'bag_player': {'cv2'},
    'acoustic_map': {'cv2', 'numba', 'scipy'},
}


@pytest.mark.parametrize('node', NEEDED)
def test_a_node_loads_no_library_that_it_does_not_need(node):
    program = f'import sys, av_tracker_nodes.nodes.{node}; print(*sys.modules)'
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, check=True
    )
    loaded = HEAVY & set(done.stdout.split())
    assert loaded <= NEEDED[node]
