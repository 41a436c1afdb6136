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

"""Recordings of any corpus: what they have in common."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.research.datasets import cav3d
from av_tracker_nodes.research.datasets.av163 import Av163, open_sequence
from av_tracker_nodes.research.datasets.av163_sequence import Sequence
from av_tracker_nodes.research.datasets.cav3d import Cav3d, Cav3dSequence

Corpus = Av163 | Cav3d
"""A directory of sequences."""

Recording = Sequence | Cav3dSequence
"""A sequence: sensors and truth on one clock, both classes with the same methods."""


def open_corpus(root: str | Path) -> Corpus:
    """Open a directory of sequences of AV16.3 or CAV3D.

    Raises
    ------
    InputError
        When there is no such directory.
    """
    corpus = Cav3d(root)
    return corpus if corpus.sequences() else Av163(root)


def open_recording(directory: str | Path) -> Recording:
    """Open the folder of a sequence of AV16.3 or CAV3D.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    directory = Path(directory)
    return Cav3dSequence(directory) if cav3d.is_sequence(directory) else open_sequence(directory)
