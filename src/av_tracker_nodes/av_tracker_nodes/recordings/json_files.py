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

"""JSON files that appear under their names only when they are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import read_text


def write_json(path: Path, content: dict | list) -> None:
    """Write a JSON file that appears only when it is whole."""
    partial_path(path).write_text(json.dumps(content, indent=2) + '\n')
    partial_path(path).rename(path)


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read the names and values of a JSON file; `what` it is, in the words of messages.

    Raises
    ------
    InputError
        It cannot be read, or holds something else.
    """
    try:
        content = json.loads(read_text(path, what))
    # Numbers of thousands of digits, and what is nested as deeply, are no ValueError of JSON.
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{what} {path} is no JSON: {error}') from error
    if not isinstance(content, dict):
        raise InputError(f'{what} {path} must hold names and values')
    return content


def partial_path(path: Path) -> Path:
    """Name beside `path`, hidden, of a file that is being written."""
    return path.with_name(f'.{path.name}.partial')
