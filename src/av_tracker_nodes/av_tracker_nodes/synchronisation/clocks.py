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

"""Clocks of sound and images: one that is shared, shifted by a constant, or apart."""

from __future__ import annotations

from dataclasses import replace

from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

_APART = to_nanoseconds(10.0)
"""Stamps that come at the same time and differ by more than this (ns) are of two clocks."""

_PROOFS = 5


def shift_sound(record: AudioBlock | ImageFrame, seconds: float) -> AudioBlock | ImageFrame:
    """Add the audio offset (s) to the stamp of a block of sound; images stay as they are.

    It makes up for a constant difference between the clocks of sound and images, as
    ``av-tracker check sync`` measures it.
    """
    if not isinstance(record, AudioBlock) or seconds == 0:
        return record
    return replace(record, stamp=record.stamp + to_nanoseconds(seconds))


class SharedClock:
    """Tells whether sound and images have one clock.

    They have not where the one that arrives is far behind the other. One that is far ahead proves
    nothing: the other may just have stopped. As long as they never agreed the first proof counts;
    after that it takes five in a row, so that no single wrong stamp parts them. They are together
    again when their stamps agree again, or when the sound has gone on for 10 s without an image.

    Attributes
    ----------
    is_apart : bool
    """

    def __init__(self) -> None:
        self._proofs_needed = 1
        self.restart()

    def restart(self) -> None:
        """Forget the stamps, as after a jump back."""
        self.is_apart = False
        self._image: int | None = None
        self._sound: int | None = None
        self._sound_at_image: int | None = None
        self._proofs = 0

    @property
    def has_image(self) -> bool:
        """Whether an image has come, and neither a jump nor 10 s of another clock after it."""
        return self._image is not None

    def see(self, stamp: int) -> None:
        """Take the stamp of an image that has come (ns)."""
        self._image, self._sound_at_image = stamp, self._sound
        if self._sound is not None:
            self._judge(self._sound - stamp)

    def hear(self, stamp: int) -> None:
        """Take the end of a block of sound that has come (ns)."""
        self._sound = stamp
        if self._image is None:
            return
        if self._sound_at_image is None:
            self._sound_at_image = stamp
        if self.is_apart and abs(stamp - self._sound_at_image) > _APART:
            self.restart()
            return
        self._judge(self._image - stamp)

    def _judge(self, behind: int) -> None:
        if abs(behind) <= _APART:
            self._proofs, self._proofs_needed = 0, _PROOFS
        elif behind > 0:
            self._proofs += 1
        self.is_apart = self._proofs >= self._proofs_needed
