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

"""The mix of the training corpus, and clips of robots."""

from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.geometry.rig_description import RigMotion
from av_tracker_nodes.research.simulation.rig_scene import build_rig_scene
from av_tracker_nodes.research.simulation.robots import draw_robot
from av_tracker_nodes.research.training.clips import Clip
from av_tracker_nodes.research.training.corpus import (
    TRAINING_SEEDS,
    VALIDATION_SEEDS,
    clip_name,
    is_robot,
    make_corpus,
)
from av_tracker_nodes.research.training.disturbances import UNDISTURBED
from av_tracker_nodes.research.training.recorder import record_rig_scene
from av_tracker_nodes.research.training.samples import SampleSource
from av_tracker_nodes.research.training.search_samples import SearchSource


@pytest.mark.parametrize('seeds', [TRAINING_SEEDS, VALIDATION_SEEDS, TRAINING_SEEDS[:40]])
def test_three_of_five_clips_are_of_robots_in_any_part_of_the_corpus(seeds):
    assert np.mean([is_robot(seed) for seed in seeds]) == pytest.approx(0.6)
    names = {clip_name(seed) for seed in seeds}
    assert len(names) == len(seeds)
    assert {name.partition('-')[0] for name in names} == {'robot', 'varied'}


def test_clips_that_are_there_are_not_made_again(tmp_path):
    seeds = range(5)
    for seed in seeds:
        (tmp_path / clip_name(seed)).write_bytes(b'there')
    seen = []
    paths = make_corpus(tmp_path, seeds, 1, seen.append)
    assert [path.read_bytes() for path in paths] == [b'there'] * 5
    assert seen == [1.0]


@pytest.fixture(scope='module')
def moving():
    robot = replace(draw_robot(1), motion=RigMotion('pan', np.radians(25.0), 4.0))
    drawn = build_rig_scene(robot, 'three_talking', 1, 2.0)
    return drawn, record_rig_scene(drawn, [range(8, 11), range(30, 33)])


@pytest.mark.thorough
def test_truth_in_the_frame_of_a_robot_that_turns_is_where_its_camera_sees_it(moving):
    drawn, clip = moving
    assert [frame.take for frame in clip.frames] == [0, 0, 0, 1, 1, 1]
    for frame in clip.frames:
        seen = clip.rig.camera.project(frame.people.mouth)
        # The camera is up to 0.3 degrees and 1 cm off from what is told.
        limit = 0.03 * clip.rig.camera.fx
        np.testing.assert_allclose(seen, frame.people.pixel, atol=limit)
    first, last = (clip.frames[k].people.pixel for k in (0, -1))
    assert np.abs(first - last).max() > 0.1 * clip.rig.camera.fx
    np.testing.assert_allclose(clip.rig.camera.centre, drawn.rig.camera.centre)
    heights = clip.frames[0].people.mouth[:, 2]
    assert ((heights > 1.0) & (heights < 1.9)).all()


@pytest.mark.thorough
def test_clips_of_robots_are_kept_with_their_uncertainty_and_drawn_from(moving, tmp_path):
    _, clip = moving
    clip.save(tmp_path / 'clip.npz')
    read = Clip.load(tmp_path / 'clip.npz')
    assert read.rig.uncertainty == clip.rig.uncertainty
    assert read.rig.uncertainty.angle_std > 0
    sample = SampleSource([read], UNDISTURBED).draw(1, np.random.default_rng(0))
    assert len(sample.person) == len(sample.arrays.crops) > 0


@pytest.mark.thorough
def test_a_scene_of_nobody_makes_a_clip_that_samples_are_drawn_from(tmp_path):
    drawn = build_rig_scene(replace(draw_robot(2), motion=RigMotion()), 'nobody', 2, 1.0)
    record_rig_scene(drawn, [range(8, 10)]).save(tmp_path / 'clip.npz')
    clip = Clip.load(tmp_path / 'clip.npz')
    assert all(frame.people.mouth.shape == (0, 3) for frame in clip.frames)
    SampleSource([clip], UNDISTURBED).draw(0, np.random.default_rng(0))
    sought = SearchSource([clip], UNDISTURBED).draw(0, np.random.default_rng(0))
    assert sought.visible.size == 0
