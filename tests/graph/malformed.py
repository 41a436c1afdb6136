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

"""Hypothesis strategies of messages that no sensible node would send."""

import copy
import math
from array import array
from importlib import import_module

import numpy as np
from hypothesis import strategies as st

FLOATS = st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e-300, 1e30]) | st.floats()
SIZES = st.sampled_from([0, 1, 2, 3, 1000, 70_000])
"""Of sequences: few are long, as they take time."""


def mutated(message):
    """Draw copies of a message in which up to three of its fields, however deep, are others."""
    places = st.lists(st.sampled_from(_places(message)), min_size=1, max_size=3)

    @st.composite
    def draw_copy(draw):
        result = copy.deepcopy(message)
        for *way, name in draw(places):
            owner = result
            try:
                for step in way:
                    owner = owner[step] if isinstance(step, int) else getattr(owner, step)
            except IndexError:
                continue  # A sequence has become shorter.
            kind = owner.get_fields_and_field_types()[name]
            setattr(owner, name, draw(_values(kind, getattr(owner, name))))
        return result

    return draw_copy()


def _places(message):
    """Ways to all fields: names, and indices into sequences of messages."""
    places = []
    for name in message.get_fields_and_field_types():
        value = getattr(message, name)
        places.append((name,))
        if hasattr(value, 'get_fields_and_field_types'):
            places += [(name, *rest) for rest in _places(value)]
        elif isinstance(value, list):
            for index, each in enumerate(value[:1]):
                if hasattr(each, 'get_fields_and_field_types'):
                    places += [(name, index, *rest) for rest in _places(each)]
    return places


def _values(kind, present):
    """Values of a type as messages name it, such as sequence<uint8>, double[9], pkg/Name."""
    if kind.startswith('sequence<'):
        return SIZES.flatmap(lambda size: _sequence(kind[9:-1], size))
    if kind.endswith(']'):
        element, _, size = kind[:-1].partition('[')
        return st.lists(_values(element, None), min_size=int(size), max_size=int(size)).map(
            lambda values: np.array(values, np.float64)
        )
    if kind in ('double', 'float'):
        return FLOATS.filter(lambda x: kind == 'double' or not 3e38 < abs(x) < math.inf)
    if kind == 'boolean':
        return st.booleans()
    if kind == 'string':
        return st.sampled_from(['', 'x', 'world', '/', 'bgr8', 'mono16', 'S16LE', 'vggcf']) | (
            st.text(st.characters(codec='ascii', exclude_characters='\0'), max_size=300)
        )
    if kind in ('octet', 'char') or kind.removeprefix('u').startswith('int'):
        bits = int(''.join(c for c in kind if c.isdigit()) or 8)
        low = -(2 ** (bits - 1)) if kind.startswith('int') else 0
        high = low + 2**bits - 1
        return st.sampled_from([low, 0, 1, high]) | st.integers(low, high)
    return st.just(present) if present is not None else st.just(_make(kind))


def _sequence(kind, size):
    """A sequence of one value over and over: what is wrong with it is its size, or that value."""
    codes = {'uint8': 'B', 'uint16': 'H', 'float': 'f', 'double': 'd'}
    values = _values(kind, None)
    if kind in codes:
        return values.map(lambda value: array(codes[kind], [value]) * size)
    return values.map(lambda value: [value] * min(size, 1000))


def _make(kind):
    package, _, name = kind.partition('/')
    return getattr(import_module(f'{package}.msg'), name)()
