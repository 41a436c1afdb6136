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

"""Which simulated scenes may be used for what: decided by the seed alone."""

from __future__ import annotations

from enum import Enum

from av_tracker_nodes import InputError


class Split(Enum):
    """Use of a scene; voices and faces of one split never appear in another."""

    TRAIN = 'train'
    VALIDATION = 'validation'
    TEST = 'test'

    @classmethod
    def of_seed(cls, seed: int) -> Split:
        """Return the split of a seed: below 1000, below 2000, and above."""
        if seed < 0:
            raise InputError(f'seed {seed}: seeds start at 0')
        if seed < 1000:
            return cls.TRAIN
        return cls.VALIDATION if seed < 2000 else cls.TEST
