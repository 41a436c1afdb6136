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


@pytest.fixture(scope='module')
def context():
    import rclpy

    context = rclpy.Context()
    context.init()
    yield context
    context.try_shutdown()


@pytest.fixture
def make(context):
    """Make nodes with parameters, to be started."""
    from rclpy.parameter import Parameter

    nodes = []

    def make(kind, namespace='', **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = kind(context=context, namespace=namespace, parameter_overrides=overrides)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.destroy_node()


@pytest.fixture
def start(make):
    """Start nodes with parameters; what they publish is kept in `sent`, by topic."""
    from node_bench import Kept

    def start(kind, namespace='', listeners=0, **parameters):
        node = make(kind, namespace, **parameters)
        node.sent = {}
        node.advertise = lambda _, topic, *__: node.sent.setdefault(topic, Kept(listeners))
        node.start()
        return node

    return start
