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

import pytest

torch = pytest.importorskip('torch')

from av_tracker_nodes.fusion.candidates import (  # noqa: E402
    CROP_SIZE,
    GLOBAL_MAP_SIZE,
    MAP_SIZE,
    SIGHT_FEATURES,
    SOUND_FEATURES,
)
from av_tracker_nodes.research.networks.avclnet import AvclNet  # noqa: E402
from av_tracker_nodes.research.networks.inputs import Inputs  # noqa: E402


def inputs(counts: list[int], slots: int = 4, seed: int = 0) -> Inputs:
    draw = torch.Generator().manual_seed(seed)
    count, frames = sum(counts), len(counts)
    valid = torch.zeros(frames, slots, dtype=torch.bool)
    places = []
    for row, number in enumerate(counts):
        valid[row, :number] = True
        places += [row * slots + k for k in range(number)]
    size = (count, CROP_SIZE, CROP_SIZE, 3)
    return Inputs(
        torch.randint(0, 256, size, generator=draw, dtype=torch.uint8),
        torch.rand(count, MAP_SIZE, MAP_SIZE, generator=draw),
        torch.randn(count, SIGHT_FEATURES, generator=draw),
        torch.randn(count, SOUND_FEATURES, generator=draw),
        torch.rand(frames, *GLOBAL_MAP_SIZE, generator=draw),
        torch.tensor(places),
        valid,
    )


@pytest.fixture
def network() -> AvclNet:
    torch.manual_seed(3)
    network = AvclNet().eval()
    torch.nn.init.normal_(network.head[-1].weight, std=0.1)
    torch.nn.init.normal_(network.range_head[-1].weight, std=0.1)
    return network


def test_an_untrained_network_leaves_what_geometry_says_as_it_is():
    _, prediction = AvclNet().eval()(inputs([2, 1]))
    assert not prediction.offset.any()
    assert not prediction.person.any()


def test_images_do_not_mix(network):
    both = inputs([2, 1])
    _, together = network(both)
    changed = inputs([2, 1])
    changed.crops[2] = 0
    changed.sound[2] = 0
    _, other = network(changed)
    torch.testing.assert_close(together.offset[:2], other.offset[:2])
    assert not torch.allclose(together.offset[2], other.offset[2])


def test_people_of_one_image_see_each_other(network):
    alone, changed = inputs([2]), inputs([2])
    changed.crops[1] = 0
    changed.sound[1] = 0
    assert not torch.allclose(network(alone)[1].offset[0], network(changed)[1].offset[0])


def test_the_range_is_read_off_sight_alone(network):
    quiet, loud, dark = (inputs([3]) for _ in range(3))
    for heard in (loud.sound, loud.maps, loud.global_maps):
        heard.mul_(3.0)
    dark.crops.zero_()
    _, before = network(quiet)
    _, after = network(loud)
    torch.testing.assert_close(after.offset[:, 2], before.offset[:, 2])
    torch.testing.assert_close(after.log_deviation[:, 1], before.log_deviation[:, 1])
    assert not torch.allclose(after.offset[:, :2], before.offset[:, :2])
    assert not torch.allclose(after.log_deviation[:, 0], before.log_deviation[:, 0])
    assert not torch.allclose(network(dark)[1].offset[:, 2], before.offset[:, 2])


def test_empty_places_change_nothing(network):
    tight, wide = network(inputs([2], slots=2))[1], network(inputs([2], slots=8))[1]
    torch.testing.assert_close(tight.joined(), wide.joined())


def test_embeddings_have_unit_length(network):
    features, _ = network(inputs([3]))
    for embedding in (
        network.embedding(features.picture),
        network.sight_embedding(features),
        network.sound_embedding(features),
    ):
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(3))


def test_size_is_that_of_a_light_network(network):
    from torch.utils.flop_counter import FlopCounterMode

    assert sum(weights.numel() for weights in network.parameters()) < 5e6
    with FlopCounterMode(display=False) as counter:
        network(inputs([3], slots=4))
    assert counter.get_total_flops() < 0.5e9
