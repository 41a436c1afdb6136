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

"""Messages that could not be used: how many, and why."""

from __future__ import annotations

from collections import Counter


class Unusable:
    """Counts messages that cost themselves alone.

    Attributes
    ----------
    counts : Counter of str
        By topic.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def note(self, topic: str, reason: str) -> None:
        """Count a message of a topic."""
        self.counts[topic] += 1
        self._first.setdefault(topic, reason)

    def describe(self) -> list[str]:
        """Say it, a line for each topic."""
        return [
            f'{topic}: {count} message{"s" if count > 1 else ""} could not be used'
            f'{", the first" if count > 1 else ""}: {self._first[topic]}'
            for topic, count in self.counts.items()
        ]
