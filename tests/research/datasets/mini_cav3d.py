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

"""Writes a small corpus in the layout of CAV3D from the description of its files alone."""

import cv2
import numpy as np
import soundfile
from scipy.io import savemat

NAME = 'seq22'
RATE, SECONDS = 96_000, 3
FIRST, LAST = 3, 27
START = 0.4
"""The frame FIRST was taken this long (s) after the first sample."""
TRACKED = 6, 20
FRAMES = 30
ORIGINS = {'SOT': (-181.033, -135.237), 'MOT': (-627.003, -475.934)}
K = np.array([[620.0, 0, 515.0], [0, 618.0, 380.0], [0, 0, 1]])
KC = np.array([-0.33, 0.14, 0.0007, -0.0012, -0.03])
CENTRE = np.array([2.4, 0.8, 1.3])
MICROPHONES = np.stack(
    [
        2.4 + 0.1 * np.cos(np.arange(8) * np.pi / 4),
        0.8 + 0.1 * np.sin(np.arange(8) * np.pi / 4),
        np.full(8, 0.82),
    ]
)


def pose():
    """R and T of a camera that looks along y, x right and y down."""
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return rotation, -rotation @ CENTRE


def mouth(person, frame):
    """Where a person's mouth is at a frame (world)."""
    return np.array([1.6 + 0.7 * person + 0.01 * frame, 3.0, 1.35])


def project(point):
    """World to 0-based pixel as OpenCV does."""
    rotation, translation = pose()
    pixels, _ = cv2.projectPoints(
        np.asarray(point, float).reshape(1, 3), cv2.Rodrigues(rotation)[0], translation, K, KC
    )
    return pixels[0, 0]


def write_calibration(root, name='MOT', signs=(1, 1), **changes):
    """Write C5<name>.mat; `signs` are those of the axes of the camera frame in the file."""
    rotation, translation = pose()
    turn = np.diag([*signs, 1.0])
    k1, k2, p1, p2, k3 = KC
    origin = np.array(ORIGINS[name])
    shape = (np.array([768, 1024]) - 2 * origin[::-1]).astype(int)
    content = {
        'K': K @ turn,
        'R': turn @ rotation,
        'T': (turn @ translation)[:, None],
        'kc': np.array([[k1], [k2], [signs[1] * p1], [signs[0] * p2], [k3]]),
        'map': np.full(shape, 255, np.uint8),
        'ImgSize': np.array([[768, 1024]]),
        'seq': name,
        'dataset': 'CAV3D',
    }
    savemat(root / f'C5{name}.mat', {'camData': content | changes})


def sound():
    """Eight channels of 16-bit noise."""
    return np.random.default_rng(22).integers(-9000, 9000, (RATE * SECONDS, 8), np.int16)


def write_sequence(root, name=NAME, people=2, samples=None):
    """Write a whole sequence and what all share, and return its folder."""
    folder = root / name
    (folder / 'cam5').mkdir(parents=True)
    samples = sound() if samples is None else samples
    soundfile.write(folder / f'{name}_MA0.wav', samples, RATE, 'PCM_16')
    for frame in range(FRAMES):
        picture = np.full((768, 1024, 3), 5 * frame, np.uint8)
        cv2.imwrite(str(folder / 'cam5' / f'{frame:06d}.jpg'), picture)
    for person in range(1, people + 1):
        rows = [[9, 9, *mouth(person, frame)] for frame in range(FRAMES)]
        np.savetxt(folder / f'{name}_id{person}.3dmouthgt', rows, fmt='%.6f')
    (root / 'sync').mkdir(exist_ok=True)
    row = [int(name[3:]), FIRST, LAST, 0, START, START + (LAST - FIRST) / 15, 0, *TRACKED]
    table = root / 'sync' / 'CAV3D_AVsync_content.txt'
    with table.open('a') as file:
        file.write(' '.join(f'{value:g}' if value != row[5] else f'{value:.9f}' for value in row))
        file.write('\n')
    savemat(root / 'MA0_pos.mat', {'Mic_pos': MICROPHONES})
    for calibration in ('SOT', 'MOT'):
        write_calibration(root, calibration)
    return folder
