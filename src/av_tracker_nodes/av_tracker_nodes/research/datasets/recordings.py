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

"""Recordings of any corpus."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.cav3d import Cav3d
from av_tracker_nodes.research.datasets.corpus import Corpus, Recording

CORPORA: tuple[type[Corpus], ...] = (Cav3d, Av163)
"""All that can be read; whatever no other one knows is taken for the last."""


def open_corpus(root: str | Path) -> Corpus:
    """Open a directory of sequences of any of `CORPORA`.

    Raises
    ------
    InputError
        When there is no such directory.
    """
    corpora = (corpus(root) for corpus in CORPORA[:-1])
    return next((corpus for corpus in corpora if corpus.sequences()), CORPORA[-1](root))


def open_recording(directory: str | Path) -> Recording:
    """Open the folder of a sequence of any of `CORPORA`.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    directory = Path(directory)
    corpora = (corpus for corpus in CORPORA[:-1] if corpus.holds(directory))
    return next(corpora, CORPORA[-1]).open(directory)
