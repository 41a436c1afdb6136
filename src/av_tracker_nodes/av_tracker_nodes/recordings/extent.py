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

"""How much of a recording a replay was asked to play, and how much it played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ENDLESS = 'endless'


@dataclass(frozen=True)
class Extent:
    """What was asked of a player, and what it has done.

    Attributes
    ----------
    asked : int or None
        Images of the recording, as often as it was to be played; None for again and again.
    played : int
        Images that were sent.
    ended : bool
        Everything was sent, and answered as far as it ever will be.
    answered : int
        Images that were answered.
    """

    asked: int | None
    played: int = 0
    ended: bool = False
    answered: int = 0

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> Extent | None:
        """Read what :meth:`as_values` says from diagnostics; None where they say nothing."""
        if 'images asked' not in values:
            return None
        asked = values['images asked']
        return cls(
            None if asked == _ENDLESS else int(asked),
            int(values['images played']),
            values['ended'] == 'True',
            int(values['images answered']),
        )

    def as_values(self) -> dict[str, Any]:
        """Return what the diagnostics of the player say of it."""
        asked = _ENDLESS if self.asked is None else self.asked
        return {
            'images asked': asked,
            'images played': self.played,
            'images answered': self.answered,
            'ended': self.ended,
        }

    def problem(self) -> str | None:
        """Say what is missing; None when all is there.

        Where a recording is played again and again, an end is all that it can come to.
        """
        if self.asked is None or (self.ended and self.played >= self.asked):
            return None
        if not self.asked:
            return 'cut short: it was not played to its end'
        return f'cut short: {self.played} of {self.asked} images were played'
