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

"""What the chain may cost: parameters of several nodes that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

PROFILES: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        'full': {'face_detector': {}, 'acoustic_map': {}},
        'small': {
            'face_detector': {'max_rate': 12.5, 'scale': 1.25},
            'acoustic_map': {'max_rate': 12.5, 'columns': 60},
        },
    }
)
"""Parameters by profile and node, where they are not the defaults: ``small`` halves the cost."""
