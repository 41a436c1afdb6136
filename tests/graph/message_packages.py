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

"""Message packages of others, built as they define them: the same on the wire."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AUDIO_COMMON = {
    'AudioData': 'uint8[] data',
    'AudioDataStamped': 'std_msgs/Header header\naudio_common_msgs/AudioData audio',
    'AudioInfo': 'uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\n'
    'string coding_format',
}
"""Of ros-drivers/audio_common."""
HRI = {
    'IdsList': 'std_msgs/Header header\nstring[] ids',
    'NormalizedRegionOfInterest2D': 'std_msgs/Header header\nfloat32 xmin\nfloat32 ymin\n'
    'float32 xmax\nfloat32 ymax\nfloat32 c',
}
"""Of ros4hri/hri_msgs, those that we send."""


def build_messages(folder, **packages):
    """Build packages of messages; return the environment in which they are found."""
    for package, messages in packages.items():
        _write_package(folder / 'src' / package, package, messages)
    command = [Path(sys.prefix) / 'bin/colcon', 'build', '--merge-install', '--cmake-args']
    command += [f'-DPython3_EXECUTABLE={sys.executable}', '-DBUILD_TESTING=OFF']
    prefixes = os.environ['AMENT_PREFIX_PATH']
    environment = {**os.environ, 'CMAKE_PREFIX_PATH': prefixes}
    built = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    install = folder / 'install'
    (modules,) = install.glob('**/python*/*-packages')
    added = {
        'AMENT_PREFIX_PATH': install,
        'PYTHONPATH': modules,
        'LD_LIBRARY_PATH': install / 'lib',
    }
    return {name: f'{path}:{os.environ.get(name, "")}' for name, path in added.items()}


def _write_package(folder, package, messages):
    (folder / 'msg').mkdir(parents=True)
    for name, text in messages.items():
        (folder / 'msg' / f'{name}.msg').write_text(text)
    for name in ('package.xml', 'CMakeLists.txt'):
        text = (ROOT / 'ros2_ws/fallback/tf2_msgs' / name).read_text()
        text = text.replace('tf2_msgs', package).replace('geometry_msgs', 'std_msgs')
        files = ' '.join(f'msg/{message}.msg' for message in messages)
        (folder / name).write_text(text.replace('msg/TFMessage.msg', files))


def import_messages(environment, monkeypatch):
    """Make packages of `build_messages` importable here, where the loader has begun already."""
    libraries = Path(environment['LD_LIBRARY_PATH'].partition(':')[0])
    # Each kind needs those before it.
    kinds = ('generator_c', 'introspection_c', 'fastrtps_c', 'typesupport_c', 'generator_py')
    for kind in kinds:
        for library in libraries.glob(f'*_{kind}.so'):
            ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    monkeypatch.syspath_prepend(environment['PYTHONPATH'].partition(':')[0])
