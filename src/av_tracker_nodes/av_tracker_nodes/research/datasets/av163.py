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

"""Reader of the AV16.3 corpus, and of everything laid out like it."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.av163_files import is_sequence
from av_tracker_nodes.research.datasets.av163_sequence import Sequence
from av_tracker_nodes.research.datasets.corpus import Corpus
from av_tracker_nodes.research.datasets.protocols import AV163


def open_sequence(directory: str | Path) -> Sequence:
    """Open the folder of a sequence.

    Raises
    ------
    InputError
        When there is no such folder.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(f'no sequence folder {directory}')
    return Sequence(directory)


class Av163(Corpus):
    """The corpus."""

    name = AV163
    open = staticmethod(open_sequence)
    holds = staticmethod(is_sequence)
