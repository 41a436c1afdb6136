# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Clocks and frames of the nodes."""

import importlib.util
import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

if importlib.util.find_spec('rclpy') is None:
    pytest.skip('needs rclpy', allow_module_level=True)

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.nodes.clock import InputWatch, InterpolatedClock
from av_tracker_nodes.nodes.frames import FrameTree

MS = 1_000_000


class TestInterpolatedClock:
    def test_knows_nothing_before_the_first_tick(self):
        assert InterpolatedClock().at(5) is None

    def test_runs_on_between_ticks(self):
        clock = InterpolatedClock()
        clock.tick(1000 * MS, 50 * MS)
        assert clock.at(57 * MS) == 1007 * MS

    @pytest.mark.parametrize('rate', [0.5, 1.0, 4.0])
    def test_is_right_within_the_least_delay(self, rate):
        rng = np.random.default_rng(0)
        clock = InterpolatedClock()
        for k in range(200):
            steady = 20 * MS * k
            clock.tick(round(rate * steady), steady + round(MS * rng.exponential(1.0)))
        now = 20 * MS * 199 + 15 * MS
        assert clock.at(now) == pytest.approx(rate * now, abs=0.6 * MS * rate)

    def test_follows_a_jump_back(self):
        clock = InterpolatedClock()
        clock.tick(90_000 * MS, 0)
        clock.tick(10_000 * MS, 20 * MS)
        assert clock.at(25 * MS) == 10_005 * MS

    def test_stands_still_with_its_source(self):
        clock = InterpolatedClock()
        for k in range(10):
            clock.tick(20 * MS * k, 20 * MS * k)
        for k in range(10, 40):
            clock.tick(180 * MS, 20 * MS * k)
        assert abs(clock.at(780 * MS) - 180 * MS) <= 60 * MS
        assert clock.stands_still
        clock.tick(200 * MS, 800 * MS)
        assert not clock.stands_still


class TestInputWatch:
    @pytest.fixture
    def source(self, monkeypatch):
        source = SimpleNamespace(now=0.0, stands_still=False)
        monkeypatch.setattr(time, 'monotonic_ns', lambda: round(1e9 * source.now))
        return source

    def test_input_that_does_not_come_has_stopped(self, source):
        watch = InputWatch(source, patience=1.0)
        source.now = 0.9
        assert not watch.has_stopped()
        watch.note()
        source.now = 1.8
        assert not watch.has_stopped()
        source.now = 2.0
        assert watch.has_stopped()

    def test_it_may_take_as_long_after_a_pause_as_ever(self, source):
        watch = InputWatch(source, patience=1.0)
        source.stands_still = True
        source.now = 5.0
        assert not watch.has_stopped()
        source.stands_still = False
        source.now = 5.9
        assert not watch.has_stopped()
        source.now = 6.1
        assert watch.has_stopped()


def turned(degrees, *translation):
    return RigidTransform(
        Rotation.from_euler('z', degrees, degrees=True).as_matrix(), np.array(translation, float)
    )


class TestFrameTree:
    def test_chains_up_and_down(self):
        tree = FrameTree()
        tree.fix('world', 'base', turned(90, 1, 0, 0))
        tree.fix('base', 'camera', turned(0, 0, 2, 0))
        tree.fix('base', 'array', turned(0, 0, 0, 3))
        point = tree.look_up('camera', 'array', 0) @ np.zeros(3)
        np.testing.assert_allclose(point, [0, -2, 3], atol=1e-12)
        np.testing.assert_allclose(
            tree.look_up('world', 'camera', 0) @ np.zeros(3), [-1, 0, 0], atol=1e-12
        )

    def test_a_frame_is_itself(self):
        pose = FrameTree().look_up('world', 'world', 0)
        np.testing.assert_array_equal(pose.rotation, np.eye(3))

    def test_unknown_frames_are_none(self):
        tree = FrameTree()
        tree.fix('world', 'base', turned(0, 0, 0, 0))
        assert tree.look_up('world', 'camera', 0) is None
        assert tree.look_up('map', 'base', 0) is None

    def test_moving_frames_are_interpolated(self):
        tree = FrameTree()
        tree.move('base', 'head', turned(0, 0, 0, 0), 1000 * MS)
        tree.move('base', 'head', turned(90, 2, 0, 0), 2000 * MS)
        halfway = tree.look_up('base', 'head', 1500 * MS)
        np.testing.assert_allclose(halfway.translation, [1, 0, 0])
        np.testing.assert_allclose(halfway.rotation, turned(45, 0, 0, 0).rotation)

    def test_beyond_the_samples_the_nearest_holds(self):
        tree = FrameTree()
        tree.move('base', 'head', turned(0, 1, 0, 0), 1000 * MS)
        tree.move('base', 'head', turned(0, 2, 0, 0), 2000 * MS)
        assert tree.look_up('base', 'head', 0).translation[0] == 1
        assert tree.look_up('base', 'head', 5000 * MS).translation[0] == 2

    def test_does_not_hang_on_a_loop_of_frames(self):
        tree = FrameTree()
        for parent, child in (('a', 'b'), ('b', 'c'), ('c', 'a')):
            tree.fix(parent, child, turned(0, 0, 0, 0))
        assert tree.look_up('a', 'z', 0) is None
