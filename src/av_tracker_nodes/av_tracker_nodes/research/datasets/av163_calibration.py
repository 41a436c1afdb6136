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

"""Calibration files of AV16.3.

A point X of the world is seen at the undistorted pixel ``P A^-1 X``: P (``cameraN.Pmat.cal``)
maps the frame of the self-calibration, which A (``rigid010203.mat``) takes to the world. Then
``K^-1`` (``camN.rad``) leads to the plane at unit depth, where the distortion ``kc = k1, k2, p1,
p2`` and the skew ``alpha_c`` act. Pixels of the files count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from av_tracker_nodes import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.recordings import read_text
from av_tracker_nodes.research.datasets.mat_files import load_mat, numbers_of

IMAGE_SIZE = 360, 288
"""Width and height of every image of the corpus (pixels)."""

_RIGID = 'rigid010203.mat'
_ALIGN = 'align010203.mat'
"""The same matrix, under the name that AV3T gives it."""
_STRUCT = 'cam.mat'
_LABEL, _SKEW_LABEL = 6, 10
_MATRIX_LINES = range(9)
_DISTORTION_LINES = range(10, 14)
_SKEW_LINE = 15
_ORTHONORMAL_TOLERANCE = 0.01


@dataclass(frozen=True)
class _Model:
    """What the files of one camera say: P (3, 4), K (3, 3), kc (4,), alpha_c."""

    projection: np.ndarray
    matrix: np.ndarray
    distortion: np.ndarray
    skew: float


def has_calibration(directory: Path) -> bool:
    """Tell whether a directory holds calibration files of any form."""
    if (directory / _STRUCT).is_file() or any(directory.glob('camera[0-9].Pmat.cal')):
        return True
    return any(directory.glob('P[0-9].mat')) and any(directory.glob('cam[0-9].rad'))


def read_camera(directory: Path, number: int, shift: np.ndarray = (0, 0)) -> Camera:
    """Read a camera.

    Parameters
    ----------
    directory : Path
        With ``rigid010203.mat`` or ``align010203.mat``, and ``cameraN.Pmat.cal`` or ``PN.mat``
        with ``camN.rad``, or ``cam.mat``.
    number : int
        1, 2 or 3.
    shift : array_like, shape (2,)
        Move of the picture since the calibration (pixels).

    Returns
    -------
    Camera
        Described in the world frame, in 0-based pixels.

    Raises
    ------
    InputError
        When a file is missing or malformed, or P and K do not belong together.
    """
    text_form = (directory / f'camera{number}.Pmat.cal').is_file()
    read = _read_text if text_form or not (directory / _STRUCT).is_file() else _read_struct
    model = read(directory, number)
    align = directory / _ALIGN
    rigid = _read_rigid(align if align.is_file() else directory / _RIGID)
    pose = _pose(model, rigid, directory, number)
    matrix = model.matrix
    return Camera(
        matrix[0, 0],
        matrix[1, 1],
        matrix[0, 2] - 1 + shift[0],
        matrix[1, 2] - 1 + shift[1],
        IMAGE_SIZE,
        np.append(model.distortion, 0.0),
        model.skew,
        pose,
    )


def read_shift(path: Path, number: int) -> np.ndarray:
    """Read the shift of a camera (pixels, shape (2,)) of ``sessionNN_shift.mat``; 0 without it."""
    if not path.is_file():
        return np.zeros(2)
    shift = load_mat(path).get('shift')
    try:
        camera = np.atleast_1d(shift.cam)[number - 1]
        moved = np.array([float(camera.delta_x), float(camera.delta_y)])
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise InputError(f'{path} has no shift.cam({number}).delta_x and .delta_y') from error
    return numbers_of(path, 'shift', moved)


def read_microphones(path: Path) -> np.ndarray:
    """Read the microphones (m, shape (16, 3)) of the global ``gt.mat``."""
    truth = load_mat(path).get('gt')
    positions = numbers_of(path, 'gt.mic_pos', getattr(truth, 'mic_pos', ()))
    if positions.shape != (3, 16):
        raise InputError(f'{path} has no 3 x 16 matrix gt.mic_pos')
    return positions.T


def read_array(path: Path, count: int) -> np.ndarray:
    """Read the microphones (m, shape (count, 3)) of one array: ``Mic_pos`` of a MAT file."""
    positions = numbers_of(path, 'Mic_pos', load_mat(path).get('Mic_pos', ()))
    if positions.shape != (3, count):
        raise InputError(f'{path} has no 3 x {count} matrix Mic_pos')
    return positions.T


def _pose(model: _Model, rigid: np.ndarray, directory: Path, number: int) -> RigidTransform:
    """Pose of the camera in the world from ``K^-1 P A^-1 = scale [R | t]``."""
    what = f'{directory}: K^-1 P of camera {number}'
    try:
        with np.errstate(all='ignore'):
            camera_from_world = np.linalg.solve(model.matrix, model.projection)
            camera_from_world = camera_from_world @ np.linalg.inv(rigid)
            camera_from_world /= np.cbrt(np.linalg.det(camera_from_world[:, :3]))
            left, stretch, right = np.linalg.svd(camera_from_world[:, :3])
    except np.linalg.LinAlgError as error:
        raise InputError(f'{what} cannot be computed: {error}') from error
    deviation = np.abs(stretch - 1).max()
    if not deviation < _ORTHONORMAL_TOLERANCE:
        raise InputError(
            f'{what} is not a rotation (off by {deviation:.2g}); '
            'its P and K are not of one calibration'
        )
    return RigidTransform(left @ right, camera_from_world[:, 3]).inverse


def _read_text(directory: Path, number: int) -> _Model:
    projection = _read_projection(directory, number)
    path = directory / f'cam{number}.rad'
    lines = _read_lines(path)
    try:
        matrix = np.array([float(lines[i][_LABEL:]) for i in _MATRIX_LINES]).reshape(3, 3)
        distortion = np.array([float(lines[i][_LABEL:]) for i in _DISTORTION_LINES])
        has_skew = len(lines) > _SKEW_LINE and lines[_SKEW_LINE].strip()
        skew = float(lines[_SKEW_LINE][_SKEW_LABEL:]) if has_skew else 0.0
    except (IndexError, ValueError) as error:
        raise InputError(
            f'{path} is not a .rad file: nine lines of K, a blank one, four of kc are expected'
        ) from error
    return _checked(path, _Model(projection, matrix, distortion, skew))


def _read_projection(directory: Path, number: int) -> np.ndarray:
    path = directory / f'P{number}.mat'
    if not path.is_file():
        return _read_table(directory / f'camera{number}.Pmat.cal', (3, 4))
    projection = numbers_of(path, 'P', load_mat(path).get('P', ()))
    if projection.shape != (3, 4):
        raise InputError(f'{path} has no 3 x 4 matrix P')
    return projection


def _read_struct(directory: Path, number: int) -> _Model:
    path = directory / _STRUCT
    for value in load_mat(path).values():
        cameras = np.atleast_1d(value)
        if cameras.dtype == object and len(cameras) >= number:
            camera = cameras[number - 1]
            try:
                model = _Model(
                    np.asarray(camera.Pmat, float).reshape(3, 4),
                    np.asarray(camera.K, float).reshape(3, 3),
                    np.asarray(camera.kc, float).ravel()[:4].reshape(4),
                    float(camera.alpha_c),
                )
            except (AttributeError, TypeError, ValueError) as error:
                raise InputError(
                    f'{path}: camera {number} needs Pmat (3 x 4), K (3 x 3), alpha_c and kc'
                ) from error
            return _checked(path, model)
    raise InputError(f'{path} holds no struct of camera {number}')


def _checked(path: Path, model: _Model) -> _Model:
    """Return a model whose numbers can be those of a camera."""
    for name, value in vars(model).items():
        numbers_of(path, name, value)
    if not (model.matrix[0, 0] > 0 and model.matrix[1, 1] > 0):
        raise InputError(f'{path}: focal lengths must be positive')
    return model


def _read_rigid(path: Path) -> np.ndarray:
    """Read A: a 4 x 4 matrix in a MAT file, alone or in a struct, or as plain text."""
    try:
        content = load_mat(path)
    except InputError:
        return _read_table(path, (4, 4))
    for value in _arrays(content):
        if value.shape == (4, 4):
            return numbers_of(path, 'the matrix', value)
    raise InputError(f'{path} holds no 4 x 4 matrix')


def _arrays(content: object) -> Iterator[np.ndarray]:
    """Yield the numeric arrays of a MAT file, those in structs included."""
    if isinstance(content, np.ndarray) and content.dtype != object:
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _arrays(value)
    elif isinstance(content, SimpleNamespace):
        for name in sorted(vars(content), key=lambda name: name != 'Pmat'):
            yield from _arrays(getattr(content, name))


def _read_lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f'calibration file {path.name} is missing in {path.parent}')
    return read_text(path, 'calibration file', foreign=True).splitlines()


def _read_table(path: Path, shape: tuple[int, int]) -> np.ndarray:
    lines = _read_lines(path)
    try:
        table = np.array([[float(v) for v in line.split()] for line in lines if line.strip()])
    except ValueError as error:
        raise InputError(f'{path} is not a table of numbers') from error
    if table.shape != shape or not np.isfinite(table).all():
        raise InputError(f'{path} is not a {shape[0]} x {shape[1]} table of numbers')
    return table
