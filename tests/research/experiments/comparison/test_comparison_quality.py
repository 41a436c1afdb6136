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

from dataclasses import replace

import pytest
from tiny_network import write_search_network

from av_tracker_nodes.fusion.quality import QualityThresholds
from av_tracker_nodes.research.experiments.comparison.models import (
    COMPLETE,
    summarise,
    track_scene,
)
from av_tracker_nodes.research.experiments.comparison.quality import quality_entries


def test_the_thresholds_that_are_swept_are_those_of_siamese_networks():
    entries = quality_entries('stnet')
    assert len({entry.title for entry in entries}) == len(entries)
    assert all(entry.inputs == COMPLETE for entry in entries)
    for entry in entries:
        replace(QualityThresholds(), **entry.thresholds)


@pytest.mark.thorough
def test_thresholds_decide_what_becomes_of_templates(recorded, tmp_path):
    _, files = recorded
    network = str(write_search_network(tmp_path / 'tiny.onnx', (0.0, 0.0), 0.0))
    shares = {}
    for entry in quality_entries(network):
        run = track_scene(tmp_path, files, [entry])[entry.title]
        shares[entry.name] = summarise(entry.name, 'one scene', [run])
    unaware, always = shares['unaware of quality'], shares['always updated']
    assert (unaware['share_update'], unaware['share_keep'], unaware['share_reset']) == (0, 1, 0)
    assert (always['share_update'], always['share_keep'], always['share_reset']) == (1, 0, 0)
    asis = shares['as it is']
    total = asis['share_update'] + asis['share_keep'] + asis['share_reset']
    assert total == pytest.approx(1, abs=2e-3)
