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

"""The images that a player has sent and nobody has answered, and how far it may run ahead."""

from __future__ import annotations

import threading

from av_tracker_nodes.synchronisation import LONGEST_WAIT

_MARGIN = 1.25
"""Where answers have shown how far behind they come, a quarter more is allowed for."""


class Unanswered:
    """Images that wait for their answers; answers come in the order of stamps.

    A player that runs `lead` ahead of the oldest of them stops until it is answered. Where no
    answer comes for long, it has to go on: the stage may be gone, or the answer may need what
    comes later in the recording, as where sound was logged after its images. The first answer
    after that tells: the player runs ahead as far as that was behind, and waits again.

    Parameters
    ----------
    lead : int
        In stream time (ns).

    Attributes
    ----------
    sent : int
        Images.
    waits : bool
        Whether the player waits for answers; not since :meth:`give_up` until the next one.
    """

    def __init__(self, lead: int) -> None:
        self.sent = 0
        self.waits = True
        self._lead = lead
        self._lock = threading.Lock()
        self._sent_at: dict[int, int] = {}
        self._passed_over: set[int] = set()

    def send(self, stamp: int, now: int) -> None:
        """Note an image (stamp in ns) that is sent at a stream time (ns)."""
        with self._lock:
            self.sent += 1
            self._sent_at[stamp] = now

    def answer(self, stamp: int, now: int) -> None:
        """Note an answer that comes at a stream time (ns); older images have been passed over."""
        with self._lock:
            sent = self._sent_at.pop(stamp, None)
            self._passed_over.discard(stamp)
            for older in [each for each in self._sent_at if each < stamp]:
                del self._sent_at[older]
                self._passed_over.add(older)
            if not self.waits and sent is not None:
                shown = min(round(_MARGIN * (now - sent)), LONGEST_WAIT)
                self._lead = max(self._lead, shown)
                self.waits = True

    def give_up(self) -> None:
        """Go on without an answer."""
        self.waits = False

    def is_behind(self, now: int) -> bool:
        """Tell whether a stream time (ns) is too far ahead of the oldest of them."""
        with self._lock:
            oldest = next(iter(self._sent_at.values()), now)
        return now - oldest > self._lead

    def __len__(self) -> int:
        """Count those that may yet be answered."""
        return len(self._sent_at)

    def lost(self) -> int:
        """Begin a round; return how many images of the last one were not answered."""
        with self._lock:
            lost = len(self._sent_at) + len(self._passed_over)
            self._sent_at.clear()
            self._passed_over.clear()
        return lost
