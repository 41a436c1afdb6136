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

"""Whole people: a head of some identity, hair, clothes, limbs that can be posed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.simulation import heads, makehuman
from av_tracker_nodes.research.simulation.looks import paint_head
from av_tracker_nodes.research.simulation.surface import Surface
from av_tracker_nodes.research.simulation.trajectories import MOUTH_REACH

PARTS = (
    'torso',
    'head',
    *(f'{limb}.{side}' for limb in ('upper_arm', 'fore_arm', 'thigh', 'shin') for side in 'LR'),
)
"""What moves rigidly, in the order of the weights."""

_BONES = {
    'upper_arm': ('upperarm',),
    'fore_arm': ('lowerarm', 'wrist', 'finger', 'metacarpal'),
    'thigh': ('upperleg',),
    'shin': ('lowerleg', 'foot', 'toe'),
}
_FACE_BONES = (
    'head', 'jaw', 'levator', 'eye', 'oculi', 'oris', 'orbicularis', 'risorius', 'temporalis',
    'tongue', 'special',
)  # fmt: skip
_NECK = {'neck01': 0.35, 'neck02': 0.7, 'neck03': 1.0}
_LIMB_JOINTS = {'upper_arm': 'shoulder', 'fore_arm': 'elbow', 'thigh': 'upper-leg', 'shin': 'knee'}

_FABRICS = np.array([
    [0.16, 0.18, 0.25], [0.30, 0.32, 0.35], [0.12, 0.12, 0.13], [0.80, 0.80, 0.78],
    [0.45, 0.56, 0.72], [0.50, 0.15, 0.15], [0.16, 0.32, 0.24], [0.62, 0.52, 0.38],
    [0.72, 0.66, 0.55], [0.35, 0.25, 0.42], [0.22, 0.38, 0.52], [0.55, 0.57, 0.60],
])  # fmt: skip
_TROUSERS = np.array([[0.14, 0.16, 0.22], [0.10, 0.10, 0.11], [0.34, 0.31, 0.27],
                      [0.22, 0.26, 0.36], [0.30, 0.30, 0.31]])  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A person at rest: upright, arms hanging askew, looking along x.

    The origin is on the axis that the head turns about, at the height of the mouth; x forward,
    y left, z up (m).

    Attributes
    ----------
    vertices, normals : np.ndarray, shape (n, 3)
    albedo : np.ndarray, shape (n, 3)
        Share of blue, green and red light that is reflected, 0..1.
    jaw : np.ndarray, shape (n, 3)
        How the vertices move when the jaw opens fully (m).
    blink : np.ndarray, shape (n, 3)
        How the vertices move when the eyes close (m).
    weights : np.ndarray, shape (n, parts)
        How much each of `PARTS` moves a vertex; rows sum to 1.
    triangles : np.ndarray, shape (m, 3)
    lips : np.ndarray, shape (2,)
        Vertices in the middle of the lower and the upper lip; the mouth is between them.
    joints : dict of str to np.ndarray, shape (3,)
        About which the limbs turn.
    """

    vertices: np.ndarray
    normals: np.ndarray
    albedo: np.ndarray
    jaw: np.ndarray
    blink: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray
    lips: np.ndarray
    joints: dict[str, np.ndarray]


def traits_of(identity: int) -> heads.Traits:
    """Tell how the person of an identity looks."""
    return heads.draw_traits(_looks_of(identity))


def build_figure(identity: int, head_scale: float, mouth_height: float) -> Figure:
    """Make the person of an identity.

    Parameters
    ----------
    identity : int
        Seed of the looks.
    head_scale : float
        Size of the head relative to the average.
    mouth_height : float
        Of the mouth above the floor when standing upright (m).

    Raises
    ------
    InputError
        The package that carries the mesh is not installed.
    """
    rng = _looks_of(identity)
    traits = heads.draw_traits(rng)
    surface = Surface(heads.shape(traits), _visible_triangles(), _part_weights())
    surface.colours[:] = traits.skin
    _dress(surface, rng)
    paint_head(surface, traits, np.eye(len(PARTS))[PARTS.index('head')], rng)
    return _scale(surface, heads.mouth(surface.vertices), head_scale, mouth_height)


def _looks_of(identity: int) -> np.random.Generator:
    """Draws the looks of a person: the traits first, then all else."""
    return np.random.default_rng([identity, 0x5EED])


