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

from functools import partial

import pytest

from av_tracker_nodes.research.experiments.comparison import scenes
from av_tracker_nodes.research.experiments.comparison.scenes import (
    COMPLETE,
    FIRST_SEED,
    INCOMPLETE,
)
from av_tracker_nodes.research.simulation.gathering import VARIED
from av_tracker_nodes.research.simulation.scenarios import Scenario, draw_scene
from av_tracker_nodes.research.simulation.writer import write_calibration


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    """One second and a half of a training-like scene, under a validation seed."""
    folder = tmp_path_factory.mktemp('comparison')
    write_calibration(folder)
    with pytest.MonkeyPatch.context() as patch:
        short = Scenario('short', 1.5, VARIED.draw_cast)
        patch.setattr(scenes, 'build_scene', partial(draw_scene, short))
        patch.setattr(scenes, 'MEASURES', ('vggcf',))
        files = scenes._make_scene(
            folder, 'varied', FIRST_SEED['validation'], 1, (COMPLETE, INCOMPLETE)
        )
    return folder, files
