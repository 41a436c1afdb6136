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

"""The security policy, and what nodes do that it is about."""

import time
from collections import defaultdict
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from lxml import etree
from rclpy.node import NodeNameNonExistentError

POLICY = Path(__file__).resolve().parents[2] / 'security' / 'policy.xml'
PERIOD = 0.2
"""Between two looks (s): they cost more than the nodes do."""

RULES = ('publish', 'subscribe', 'reply', 'request')


def read_policy():
    """The policy with everything that it includes, as SROS2 reads it."""
    tree = etree.parse(POLICY)
    tree.xinclude()
    return tree


@cache
def permissions(node):
    """What a node may do: pairs of a rule and a name as the policy writes it."""
    (profile,) = read_policy().xpath(
        '//enclave[@path=$path]//profile[@node=$node]', path=f'/av_tracker/{node}', node=node
    )
    return {
        (rule, entry.text)
        for group in profile
        for rule in RULES
        if group.get(rule) == 'ALLOW'
        for entry in group
    }


class Watch:
    """What nodes publish, subscribe to, serve and call, as long as somebody looks.

    Parameters
    ----------
    graph : LiveGraph
    namespace : str
        Of the nodes.
    """

    def __init__(self, graph, namespace=''):
        self._base = f'/{namespace}/' if namespace else '/'
        self._used = defaultdict(set)
        self._due = 0.0
        node = graph.node
        self._questions = {
            'publish': node.get_publisher_names_and_types_by_node,
            'subscribe': node.get_subscriber_names_and_types_by_node,
            'reply': node.get_service_names_and_types_by_node,
            'request': node.get_client_names_and_types_by_node,
        }

    def look(self, nodes):
        """Note what nodes do now, at most a few times a second."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PERIOD
        for node in nodes:
            for rule, ask in self._questions.items():
                try:
                    found = ask(node, self._base.rstrip('/') or '/')
                except NodeNameNonExistentError:
                    break
                self._used[node] |= {(rule, name) for name, _ in found}

    def forbidden(self):
        """What nodes did and may not do."""
        return {
            (node, *use)
            for node, uses in self._used.items()
            for use in uses
            if not any(self._covers(node, allowed, use) for allowed in permissions(node))
        }

    def unused(self, node):
        """What a node may do and did not do."""
        return {
            allowed
            for allowed in permissions(node)
            if not any(self._covers(node, allowed, use) for use in self._used[node])
        }

    def _covers(self, node, allowed, use):
        rule, name = allowed
        if name.startswith('~'):
            name = f'{self._base}{node}{name[1:]}'
        elif not name.startswith('/'):
            name = self._base + name
        return rule == use[0] and fnmatchcase(use[1], name)