def _scale(surface: Surface, mouth: np.ndarray, head_scale: float, mouth_height: float) -> Figure:
    """Give head and body their sizes, both about the axis that the head turns about."""
    mesh = makehuman.base_mesh()
    pivot = mouth - [MOUTH_REACH, 0, 0]
    body_scale = mouth_height / (mouth[2] - surface.vertices[mesh.members('body'), 2].min())
    head = surface.weights[:, [PARTS.index('head')]]
    sizes = head * head_scale + (1 - head) * body_scale
    # The axis keeps its distance from the lips whatever the size of the head.
    shift = head * [(1 - head_scale) * MOUTH_REACH, 0, 0]
    joints = {
        part: body_scale * (mesh.joint(_joint_name(part), surface.vertices) - pivot)
        for part in PARTS[2:]
    }
    openness = surface.openness()[:, None]
    normals = surface.normals()
    used = np.unique(surface.triangles)
    number = np.zeros(len(surface.vertices), int)
    number[used] = np.arange(used.size)
    return Figure(
        vertices=((surface.vertices - pivot) * sizes + shift)[used],
        normals=normals[used],
        albedo=np.clip(heads.albedo(surface.colours[:, ::-1]) * openness, 0, 1)[used],
        jaw=(_offsets(len(sizes), {'jawOpen': 0.8}) * sizes)[used],
        blink=(_offsets(len(sizes), {'eyeBlinkLeft': 1, 'eyeBlinkRight': 1}) * sizes)[used],
        weights=surface.weights[used],
        triangles=number[surface.triangles],
        lips=number[heads.LIPS],
        joints=joints,
    )


def _joint_name(part: str) -> str:
    limb, side = part.split('.')
    return f'{side.lower()}-{_LIMB_JOINTS[limb]}'


def _offsets(count: int, units: dict[str, float]) -> np.ndarray:
    """Sum of face units (m), shape (count, 3)."""
    offsets = np.zeros((count, 3))
    for name, strength in units.items():
        index, offset = makehuman.morph(f'faceunits/{name}')
        offsets[index] += strength * offset
    return offsets


def _visible_triangles() -> np.ndarray:
    mesh = makehuman.base_mesh()
    lashes = [f'{side}-eyelashes-{lid}' for side in 'lr' for lid in '12']
    groups = ['body', *(f'helper-{name}' for name in ('upper-teeth', 'lower-teeth', *lashes))]
    quads = np.concatenate([mesh.faces[group] for group in groups])
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _part_weights() -> np.ndarray:
    """How much each of `PARTS` moves the vertices of the mesh, shape (n, parts)."""
    columns = [None, makehuman.bone_weights(_FACE_BONES).copy()]
    for neck, share in _NECK.items():
        columns[1] += share * makehuman.bone_weights((neck,))
    for bones in _BONES.values():
        for side in 'LR':
            columns.append(_side_weights(bones, side))
    columns[0] = 1 - sum(columns[1:])
    return np.clip(np.stack(columns, axis=-1), 0, 1)


def _side_weights(bones: tuple[str, ...], side: str) -> np.ndarray:
    left = makehuman.base_mesh().vertices[:, 1] > 0
    return makehuman.bone_weights(bones) * (left if side == 'L' else ~left)


def _dress(surface: Surface, rng: np.random.Generator) -> None:
    """Put on shirt, trousers and shoes, evened out as cloth is."""
    base = makehuman.base_mesh().vertices
    feet = makehuman.bone_weights(('foot', 'toe'))
    hands = makehuman.bone_weights(('wrist', 'finger', 'metacarpal'))
    arms = makehuman.bone_weights(('upperarm', 'lowerarm')) + hands
    head = makehuman.bone_weights(('head', 'jaw', 'neck02', 'neck03'))
    low = base[:, 2] < 0.07
    collar = base[:, 2] < 0.578 - 0.35 * np.clip(base[:, 0] - 0.03, 0, 1)
    shoes = feet > 0.6
    trousers = low & (arms < 0.5) & ~shoes
    shirt = ~trousers & ~shoes & collar & (hands < 0.4) & (head < 0.5)
    clothed = np.intersect1d(
        np.flatnonzero(shirt | trousers | shoes), makehuman.base_mesh().members('body')
    )
    surface.smooth(clothed, 8)
    thickness = np.zeros(len(base))
    thickness[clothed] = 0.006
    surface.inflate(thickness)
    fabric = _FABRICS[rng.integers(len(_FABRICS))] * rng.uniform(0.8, 1.15)
    surface.colours[np.flatnonzero(shirt)] = fabric
    _decorate(surface, shirt, rng)
    surface.colours[np.flatnonzero(trousers)] = _TROUSERS[rng.integers(len(_TROUSERS))]
    surface.colours[np.flatnonzero(shoes)] = 0.1


def _decorate(surface: Surface, shirt: np.ndarray, rng: np.random.Generator) -> None:
    """Leave a shirt plain, or give it stripes, or the lapels of a jacket."""
    base = makehuman.base_mesh().vertices
    style = rng.choice(['plain', 'stripes', 'jacket'], p=[0.5, 0.2, 0.3])
    other = _FABRICS[rng.integers(len(_FABRICS))]
    if style == 'stripes':
        band = 0.5 + 0.5 * np.sin(2 * np.pi * base[:, 2] / rng.uniform(0.10, 0.16))
        surface.blend(other, shirt * band)
    if style == 'jacket':
        opening = 0.45 * (base[:, 2] - rng.uniform(0.25, 0.35)) - np.abs(base[:, 1])
        front = shirt * np.clip(opening / 0.05 + 0.5, 0, 1) * (base[:, 0] > 0.03)
        surface.blend(_FABRICS[3], front)
        if rng.uniform() < 0.4:
            surface.blend(0.7 * other, front * np.clip(2 - np.abs(base[:, 1]) / 0.012, 0, 1))
