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

"""What the stages have counted, as their diagnostics tell, also where one was started again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

_COUNTED = ('faces', 'unreadable', 'unplaced', 'misfits', 'passed over', 'sound (s)')


class StageReports:
    """Keeps the newest report of every stage, and adds up what it counted before it died."""

    def __init__(self) -> None:
        self._newest: dict[str, Mapping[str, str]] = {}
        self._before: dict[str, Counter[str]] = {}

    def take(self, stage: str, values: Mapping[str, str]) -> None:
        """Take what a stage says of itself."""
        former = self._newest.get(stage, {})
        if _number(values, 'out') < _number(former, 'out'):
            counted = Counter({name: _number(former, name) for name in _COUNTED})
            self._before[stage] = self._before.get(stage, Counter()) + counted
        self._newest[stage] = values

    def number(self, stage: str, name: str) -> float:
        """Return what a stage has counted in all of its lives."""
        before = self._before.get(stage, Counter())[name]
        return before + self.lately(stage, name)

    def lately(self, stage: str, name: str) -> float:
        """Return what a stage has counted since it was started, for the last time."""
        return _number(self._newest.get(stage, {}), name)

    def percentiles(self, kind: str) -> dict[str, dict[str, float]]:
        """Return the median, p95 and p99 (ms) of the latency or the work of every stage."""
        return {
            stage: {
                name: float(values[f'{kind} {name} (ms)'])
                for name in ('median', 'p95', 'p99')
                if f'{kind} {name} (ms)' in values
            }
            for stage, values in self._newest.items()
        }


def _number(values: Mapping[str, str], name: str) -> float:
    return float(values.get(name, 0))
