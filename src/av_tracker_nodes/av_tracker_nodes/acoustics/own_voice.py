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

"""When the robot itself talks, so that its loudspeaker is not taken for somebody."""

from __future__ import annotations

from dataclasses import dataclass

from av_tracker_nodes.types import JUMP, to_nanoseconds

HOLD = 0.5
"""Time (s) for which a room goes on sounding, and maps look back."""

_EVER_SINCE, _NEVER = -(2**63), 2**63


@dataclass
class _Utterance:
    """From when to when (ns) the robot talks; `end` is far off while it does."""

    begin: int
    end: int = _NEVER


class OwnVoice:
    """Remembers when the robot talked, in stream time.

    Parameters
    ----------
    hold : float
        The robot counts as heard for this long after it has talked (s); may be set anew.
    """

    def __init__(self, hold: float = HOLD) -> None:
        self.hold = hold
        self._utterances: list[_Utterance] = []

    @property
    def talks(self) -> bool:
        """Whether the robot talks by the last that was told."""
        return bool(self._utterances) and self._utterances[-1].end == _NEVER

    def tell(self, talks: bool, stamp: int) -> None:
        """Tell whether the robot talks from a stamp (ns) on; what is known changes nothing."""
        if talks == self.talks:
            return
        if talks:
            self._utterances.append(_Utterance(stamp))
        else:
            self._utterances[-1].end = stamp

    def is_heard(self, stamp: int) -> bool:
        """Tell whether the robot is heard at a stamp (ns).

        Stamps come in order, give or take 0.5 s: what ended before that is forgotten.
        """
        self._utterances = [
            each for each in self._utterances if self._fades_at(each) > stamp - JUMP
        ]
        return any(each.begin <= stamp < self._fades_at(each) for each in self._utterances)

    def _fades_at(self, utterance: _Utterance) -> int:
        return utterance.end + to_nanoseconds(self.hold)

    def reset(self) -> None:
        """Forget when the robot talked: time has jumped. If it talks, it does ever since."""
        self._utterances = [_Utterance(_EVER_SINCE)] if self.talks else []
