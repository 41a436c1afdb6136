# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

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
