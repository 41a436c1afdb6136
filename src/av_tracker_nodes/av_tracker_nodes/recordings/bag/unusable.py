# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
