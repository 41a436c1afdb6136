# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""JSON files that appear under their names only when they are whole."""

from __future__ import annotations

import json
from pathlib import Path


def write_json(path: Path, content: dict | list) -> None:
    """Write a JSON file that appears only when it is whole."""
    partial_path(path).write_text(json.dumps(content, indent=2) + '\n')
    partial_path(path).rename(path)


def partial_path(path: Path) -> Path:
    """Name beside `path`, hidden, of a file that is being written."""
    return path.with_name(f'.{path.name}.partial')
