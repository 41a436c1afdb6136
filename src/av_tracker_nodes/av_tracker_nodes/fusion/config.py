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

"""Numbers of the fusion models, with their meaning and range."""

from __future__ import annotations

from dataclasses import dataclass

from av_tracker_nodes.errors.settings import Settings, number


@dataclass(frozen=True)
class FusionConfig(Settings):
    """What counts as a voice, where it is placed, and for how long a hidden head is looked for.

    Times are in seconds. All of them are live. Thresholds of a network are stored with it.

    Raises
    ------
    InputError
        When a value is out of its range.
    """

    least_speech: float = number(
        0.5, 0.0, 1.0, 'A voice without a face counts from this probability of speech on'
    )
    least_dominance: float = number(
        0.3,
        0.0,
        1.0,
        'Sounds weaker than this share of the strongest one are taken for echoes',
    )
    same_direction: float = number(
        3.0,
        0.1,
        20.0,
        'A sound within so many standard deviations of a face is the voice of that face',
    )
    vague_quality: float = number(
        0.5,
        0.0,
        1.0,
        'Highest quality of a voice of which hardly a direction is known: below birth_quality of '
        'the tracker it is heard only together with somebody who is known already',
    )
    hidden_range_std: float = number(
        0.7,
        0.0,
        5.0,
        'Relative deviation of the range of a voice without a face: who is heard and not seen has '
        'turned away or is hidden, and walls answer as loud as the mouth',
    )
    blind_range_std: float = number(
        0.15, 0.0, 5.0, 'The same where there is no image that could show who is heard'
    )
    head_patience: float = number(
        0.6,
        0.0,
        10.0,
        'Networks look for a head that is not found for this long: somebody may have walked past '
        'it (s)',
    )
    head_memory: float = number(
        10.0, 0.0, 60.0, 'avclnet looks for a head this long after its last face (s)'
    )
