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

"""What a publisher that was started again tells again of what its predecessor has told."""

from __future__ import annotations

from av_tracker_nodes.types import JUMP, TOLD_AGAIN


class Handover:
    """Finds, in a stream of stamps, those that a publisher tells again after another one.

    A node that was started again takes in the last seconds once more, and answers them once
    more. Who listens to it goes on where its predecessor stopped.
    """

    def __init__(self) -> None:
        self._publisher: object = None
        self._newest = 0
        self._known_until: int | None = None

    def is_known(self, publisher: object, stamp: int) -> bool:
        """Tell whether the predecessor of a publisher has told of a stamp (ns) or a later one."""
        if self._publisher not in (None, publisher):
            self._known_until = self._newest
        self._publisher = publisher
        if self._known_until is not None and -TOLD_AGAIN < stamp - self._known_until <= 0:
            return True
        self._known_until = None
        jumped_back = stamp < self._newest - JUMP
        self._newest = stamp if jumped_back else max(stamp, self._newest)
        return False
