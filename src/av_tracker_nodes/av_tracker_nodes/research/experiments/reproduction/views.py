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

"""The recordings of a protocol: each sequence with each camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av_tracker_nodes import InputError
from av_tracker_nodes.research.datasets.corpus import Recording
from av_tracker_nodes.research.datasets.protocols import Protocol
from av_tracker_nodes.research.datasets.recordings import open_corpus, open_recording
from av_tracker_nodes.research.datasets.sequence_names import short_name


@dataclass(frozen=True)
class View:
    """A sequence as one camera sees it.

    Attributes
    ----------
    directory : Path
        Of the sequence.
    camera : int
    run : str
        Name in tables, ``seq24-cam1``.
    """

    directory: Path
    camera: int
    run: str

    def open(self) -> Recording:
        """Open the sequence."""
        return open_recording(self.directory)


def run_names(protocol: Protocol) -> list[str]:
    """Names of all runs of a protocol, in order."""
    return [f'{name}-cam{camera}' for name in protocol.sequences for camera in protocol.cameras]


def find_views(protocol: Protocol, root: Path) -> tuple[list[View], list[str]]:
    """Find the recordings of a protocol.

    The stand-ins of CAV3D are recorded with the first camera of AV16.3, which takes the place of
    camera 5.

    Returns
    -------
    views : list of View
    missing : list of str
        Runs whose sequences are not there.

    Raises
    ------
    InputError
        When there is no such corpus, or nothing of the protocol in it.
    """
    corpus, views = open_corpus(root), []
    there = {short_name(name): name for name in corpus.sequences()}
    for name in protocol.sequences:
        if name not in there:
            continue
        recording = corpus.sequence(there[name])
        replaced = recording.simulated and not set(protocol.cameras) & set(recording.cameras)
        for camera in protocol.cameras:
            taken = recording.cameras[0] if replaced else camera
            views.append(View(recording.directory, taken, f'{name}-cam{camera}'))
    if not views:
        raise InputError(f'{root} holds no sequence of {protocol.name}: {protocol.sequences}')
    found = {view.run for view in views}
    return views, [run for run in run_names(protocol) if run not in found]
