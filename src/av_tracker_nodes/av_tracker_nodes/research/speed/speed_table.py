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

"""Figures as a file and as a table."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, print_sheets


def report(out: Path, name: str, result: dict[str, float | None]) -> None:
    """Write named figures to ``NAME.json`` and print them; None is something that was not run."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / f'{name}.json', result)
    rows = [[key.replace('_', ' '), figure(value, '.4g')] for key, value in result.items()]
    print_sheets([Sheet(name, ['figure', 'value'], rows)])
