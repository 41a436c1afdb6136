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

"""Every table that a corpus has the recordings for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.protocols import PROTOCOLS, Protocol
from av_tracker_nodes.research.datasets.recordings import open_corpus
from av_tracker_nodes.research.datasets.sequence_names import short_name
from av_tracker_nodes.research.experiments.reproduction.command import reproduce
from av_tracker_nodes.research.experiments.reproduction.reproduction_page import (
    Report,
    write_overview,
)
from av_tracker_nodes.research.experiments.reproduction.runs import Entry
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.simulation.stand_ins import represented_corpus

ALL = 'all'


def reproduce_all(
    root: Path,
    entries: Sequence[Entry],
    out: Path,
    jobs: int,
    progress_bar: ProgressBar,
    ablations: Sequence[Path] = (),
) -> list[Report]:
    """Reproduce the protocols of a corpus, each in a folder of its name, and write an overview.

    What several protocols ask for is tracked once.

    Parameters
    ----------
    root, entries, out, jobs, progress_bar, ablations
        See `command.reproduce`.

    Raises
    ------
    InputError
        When there is no such corpus or model, or nothing of any protocol.
    """
    reports = [
        reproduce(
            protocol.name,
            root,
            entries,
            out / protocol.name,
            jobs,
            progress_bar,
            ablations,
            out / 'runs',
        )
        for protocol in protocols_of(root)
    ]
    write_overview(reports, out)
    return reports


def protocols_of(root: Path) -> list[Protocol]:
    """Find the protocols that a corpus has a sequence of; those of stand-ins for stand-ins only.

    Raises
    ------
    InputError
        When there is none.
    """
    corpus = open_corpus(root)
    there = {short_name(full): full for full in corpus.sequences()}
    name = represented_corpus(corpus)
    simulated = any(corpus.sequence(full).simulated for full in there.values())
    found = [
        protocol
        for protocol in PROTOCOLS.values()
        if protocol.corpus == name
        and not there.keys().isdisjoint(protocol.sequences)
        and (simulated or protocol.publication is not None)
    ]
    if not found:
        raise InputError(f'{root} holds no sequence of any protocol of {name}')
    return found
