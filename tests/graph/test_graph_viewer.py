# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The viewer beside a replay, writing a recording."""

from collections import Counter

import pytest

pytest.importorskip('rclpy')
pytest.importorskip('rerun')

from live_graph import live_graph
from rerun.chunk import RrdReader

from av_tracker_nodes.launching.node_set import PACKAGE, NodeSpec, node_set
from av_tracker_nodes.viewing import paths

pytestmark = pytest.mark.graph


def test_what_the_nodes_publish_is_drawn(recording, tmp_path):
    save = tmp_path / 'live.rrd'
    parameters = {'save': save, 'image_transport': 'compressed', 'reliable_images': True}
    pairs = [part for k, v in parameters.items() for part in ('-p', f'{k}:={v}')]
    viewer = NodeSpec(PACKAGE, 'viewer', 'viewer', ros_arguments=tuple(pairs))
    with live_graph([viewer, *node_set({'bag': str(recording.path)})]) as graph:
        graph.spin_to_the_end()
        assert graph.statuses['viewer'] == 0, graph.lines
    rows = Counter()
    for chunk in RrdReader(save).stream():
        rows[chunk.entity_path.lstrip('/')] += chunk.num_rows
    images = len(recording.image_stamps)
    assert rows[paths.CAMERA] == rows[paths.MICROPHONES] == 1
    for path in (paths.IMAGE, paths.MAP, paths.HEADS, paths.TRAILS, paths.BOXES):
        # The player does not wait for the viewer, which may miss the first second.
        assert images - 25 <= rows[path] <= images + 2, path
    assert rows[f'{paths.SPEAKING}/1'] > 10
