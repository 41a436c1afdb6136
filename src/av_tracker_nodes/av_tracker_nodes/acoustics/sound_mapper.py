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

"""Sound in, block by block, and the acoustic map of any stamp that it covers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

import numpy as np

from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.measures import find_measure
from av_tracker_nodes.acoustics.stage import AcousticStage, OneMicrophoneStage, acoustic_stage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.types import NANOSECONDS, AcousticMap, AudioBlock, FaceFrame

_MOST_HELD = 200
"""Blocks that are kept until it is known where the sensors are."""


class SoundMapper:
    """Maps the sound that it is given at the stamps that it is asked for.

    Sound comes either when it likes, by :meth:`hear` or :meth:`offer`, or from a source that can
    wait, of which no more is read than a stamp needs. As long as nobody has said where the sensors
    are, blocks are held, in order, the latest 200 of them.

    Parameters
    ----------
    measure : str
        What the maps show: one of `measures`.
    rig : Rig, optional
        Where the sensors are; else :meth:`use` says so.
    source : iterable of AudioBlock
        Sound that can wait.
    backend : str
        ``auto``, ``cuda`` or ``numba``.
    config : AcousticConfig, optional
    rehearses : bool
        Map noise with a stage of the same kind before the first one is used, so that all that is
        compiled or set up at first use is.

    Attributes
    ----------
    stage : AcousticStage or OneMicrophoneStage or None
        Made as soon as it is known where the sensors are.
    refused : Counter of str
        Blocks that could not be heard, by the reason.

    Raises
    ------
    InputError
        If the rig, the measure or the backend cannot be used.
    """

    def __init__(
        self,
        measure: str = 'vggcf',
        rig: Rig | None = None,
        source: Iterable[AudioBlock] = (),
        *,
        backend: str = 'auto',
        config: AcousticConfig | None = None,
        rehearses: bool = False,
    ) -> None:
        self.stage: AcousticStage | OneMicrophoneStage | None = None
        self.refused: Counter[str] = Counter()
        self._measure = find_measure(measure).name
        self._backend = backend
        self._config = config or AcousticConfig()
        self._rehearses = rehearses
        self._source = iter(source)
        self._held: deque[AudioBlock] = deque(maxlen=_MOST_HELD)
        self._rig: Rig | None = None
        self._is_placed = False
        self.use(rig)

    def use(self, rig: Rig | None) -> None:
        """Say where the sensors are from now on; None while nobody knows.

        Raises
        ------
        InputError
            If the rig cannot be used.
        """
        if rig is not None and rig is not self._rig:
            self._is_placed, self._rig = False, rig
            self._take_over(rig)
        self._is_placed = rig is not None and self.stage is not None

    def reconfigure(self, config: AcousticConfig) -> None:
        """Go on with other numbers; see :meth:`AcousticStage.reconfigure`."""
        if self.stage is not None:
            self.stage.reconfigure(config)
        self._config = config

    def hear(self, block: AudioBlock) -> bool:
        """Take a block in, or hold it.

        Returns
        -------
        bool
            True if the stream has begun anew with it; see :meth:`AcousticStage.add`.

        Raises
        ------
        InputError
            If it cannot be heard; it is counted as `refused`.
        """
        if self.stage is None:
            self._held.append(block)
            return False
        try:
            return self.stage.add(block)
        except InputError as error:
            self.refused[str(error)] += 1
            raise

    def offer(self, block: AudioBlock) -> bool:
        """Take a block in that costs itself alone where it cannot be heard; tell if it can."""
        try:
            self.hear(block)
        except InputError:
            return False
        return True

    def prepare(self, stamp: int) -> None:
        """Do the part of :meth:`map` that needs no faces; it does not have to be called."""
        if self._is_placed:
            self.stage.prepare(stamp)

    def map(self, faces: FaceFrame, from_image: bool = True) -> AcousticMap:
        """Map the sound that ends at the stamp of an image; see :meth:`AcousticStage.process`.

        The map is blank while it is not known where the sensors are.

        Raises
        ------
        InputError
            The source has a block that cannot be heard, or there are faces and no camera.
        """
        if not self._is_placed:
            return AcousticMap.blank(faces.stamp, self._measure, from_image)
        self._read_until(faces.stamp)
        return self.stage.process(faces, from_image)

    def intruders(self) -> dict[int, str]:
        """Channels that are no microphones, and why; see `processed_channels`."""
        return self.stage.intruders() if self.stage is not None else {}

    def reset(self) -> None:
        """Forget all sound that has come."""
        self._held.clear()
        if self.stage is not None:
            self.stage.reset()

    def _take_over(self, rig: Rig) -> None:
        if self.stage is not None:
            self.stage.set_rig(rig)
            return
        if self._rehearses:
            _rehearse(self._stage_for(rig), rig)
        self.stage = self._stage_for(rig)
        while self._held:
            self.offer(self._held.popleft())

    def _read_until(self, stamp: int) -> None:
        """Read the source until it covers a stamp (ns), or ends."""
        while not self.stage.covers(stamp):
            block = next(self._source, None)
            if block is None:
                return
            self.hear(block)

    def _stage_for(self, rig: Rig) -> AcousticStage | OneMicrophoneStage:
        return acoustic_stage(rig, self._measure, self._backend, self._config)


def _rehearse(stage: AcousticStage | OneMicrophoneStage, rig: Rig) -> None:
    """Map a second of noise."""
    rate, channels = rig.microphones.rate, int(rig.microphones.channels.max()) + 1
    noise = 0.01 * np.random.default_rng(0).standard_normal((rate, channels))
    stage.add(AudioBlock(0, 0, rate, noise.astype(np.float32)))
    stage.process(FaceFrame(NANOSECONDS, rig.camera.size if rig.camera else (0, 0)))
