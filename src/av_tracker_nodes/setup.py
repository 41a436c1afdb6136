# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Install the package with its launch files, models, calibrations, policies and examples.

What package.xml says of it is said there alone.
"""

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


setup(
    name=PACKAGE,
    version=MANIFEST.findtext('version'),
    description=MANIFEST.findtext('description'),
    author=MANIFEST.findtext('maintainer'),
    maintainer=MANIFEST.findtext('maintainer'),
    maintainer_email=MANIFEST.find('maintainer').get('email'),
    license=MANIFEST.findtext('license'),
    packages=find_packages(),
    package_data={PACKAGE: ['**/*.yaml', '**/*.json', '**/*.npz', '**/*.onnx', '**/*.jinja']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        *data_files('launch'),
        *data_files('models'),
        *data_files('calibration'),
        *data_files('security'),
        # Where `ros2 run` looks.
        (f'lib/{PACKAGE}', [str(path) for path in files_of('examples', '*.py')]),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    entry_points={
        'console_scripts': [
            f'av-tracker = {PACKAGE}.cli.main:main',
            *(f'{node} = {PACKAGE}.nodes.{node}:main' for node in NODES),
        ]
    },
)
