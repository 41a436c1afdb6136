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

"""Settings of the stages say what they mean, and refuse what they must not be."""

from dataclasses import dataclass, fields, replace

import pytest

from av_tracker_nodes.acoustics import AcousticConfig
from av_tracker_nodes.association import TrackerConfig
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.settings import Settings, choice, number, numbers, switch

KINDS = (AcousticConfig, TrackerConfig)
EACH = [
    pytest.param(kind, each, id=f'{kind.__name__}-{each.name}')
    for kind in KINDS
    for each in fields(kind)
]
BOUNDED = [each for each in EACH if 'low' in each.values[1].metadata]


@dataclass(frozen=True)
class Oven(Settings):
    """A stage that bakes."""

    heat: float = number(180.0, 50.0, 250.0, 'Of the air (deg)')
    trays: int = number(2, 1, 4, 'In use', live=False)
    window: tuple[float, float] = numbers((0.0, 1.0), 0.0, 9.0, 'From when to when')
    air: str = choice('still', ('still', 'fan'), 'How it moves')
    lit: bool = switch(True, 'Whether the lamp is on', live=False)


@pytest.mark.parametrize(('kind', 'each'), EACH)
def test_every_setting_is_described_and_its_default_is_allowed(kind, each):
    assert each.metadata['description'].strip('.') == each.metadata['description']
    assert isinstance(each.metadata['live'], bool)
    if not isinstance(each.default, bool):
        assert 'choices' in each.metadata or each.metadata['low'] < each.metadata['high']
    assert getattr(kind(), each.name) == each.default


@pytest.mark.parametrize(('kind', 'each'), BOUNDED)
@pytest.mark.parametrize('beyond', ['below', 'above', 'nan'])
def test_no_number_is_beyond_its_range(kind, each, beyond):
    low, high = each.metadata['low'], each.metadata['high']
    value = {'below': low - 1, 'above': high + 1, 'nan': float('nan')}[beyond]
    if isinstance(each.default, tuple):
        value = (*each.default[:-1], value)
    with pytest.raises(InputError, match=f'{each.name} must be within'):
        kind(**{each.name: value})


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'heat': 49.9}, 'heat must be within 50 and 250, got 49.9'),
        ({'trays': 2.5}, 'trays must be a whole number, got 2.5'),
        ({'window': (1.0,)}, 'window must have 2 values, got 1'),
        ({'window': (1.0, 10.0)}, 'window must be within 0 and 9, got 10.0'),
        ({'air': 'steam'}, "air is 'steam'; it must be one of still, fan"),
    ],
)
def test_what_is_refused_is_told(values, message):
    with pytest.raises(InputError, match=message):
        Oven(**values)


@pytest.mark.parametrize(
    ('values', 'fixed'),
    [
        ({'heat': 200.0, 'window': (1.0, 2.0), 'air': 'fan'}, None),
        ({'heat': 200.0, 'trays': 3}, 'trays cannot change'),
        ({'trays': 3, 'lit': False}, 'trays, lit cannot change'),
    ],
)
def test_only_what_is_live_changes(values, fixed):
    old = Oven()
    if fixed is None:
        old.check_change(replace(old, **values))
    else:
        with pytest.raises(InputError, match=fixed):
            old.check_change(replace(old, **values))


@pytest.mark.parametrize(
    ('kind', 'values', 'message'),
    [
        (AcousticConfig, {'band': (3000.0, 300.0)}, 'band must be the lower value'),
        (AcousticConfig, {'face_range_limits': (2.0, 2.0)}, 'face_range_limits must be'),
        (AcousticConfig, {'min_range': 3.0, 'max_range': 2.0}, 'min_range must be below'),
        (AcousticConfig, {'stgcf_best': 9, 'stgcf_frames': 8}, 'stgcf_best must not be above'),
        (TrackerConfig, {'speaking_on': 0.3}, 'speaking_off must not be above speaking_on'),
    ],
)
def test_settings_are_held_against_each_other(kind, values, message):
    with pytest.raises(InputError, match=message):
        kind(**values)
