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

"""Writes a small corpus in the layout of AV16.3 from the description of its files alone."""

import cv2
import numpy as np
import soundfile
from scipy.io import savemat
from scipy.spatial.transform import Rotation

NAME = 'seq24-2p-0111'
TIMECODES = {1: '00:00:10.21', 2: '00:00:09.18', 3: '00:00:11.15'}
RATE = 16_000
SECONDS = 3
FRAMES = 30
RIGID = np.eye(4)
RIGID[:3, :3] = Rotation.from_euler('zyx', [25, -10, 170], degrees=True).as_matrix()
RIGID[:3, 3] = [0.3, -0.2, 1.1]


class Calibration:
    """The numbers in the files of one camera, in the conventions of the files."""

    def __init__(self, number):
        self.K = np.array([[310.0 + number, 0.4, 182.0], [0, 305.0, 141.5 + number], [0, 0, 1]])
        self.kc = np.array([-0.31, 0.12, 0.0011, -0.0017])
        self.alpha_c = 0.0013
        centre = np.array([[-1.57, 2.01, 1.43], [-1.57, -2.32, 1.19], [-0.3, -3.1, 1.35]])
        forward = np.array([0.4, 0.1, 0.2]) - centre[number - 1]
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        camera_from_world = np.eye(4)
        camera_from_world[:3] = np.column_stack([rotation, -rotation @ centre[number - 1]])
        self.P = self.K @ (camera_from_world @ RIGID)[:3]


def project(calibration, point):
    """World to 1-based pixel, step by step as the description of the corpus says."""
    referent = np.linalg.inv(RIGID) @ np.append(point, 1.0)
    linear = calibration.P @ referent
    linear = linear / linear[2]
    x, y, _ = np.linalg.inv(calibration.K) @ linear
    r2 = x**2 + y**2
    k1, k2, k3, k4 = calibration.kc
    k5 = 0.0
    xd = x * (1 + k1 * r2 + k2 * r2**2 + k5 * r2**3) + 2 * k3 * x * y + k4 * (r2 + 2 * x**2)
    yd = y * (1 + k1 * r2 + k2 * r2**2 + k5 * r2**3) + k3 * (r2 + 2 * y**2) + 2 * k4 * x * y
    xd += calibration.alpha_c * yd
    K = calibration.K
    return np.array([K[0, 0] * xd + K[0, 2], K[1, 1] * yd + K[1, 2]])


def back_project(calibration, pixel, depth, steps=20):
    """1-based pixel at a depth to the world, step by step as the description says."""
    K = calibration.K
    yd = (pixel[1] - K[1, 2]) / K[1, 1]
    xd = (pixel[0] - K[0, 2]) / K[0, 0] - calibration.alpha_c * yd
    k1, k2, k3, k4 = calibration.kc
    x, y = xd, yd
    for _ in range(steps):
        r2 = x**2 + y**2
        radial = 1 + k1 * r2 + k2 * r2**2
        dx = 2 * k3 * x * y + k4 * (r2 + 2 * x**2)
        dy = k3 * (r2 + 2 * y**2) + 2 * k4 * x * y
        x, y = (xd - dx) / radial, (yd - dy) / radial
    linear = K @ [x, y, 1]
    referent = np.linalg.inv(calibration.P[:, :3]) @ (depth * linear - calibration.P[:, 3])
    return (RIGID @ np.append(referent, 1.0))[:3]


def mouth(person, time):
    """Where a person's mouth is at a timecode."""
    return np.array([0.3 * person - 0.2 + 0.1 * (time - 9), 0.2 * person, 0.35])


def write_calibration(folder, scale=1.0):
    folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2, 3):
        calibration = Calibration(number)
        np.savetxt(folder / f'camera{number}.Pmat.cal', scale * calibration.P, fmt='%.17g')
        lines = [
            f'K{row + 1}{column + 1} = {calibration.K[row, column]:.17g}'
            for row in range(3)
            for column in range(3)
        ]
        lines += ['', *(f'kc{i + 1} = {k:.17g}' for i, k in enumerate(calibration.kc)), '']
        lines += [f'alpha_c = {calibration.alpha_c:.17g}']
        (folder / f'cam{number}.rad').write_text('\n'.join(lines) + '\n')
    write_rigid(folder)


def write_calibration_structs(folder):
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [('Pmat', object), ('K', object), ('alpha_c', object), ('kc', object)]
    cameras = np.zeros((1, 3), dtype=kinds)
    for index in range(3):
        calibration = Calibration(index + 1)
        cameras[0, index] = (
            calibration.P,
            calibration.K,
            calibration.alpha_c,
            calibration.kc[:, None],
        )
    savemat(folder / 'cam.mat', {'cam': cameras})
    write_rigid(folder)


def write_rigid(folder):
    savemat(folder / 'rigid010203.mat', {'rigid': {'name': 'align', 'Pmat': RIGID}})


def sound():
    """Sixteen channels of 16-bit noise, each another one."""
    return np.random.default_rng(24).integers(-9000, 9000, (RATE * SECONDS, 16), np.int16)


def picture(number, index):
    """A grey image whose brightness tells camera and frame."""
    return np.full((288, 360, 3), 20 * number + 5 * index, np.uint8)


def write_video(path, number, rate=25, size=(360, 288), frames=FRAMES):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), rate, size)
    for index in range(frames):
        writer.write(cv2.resize(picture(number, index), size))
    writer.release()


def write_sequence(root, name=NAME, audio_folder='.', calibration='session10'):
    """Write the whole sequence and return its folder."""
    folder = root / name
    audio = folder / audio_folder
    audio.mkdir(parents=True, exist_ok=True)
    for channel, samples in enumerate(sound().T):
        array, microphone = divmod(channel, 8)
        path = audio / f'{name}_array{array + 1}_mic{microphone + 1}.wav'
        soundfile.write(path, samples, RATE, 'PCM_16')
    for number, timecode in TIMECODES.items():
        write_video(folder / f'{name}_cam{number}_divx_audio.avi', number)
        lines = [f'{timecode} {index * 0.04:.2f} {index + 1}' for index in range(FRAMES)]
        (folder / f'{name}_timings_cam{number}').write_text('\n'.join(lines) + '\n')
    for person in (1, 2):
        rows = [[t, 7, *mouth(person, t)] for t in np.arange(9, 14, 0.04)]
        text = '\n\n'.join(' '.join(f'{value:.6f}' for value in row) for row in rows)
        (folder / f'{name}-person{person}-interpolated.3dmouthgt').write_text(text)
    if calibration:
        write_calibration(root / calibration)
    return folder
