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

"""The ROS 2 nodes: each reads parameters, converts messages, calls one stage, and publishes.

Importing this package sets, where the environment does not, what libraries read when they load:

- Thread pools of the numerical libraries have one thread: the nodes are processes of their own,
  and pools of several of them fight for the processors.
- Fast DDS has the profile `fast_dds.xml`, by which nodes that start find the others sooner.
"""

import os

from av_tracker_nodes.models.shipped import shipped_file

for _pool in ('OMP', 'OPENBLAS', 'MKL', 'NUMEXPR', 'NUMBA'):
    os.environ.setdefault(f'{_pool}_NUM_THREADS', '1')
os.environ.setdefault('OPENCV_FOR_THREADS_NUM', '1')

# The variable, and the file that is taken from the working directory, of Fast DDS 3 and (Jazzy) 2.
_VARIABLE, _FILE = (
    ('FASTRTPS_DEFAULT_PROFILES_FILE', 'DEFAULT_FASTRTPS_PROFILES.xml')
    if os.environ.get('ROS_DISTRO') == 'jazzy'
    else ('FASTDDS_DEFAULT_PROFILES_FILE', 'DEFAULT_FASTDDS_PROFILES.xml')
)
if not os.path.exists(_FILE):
    os.environ.setdefault(_VARIABLE, str(shipped_file('fast_dds.xml')))
