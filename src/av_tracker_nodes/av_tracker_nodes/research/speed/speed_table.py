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

"""Tables of figures."""

from __future__ import annotations

from av_tracker_nodes.research.evaluation.sheets import Sheet, figure, print_sheets


def print_result(title: str, result: dict[str, float | None]) -> None:
    """Print named figures as a table; None is something that was not run."""
    rows = [[name.replace('_', ' '), figure(value, '.4g')] for name, value in result.items()]
    print_sheets([Sheet(title, ['figure', 'value'], rows)])
