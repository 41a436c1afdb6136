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

"""The viewer beside a replay, writing a recording."""

from collections import Counter

import pytest

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
