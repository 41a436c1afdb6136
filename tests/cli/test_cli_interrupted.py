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

"""Commands that are told to end do so soon, and leave nothing behind; more in tests/graph."""

import pytest
from interruptions import QUICK, WAYS, check_end


@pytest.mark.thorough
@pytest.mark.parametrize(
    ('case', 'number', 'whole_group'),
    [(QUICK[0], *WAYS[1]), (QUICK[0], *WAYS[2]), (QUICK[1], *WAYS[3]), (QUICK[2], *WAYS[0])],
    ids=lambda value: getattr(value, 'arguments', None),
)
def test_commands_end_when_told_to(tmp_path, case, number, whole_group):
    check_end(tmp_path, case, number, whole_group)
