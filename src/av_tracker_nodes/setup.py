# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Install the nodes with the repository's launch files, models, calibrations and examples."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'av_tracker_nodes'
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


def data_files(folder: str) -> list[tuple[str, list[str]]]:
    """List the files of a folder with where each is installed.

    The folders are links to those of the repository: colcon's --symlink-install mirrors the
    paths named here into its build folder, where one with ``..`` would end outside of it.
    """
    files = sorted(path for path in Path(folder).rglob('*') if path.is_file())
    return [
        (f'share/{PACKAGE}/{file.parent}', [str(file)])
        for file in files
        if '__pycache__' not in file.parts
    ]


setup(
    name=PACKAGE,
    version='0.1.0',
    description='Real-time audio-visual tracking of several speakers in 3-D',
    author='The av_tracker authors',
    maintainer='The av_tracker authors',
    maintainer_email='av_tracker@example.org',
    license='Apache-2.0',
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
        (f'lib/{PACKAGE}', [str(path) for path in sorted(Path('examples').glob('*.py'))]),
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
