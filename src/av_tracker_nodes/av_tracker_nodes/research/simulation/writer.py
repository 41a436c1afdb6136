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

"""Files of a simulated sequence, in the layout of AV16.3.

Under the root, as in the corpus: ``CAM/`` and ``gt.mat`` with the calibration that a tracker is
told, and a folder for each sequence. A sequence is called ``sim<seed>-<n>p-<scenario>``, with `n`
the number of persons. Files count frames and pixels from 1; times are on the timecode clock, on
which the audio starts at 10 s.

Truth is what really happened: the 3-D files hold the mouth at the time of the clock, the 2-D
files the pixel at which the true camera saw it in that frame. Besides the files of the corpus
there are ``.speech`` (start and end of each stretch of speech), ``.pose`` (time, and yaw, pitch,
roll of the head in rad) and ``scenario.json``, which says that the sequence is simulated.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from scipy.io import savemat, wavfile

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.research.simulation.meeting_room import cameras, microphones
from av_tracker_nodes.research.simulation.scene import FRAME_RATE, Person, Scene

AUDIO_START = 10.0
"""Timecode (s) of the first audio sample."""

WORLD_FROM_VIDEO = RigidTransform.from_quaternion(
    np.array([0.42, -0.87, 0.31]), np.array([0.18, -0.26, 0.61, 0.726])
)
"""World seen from the frame that the cameras were calibrated in, which has no meaning else."""

_MAT_HEADER = 128
_LEAST, _ROUNDING = 1e-30, 1e-12
"""What a number that is not 0 is at least; and by how much rotations and places (m) differ that
were computed in another order."""


def write_calibration(root: Path) -> None:
    """Write what a tracker is told of cameras and microphones, the same for all sequences.

    Raises
    ------
    InputError
        Where `root` already holds another calibration.
    """
    with tempfile.TemporaryDirectory(prefix='.calibration-', dir=root) as name:
        folder = Path(name)
        fresh = folder / 'CAM'
        fresh.mkdir()
        for number, camera in enumerate(cameras(), 1):
            _write_camera(fresh, number, camera)
        align = np.eye(4)
        align[:3, :3], align[:3, 3] = WORLD_FROM_VIDEO.rotation, WORLD_FROM_VIDEO.translation
        savemat(fresh / 'rigid010203.mat', {'rigid': {'name': 'align', 'Pmat': align}})
        _write_geometry(folder / 'gt.mat')
        written = [file.relative_to(folder) for file in sorted(folder.rglob('*.*'))]
        for file in written:
            if (root / file).exists() and not _is_same(root / file, folder / file):
                raise InputError(
                    f'{root / file} belongs to other recordings; simulate into a directory of '
                    'its own'
                )
        (root / 'CAM').mkdir(exist_ok=True)
        for file in written:
            os.replace(folder / file, root / file)


def write_truth(folder: Path, scene: Scene) -> None:
    """Write everything but sound and pictures of a scene to its folder."""
    for camera in range(len(scene.cameras)):
        _write_timings(folder, scene, camera)
    for number, person in enumerate(scene.people, 1):
        _write_person(folder, scene, number, person)
    summary = {'simulated': True, 'scenario': scene.name.split('-', 2)[2], **scene.facts()}
    (folder / 'scenario.json').write_text(json.dumps(summary, indent=2) + '\n')


def write_audio(folder: Path, name: str, samples: np.ndarray, rate: int) -> None:
    """Write one 16-bit mono file a microphone from samples (n, 16) in [-1, 1]."""
    quantised = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    for index, channel in enumerate(quantised.T):
        array, microphone = divmod(index, 8)
        path = folder / f'{name}_array{array + 1}_mic{microphone + 1}.wav'
        wavfile.write(path, rate, channel)


def write_video(path: Path, frames: Iterable[np.ndarray], size: tuple[int, int]) -> None:
    """Write frames (BGR, uint8) of a size (width, height) as an MPEG-4 video."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'DIVX'), FRAME_RATE, size)
    if not writer.isOpened():
        raise InputError(f'cannot write {path}: this OpenCV has no MPEG-4 encoder')
    try:
        for frame in frames:
            writer.write(frame)
    finally:
        writer.release()


def video_path(folder: Path, name: str, camera: int) -> Path:
    """File of the video of a camera (0, 1, 2)."""
    return folder / f'{name}_cam{camera + 1}_divx_audio.avi'


def timecode(seconds: float) -> str:
    """Write a time as ``hh:mm:ss.ff``, where ff counts frames."""
    whole, frame = divmod(round(seconds * FRAME_RATE), FRAME_RATE)
    return f'{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{frame:02d}'


