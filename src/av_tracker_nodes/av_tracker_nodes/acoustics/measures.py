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

"""Measures: what the maps show of the sound before a stamp.

With ``R_k`` the GCC-PHAT of pair k and ``tau_k(p)`` its delay at a point, every map rests on
``GCF_t(p) = 1/K sum_k R_k,t(tau_k(p))``. It is searched over all depths and all round, and shown
as sGCF, the slice ``sGCF_t(x, y) = GCF_t(x, y, d)`` at the depth d of the highest peak in view; so
sGCF is no measure of its own. The measures differ in what sound they show. Peaks and speech rest
on the frames that are averaged, whatever is shown.

A new measure is a class, and an entry in `MEASURES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.frames import SpectralFrame
from av_tracker_nodes.acoustics.peaks import Survey
from av_tracker_nodes.errors import InputError


@dataclass(frozen=True)
class Shown:
    """What a map shows.

    Attributes
    ----------
    view : Survey
    frames_ago : float
        How long ago that was heard, on average (hops).
    """

    view: Survey
    frames_ago: float


@dataclass(frozen=True)
class Recollection:
    """What a measure chooses from.

    Attributes
    ----------
    frames : sequence of SpectralFrame
        Oldest first, at least as many as the measure looks back.
    prominent : Shown
        What stood out from the noise in the frames that are averaged.
    average : callable
        Survey of the average of some frames, all frequencies alike.
    heights : callable
        The highest coherence in view in each of some frames alone, shape (frames,).
    """

    frames: Sequence[SpectralFrame]
    prominent: Shown
    average: Callable[[Sequence[SpectralFrame]], Survey]
    heights: Callable[[Sequence[SpectralFrame]], np.ndarray]


class Measure(ABC):
    """What the maps show.

    Attributes
    ----------
    name : str
    cuts_out_faces : bool
        The maps of faces are cut out of what is shown, instead of the field of each face: the
        field less the sources that are not its own.
    enhances_faces : bool
        The maps of faces are added to those before them, see `enhancement`.
    """

    name: ClassVar[str]
    cuts_out_faces: ClassVar[bool] = False
    enhances_faces: ClassVar[bool] = False

    def looks_back(self, config: AcousticConfig) -> int:
        """Return how many frames it chooses from."""
        return 1

    @abstractmethod
    def show(self, heard: Recollection, config: AcousticConfig) -> Shown:
        """Choose what is shown."""


class Gcf(Measure):
    """The last frame t."""

    name = 'gcf'
    cuts_out_faces = True

    def show(self, heard: Recollection, config: AcousticConfig) -> Shown:
        """Show the last frame."""
        return Shown(heard.average(heard.frames[-1:]), 0.0)


class StGcf(Measure):
    """The frame t - m with the highest ``(1 - 0.0125 m) max GCF_(t-m)``, m = 0 ... 14.

    So Li, Liu and Tang (2022); or the average of the k best, ``1/k sum GCF_(t-m)``.
    """

    name = 'stgcf'
    cuts_out_faces = True

    def looks_back(self, config: AcousticConfig) -> int:
        """Return how many frames it chooses from."""
        return config.stgcf_frames

    def show(self, heard: Recollection, config: AcousticConfig) -> Shown:
        """Show the frames of the highest peaks in view, the newest preferred."""
        heights = heard.heights(heard.frames[-config.stgcf_frames :])[::-1]
        score = heights * (1 - config.stgcf_decay * np.arange(len(heights)))
        ages = np.argsort(-score, kind='stable')[: config.stgcf_best]
        ages = ages[score[ages] > 0] if score.max() > 0 else ages[:1]
        chosen = [heard.frames[-1 - age] for age in ages]
        return Shown(heard.average(chosen), float(ages.mean()))


class VgGcf(Measure):
    """What stood out from the noise in the last 220 ms, and the field of each face.

    For a face i that is ``vgGCF_i(x, y) = GCF_i(x, y, d)`` over its box, d the range of the peak
    in the volume of the face and ``GCF_i`` the field less the sources that are not its own.
    """

    name = 'vggcf'

    def show(self, heard: Recollection, config: AcousticConfig) -> Shown:
        """Show what stood out."""
        return heard.prominent


class Vwswe(VgGcf):
    """The same, the faces with their history: `enhancement`."""

    name = 'vwswe'
    enhances_faces = True


MEASURES: dict[str, Measure] = {each.name: each for each in (Gcf(), StGcf(), VgGcf(), Vwswe())}
"""By name."""


def find_measure(name: str) -> Measure:
    """Return the measure of a name.

    Raises
    ------
    InputError
        There is none.
    """
    if name not in MEASURES:
        raise InputError(f"unknown measure '{name}': choose one of {', '.join(MEASURES)}")
    return MEASURES[name]
