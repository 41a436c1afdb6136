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

"""Full and short names of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from av_tracker_nodes import InputError


def short_name(sequence: str) -> str:
    """Return ``seq24`` for ``seq24-2p-0111``."""
    return sequence.partition('-')[0]


def find_sequence(names: Sequence[str], name: str, root: Path) -> str:
    """Full name of the sequence that a full or short name stands for.

    Parameters
    ----------
    names : sequence of str
        Full names of those that are there.
    name : str
    root : Path
        Where they are, for the message.

    Raises
    ------
    InputError
        When there is none, or more than one.
    """
    found = [known for known in names if known == name]
    found = found or [known for known in names if short_name(known) == name]
    if len(found) != 1:
        there = ', '.join(found or names) or 'no sequence'
        problem = 'is ambiguous' if found else 'is unknown'
        raise InputError(f"sequence '{name}' {problem}; {root} holds {there}")
    return found[0]