def _write_camera(folder: Path, number: int, camera: Camera) -> None:
    """P maps the video frame to 1-based pixels without distortion; the .rad file has the rest."""
    matrix = camera.matrix.copy()
    matrix[:2, 2] += 1
    pose = camera.pose.inverse @ WORLD_FROM_VIDEO
    projection = matrix @ np.column_stack([pose.rotation, pose.translation])
    np.savetxt(folder / f'camera{number}.Pmat.cal', projection, fmt='%.12e')
    entries = [(f'K{i + 1}{j + 1} = ', matrix[i, j]) for i in range(3) for j in range(3)]
    coefficients = [(f'kc{i + 1} = ', camera.distortion[i]) for i in range(4)]
    lines = [f'{label}{value:.12e}' for label, value in entries]
    lines += ['', *[f'{label}{value:.12e}' for label, value in coefficients]]
    lines += ['', f'alpha_c = {camera.skew:.12e}']
    (folder / f'cam{number}.rad').write_text('\n'.join(lines) + '\n')


def _write_geometry(path: Path) -> None:
    """Struct `gt`, of which public readers take `mic_pos` as the eighth field."""
    array = microphones()
    fields = {
        'name': 'simulated AV16.3',
        'units': 'metres',
        'origin': 'centre between the arrays, on the table',
        'n_cam': 3,
        'n_mic': len(array.positions),
        'cam_pos': np.stack([camera.centre for camera in cameras()], axis=-1),
        'p3d': array.group_centres().T,
        'mic_pos': array.positions.T,
    }
    savemat(path, {'gt': fields})


def _is_same(first: Path, second: Path) -> bool:
    """Tell whether two files hold the same; numbers of MAT files up to their last digits.

    Behind a header, which holds the date, MAT files are made of doubles, and of tags and names
    whose lengths are multiples of theirs; taken for doubles, these are next to nothing.
    """
    contents = [file.read_bytes() for file in (first, second)]
    if first.suffix != '.mat':
        return contents[0] == contents[1]
    if len(contents[0]) != len(contents[1]) or len(contents[0]) % 8:
        return False
    here, there = (np.frombuffer(content[_MAT_HEADER:], float) for content in contents)
    with np.errstate(invalid='ignore'):
        near = np.abs(here - there) <= _ROUNDING
        for numbers in (here, there):
            near &= (numbers == 0) | (np.abs(numbers) > _LEAST)
    return bool((near | (here.view(np.int64) == there.view(np.int64))).all())


def _write_timings(folder: Path, scene: Scene, camera: int) -> None:
    start = AUDIO_START + scene.video_starts[camera]
    lines = []
    for frame in range(len(scene.frame_times(camera))):
        time = start + frame / FRAME_RATE
        lines.append(f'{timecode(time)} {time:.2f} {frame + 1}\n')
    (folder / f'{scene.name}_timings_cam{camera + 1}').write_text(''.join(lines))


def _write_person(folder: Path, scene: Scene, number: int, person: Person) -> None:
    start = folder / f'{scene.name}-person{number}'
    first = round(min(*scene.video_starts, 0.0) * FRAME_RATE)
    times = np.arange(first, int(scene.duration * FRAME_RATE) + 1) / FRAME_RATE
    clock = AUDIO_START + times[:, None]
    unused = np.full_like(clock, number)
    mouth = person.at(times, person.mouth)
    pose = person.at(times, person.orientation)
    _write_table(f'{start}-interpolated.3dmouthgt', [clock, unused, mouth], '%.4f')
    _write_table(f'{start}.pose', [clock, pose], '%.4f')
    segments = np.array(person.segments).reshape(-1, 2) + AUDIO_START
    _write_table(f'{start}.speech', [segments], '%.3f')
    for index, camera in enumerate(scene.cameras):
        pixels = camera.project(person.at(scene.frame_times(index), person.mouth))
        visible = camera.contains(pixels)
        frames = np.arange(1, len(pixels) + 1)
        columns = [
            frames,
            np.full_like(frames, number),
            visible,
            np.nan_to_num(pixels, nan=-1) + 1,
        ]
        name = f'{scene.name}-cam{index + 1}-person{number}-interpolated-reprojected.mouthgt'
        _write_table(folder / name, columns, ['%d', '%d', '%d', '%.3f', '%.3f'])


def _write_table(path: Path | str, columns: list[np.ndarray], format: str | list[str]) -> None:
    np.savetxt(path, np.column_stack(columns), fmt=format)
