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

"""Groups of people who look alike in one respect.

Who cannot be told in some respect, such as by the colour of the hair without any, belongs to no
group there, and is not among the others that a group is compared with.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from av_tracker_nodes.research.simulation.heads import SKIN, Traits, albedo

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Shares of red, green and blue (ITU-R BT.709)."""
_DARK_HAIR = 0.12
"""Albedo luminance below which hair is dark: black, brown and red."""
_GREY = 0.3
"""Saturation, (max - min) / max, below which hair that is not dark is grey rather than fair."""
_OLD = 0.5
"""`Traits.old` of about 48 years."""


def luminance(colour: np.ndarray) -> np.ndarray:
    """Luminance of the albedo, 0..1, shape (...), of colours (..., 3): red, green, blue, 0..1."""
    return albedo(np.asarray(colour, float)) @ _LUMINANCE


SKIN_BOUNDS = np.linspace(luminance(SKIN).min(), luminance(SKIN).max(), 4)
"""Albedo luminance of the darkest skin there is, of the borders of its thirds, and of the
lightest."""

SKIN_GROUPS = tuple(
    f'{third}, {low:.2f} to {high:.2f}'
    for third, low, high in zip(
        ('dark', 'medium', 'light'), SKIN_BOUNDS, SKIN_BOUNDS[1:], strict=False
    )
)


def skin_group(traits: Traits) -> str:
    """Third of the range of skin tones."""
    return SKIN_GROUPS[int(np.searchsorted(SKIN_BOUNDS[1:-1], luminance(traits.skin), 'right'))]


def hair_colour(traits: Traits) -> str | None:
    """Dark, fair or grey; None of the bald."""
    if traits.hair_style == 'bald':
        return None
    if luminance(traits.hair) < _DARK_HAIR:
        return 'dark'
    is_grey = np.ptp(traits.hair) < _GREY * traits.hair.max()
    return 'grey' if is_grey else 'fair'


def beard(traits: Traits) -> str | None:
    """Beard of a man; None of a woman."""
    if traits.male == 0:
        return None
    return 'with a beard' if traits.beard > 0 else 'shaved'


GROUPINGS: dict[str, tuple[Callable[[Traits], str | None], tuple[str, ...]]] = {
    'skin': (skin_group, SKIN_GROUPS),
    'hair': (lambda traits: traits.hair_style, ('bald', 'cropped', 'short', 'bob', 'long')),
    'hair colour': (hair_colour, ('dark', 'fair', 'grey')),
    'men': (beard, ('shaved', 'with a beard')),
    'eyes': (
        lambda traits: 'with glasses' if traits.glasses else 'without',
        ('without', 'with glasses'),
    ),
    'sex': (lambda traits: 'male' if traits.male else 'female', ('female', 'male')),
    'age': (
        lambda traits: 'above 48' if traits.old >= _OLD else 'below 48',
        ('below 48', 'above 48'),
    ),
}
"""Respects in which people differ: group of a person, and all groups."""
