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

"""Results that are not made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from av_tracker_nodes.recordings.json_files import write_json


def kept(path: Path, make: Callable[[], dict]) -> dict[str, Any]:
    """Read a JSON file, which is made first where it is missing."""
    if not path.exists():
        result = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, result)
    return json.loads(path.read_text(encoding='utf-8'))
