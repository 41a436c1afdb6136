# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Install the nodes with the repository's launch files, models and calibrations."""

import os
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'av_tracker_nodes'
NODES = (
    'microphone_array',
    'camera',
    'face_detector',
    'acoustic_map',
    'fusion',
    'tracker',
    'bag_player',
    'recorder',
    'track_writer',
    'av_tracker_all',
)

# colcon builds through links when asked for --symlink-install; data files sit beside the real
# package, so look for them from there.
HERE = Path(os.path.realpath(__file__)).parent
REPOSITORY = HERE.parent.parent


def data_files(folder: str) -> list[tuple[str, list[str]]]:
    """List the files under a folder of the repository with where they are installed."""
    return [
        (
            f'share/{PACKAGE}/{parent.relative_to(REPOSITORY)}',
            [os.path.relpath(path) for path in sorted(parent.iterdir()) if path.is_file()],
        )
        for parent in [REPOSITORY / folder, *sorted((REPOSITORY / folder).rglob('*/'))]
        if parent.is_dir() and not any(part.startswith(('.', '__')) for part in parent.parts)
    ]


setup(
    name=PACKAGE,
    version='0.1.0',
    description='Real-time audio-visual tracking of several speakers in 3-D',
    author='The av_tracker authors',
    maintainer='The av_tracker authors',
    maintainer_email='av-tracker@users.noreply.github.com',
    license='Apache-2.0',
    packages=find_packages(),
    package_data={PACKAGE: ['**/*.yaml', '**/*.json', '**/*.npz', '**/*.onnx']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        *data_files('launch'),
        *data_files('models'),
        *data_files('calibration'),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    entry_points={
        'console_scripts': [
            f'av-tracker = {PACKAGE}.cli:main',
            *(f'{node} = {PACKAGE}.nodes.{node}:main' for node in NODES),
        ]
    },
)
