# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""YAML with the numbers that drivers write."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Takes ``5e2`` and ``-.5`` for numbers, as YAML 1.2 does; for PyYAML they are texts."""


_Loader.add_implicit_resolver(
    'tag:yaml.org,2002:float',
    re.compile(r'[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$'),
    list('-+.0123456789'),
)


def load_yaml(text: str) -> Any:
    """Read a YAML document of plain values.

    Raises
    ------
    yaml.YAMLError
        It is not YAML.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
