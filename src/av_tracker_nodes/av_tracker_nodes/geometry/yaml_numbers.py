# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""YAML with the numbers that drivers write."""

from __future__ import annotations

import re
from typing import Any

import yaml

_NUMBER = re.compile(r'[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+')


def load_yaml(text: str) -> Any:
    """Read a YAML document of plain values; ``5e2`` is a number, as in YAML 1.2.

    Raises
    ------
    yaml.YAMLError
        It is not YAML.
    """
    return _with_numbers(yaml.safe_load(text))


def _with_numbers(value: Any) -> Any:
    """Turn texts that PyYAML, which reads YAML 1.1, does not take for numbers into them."""
    if isinstance(value, dict):
        return {name: _with_numbers(content) for name, content in value.items()}
    if isinstance(value, list):
        return [_with_numbers(content) for content in value]
    is_number = isinstance(value, str) and _NUMBER.fullmatch(value)
    return float(value) if is_number else value
