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

"""Heads of many identities: what distinguishes people, and the shape of head and body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from av_tracker_nodes.research.simulation import makehuman

BREADTH, HEIGHT = 0.140, 0.185
"""Bizygomatic breadth and height from chin to hairline (m) of an average adult."""

# Vertices of landmarks: chin, middle of the hairline, of the lower and of the upper lip.
MENTON, TRICHION = 5225, 5243
LIPS = np.array([493, 474])

_ANCESTRIES = ('caucasian', 'asian', 'african')
SKIN = np.array(
    [
        [[0.93, 0.74, 0.64], [0.78, 0.57, 0.46]],
        [[0.93, 0.75, 0.60], [0.74, 0.54, 0.40]],
        [[0.62, 0.43, 0.33], [0.34, 0.22, 0.16]],
    ]
)
"""Lightest and darkest colour of each of the ancestries: (3, 2, 3); people mix them."""
_HAIR = np.array(
    [
        [0.07, 0.06, 0.06],
        [0.16, 0.11, 0.08],
        [0.30, 0.20, 0.13],
        [0.45, 0.32, 0.20],
        [0.72, 0.56, 0.34],
        [0.48, 0.22, 0.10],
    ]
)
_GREY = np.array([0.66, 0.65, 0.63])
_EYES = np.array([[0.22, 0.13, 0.08], [0.30, 0.20, 0.10], [0.27, 0.34, 0.22], [0.30, 0.42, 0.52]])

# Pairs of opposite morphs; {} stands for the side where there are two.
_OPPOSITES = [
    ('chin/chin-height', 'decr', 'incr'), ('chin/chin-width', 'decr', 'incr'),
    ('chin/chin-prominent', 'decr', 'incr'), ('chin/chin-bones', 'decr', 'incr'),
    ('forehead/forehead-scale-vert', 'decr', 'incr'), ('head/head-fat', 'decr', 'incr'),
    ('forehead/forehead-temple', 'decr', 'incr'), ('head/head-scale-vert', 'decr', 'incr'),
    ('head/head-scale-horiz', 'decr', 'incr'), ('head/head-scale-depth', 'decr', 'incr'),
    ('mouth/mouth-scale-horiz', 'decr', 'incr'), ('mouth/mouth-scale-vert', 'decr', 'incr'),
    ('mouth/mouth-upperlip-volume', 'decr', 'incr'), ('mouth/mouth-trans', 'down', 'up'),
    ('mouth/mouth-lowerlip-volume', 'decr', 'incr'), ('mouth/mouth-angles', 'down', 'up'),
    ('nose/nose-scale-vert', 'decr', 'incr'), ('nose/nose-scale-horiz', 'decr', 'incr'),
    ('nose/nose-scale-depth', 'decr', 'incr'), ('nose/nose-width1', 'decr', 'incr'),
    ('nose/nose-width3', 'decr', 'incr'), ('nose/nose-hump', 'decr', 'incr'),
    ('nose/nose-point', 'down', 'up'), ('nose/nose-curve', 'concave', 'convex'),
    ('eyes/{}-eye-scale', 'decr', 'incr'), ('eyes/{}-eye-height2', 'decr', 'incr'),
    ('eyes/{}-eye-trans', 'in', 'out'), ('eyes/{}-eye-corner1', 'down', 'up'),
    ('cheek/{}-cheek-bones', 'decr', 'incr'), ('cheek/{}-cheek-volume', 'decr', 'incr'),
    ('cheek/{}-cheek-inner', 'decr', 'incr'), ('ears/{}-ear-scale', 'decr', 'incr'),
    ('ears/{}-ear-wing', 'decr', 'incr'), ('eyebrows/eyebrows-trans', 'down', 'up'),
    ('eyebrows/eyebrows-angle', 'down', 'up'), ('neck/neck-scale-horiz', 'decr', 'incr'),
]  # fmt: skip
_HEAD_FORMS = ('oval', 'round', 'square', 'rectangular', 'diamond', 'triangular')


@dataclass(frozen=True)
class Traits:
    """How one person looks. Colours are red, green, blue, 0..1.

    Attributes
    ----------
    male : float
        0..1.
    old : float
        0 about 25 years, 1 about 70.
    ancestry : np.ndarray, shape (3,)
        Shares of the three groups of face shapes; sums to 1.
    morphs : dict of str to float
        Strength of the morphs of face, head and body.
    skin, hair, eyes : np.ndarray, shape (3,)
    hair_style : str
        ``bald``, ``cropped``, ``short``, ``bob`` or ``long``.
    hairline : float
        How much higher (m) than average the hair begins.
    beard : float
        0 shaved, to 1 full.
    brows : float
        Darkness of the eyebrows, 0..1.
    lips : float
        Redness of the lips, 0..1.
    glasses : bool
    """

    male: float
    old: float
    ancestry: np.ndarray
    morphs: dict[str, float]
    skin: np.ndarray
    hair: np.ndarray
    eyes: np.ndarray
    hair_style: str
    hairline: float
    beard: float
    brows: float
    lips: float
    glasses: bool


def albedo(colour: np.ndarray) -> np.ndarray:
    """Share of red, green and blue light that is reflected, (..., 3), of colours 0..1."""
    return colour**2.2


def draw_traits(rng: np.random.Generator) -> Traits:
    """Draw a person."""
    male = float(rng.uniform() < 0.5)
    old = rng.uniform(0, 1) ** 1.5
    ancestry = rng.dirichlet([0.35, 0.25, 0.25])
    light, dark = np.tensordot(ancestry, SKIN, axes=1)
    grey = np.clip(2.2 * old - 1.2 + rng.normal(0, 0.2), 0, 1)
    shades = _HAIR if ancestry[0] > 0.5 else _HAIR[:2]
    eyes = _EYES if ancestry[0] > 0.5 else _EYES[:1]
    styles = ['bald', 'cropped', 'short', 'bob', 'long']
    chances = [0.14, 0.33, 0.43, 0.07, 0.03] if male else [0.01, 0.03, 0.22, 0.36, 0.38]
    return Traits(
        male=male,
        old=old,
        ancestry=ancestry,
        morphs=_draw_morphs(rng),
        skin=light + rng.uniform(0, 1) * (dark - light),
        hair=(1 - grey) * shades[rng.integers(len(shades))] + grey * _GREY,
        eyes=eyes[rng.integers(len(eyes))],
        hair_style=str(rng.choice(styles, p=chances)),
        hairline=rng.normal(0.0, 0.004) + male * old * rng.uniform(0, 0.02),
        beard=male * (rng.uniform() < 0.35) * rng.uniform(0.3, 1.0),
        brows=rng.uniform(0.5, 0.9),
        lips=rng.uniform(0.25, 0.5) if male else rng.uniform(0.35, 1.0),
        glasses=bool(rng.uniform() < 0.25),
    )


def _draw_morphs(rng: np.random.Generator) -> dict[str, float]:
    morphs = {f'head/head-{rng.choice(_HEAD_FORMS)}': rng.uniform(0, 0.4)}
    for name, less, more in _OPPOSITES:
        strength = float(np.clip(rng.normal(0, 0.25), -0.6, 0.6))
        end = more if strength > 0 else less
        for side in ('l', 'r') if '{}' in name else ('',):
            morphs[f'{name.format(side)}-{end}'] = abs(strength)
    return morphs


def shape(traits: Traits) -> np.ndarray:
    """Morph the mesh of MakeHuman into a person whose face has average size.

    Identities differ in form, not in size, so that the size of a head is `Person.head_scale`
    alone: breadth times height of the face is that of an average adult.

    Returns
    -------
    np.ndarray, shape (n, 3)
        All vertices of the mesh (m).
    """
    vertices = makehuman.base_mesh().vertices.copy()
    sex = {'male': traits.male, 'female': 1 - traits.male}
    age = {'old': traits.old, 'young': 1 - traits.old}
    for ancestry, share in zip(_ANCESTRIES, traits.ancestry, strict=True):
        for s in sex:
            for a in age:
                name = f'macrodetails/{ancestry}-{s}-{a}'
                _add(vertices, name, share * sex[s] * age[a])
    for name, strength in traits.morphs.items():
        _add(vertices, name, strength)
    return vertices * (np.sqrt(BREADTH * HEIGHT) / np.sqrt(np.prod(face_size(vertices))))


def face_size(vertices: np.ndarray) -> tuple[float, float]:
    """Bizygomatic breadth, and height from chin to hairline (m)."""
    base = makehuman.base_mesh().vertices
    cheek = (np.abs(base[:, 2] - 0.715) < 0.012) & (base[:, 0] > 0.075)
    face = np.flatnonzero(cheek & (makehuman.mask('ears') < 0.1))
    face = np.intersect1d(face, makehuman.base_mesh().members('body'))
    breadth = np.ptp(vertices[face, 1])
    return breadth, float(np.linalg.norm(vertices[TRICHION] - vertices[MENTON]))


def mouth(vertices: np.ndarray) -> np.ndarray:
    """Centre of the lips (m), shape (3,), of a mesh at rest."""
    return vertices[LIPS].mean(axis=0)


def _add(vertices: np.ndarray, name: str, strength: float) -> None:
    if strength > 0:
        index, offset = makehuman.morph(name)
        vertices[index] += strength * offset
