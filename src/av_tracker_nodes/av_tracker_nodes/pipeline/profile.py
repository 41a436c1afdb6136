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

"""Rates and sizes that decide what the chain costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.synchronisation import MAX_RATE
from av_tracker_nodes.vision.yunet import SCALE


@dataclass(frozen=True)
class Profile:
    """What the chain may cost.

    Attributes
    ----------
    max_rate : float
        Images looked at in a second at most (Hz); 0 for all.
    scale : float
        By which images are enlarged to find small faces.
    acoustics : AcousticConfig
    """

    max_rate: float = MAX_RATE
    scale: float = SCALE
    acoustics: AcousticConfig = field(default_factory=AcousticConfig)

    @classmethod
    def of(cls, parameters: Mapping[str, Mapping[str, Any]]) -> Profile:
        """Return the profile that nodes with these parameters, by node, have."""
        vision = dict(parameters['face_detector'])
        sound = dict(parameters['acoustic_map'])
        # That of the acoustic map follows.
        sound.pop('max_rate', None)
        return cls(**vision, acoustics=AcousticConfig(**sound))
