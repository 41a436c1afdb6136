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

import inspect

import pytest

from av_tracker_nodes.nodes.executors import with_info


def test_message_and_info_are_taken_apart_or_together():
    heard = []

    def note(message, info):
        heard.append((message, info))

    take = with_info(note)
    take('one', {'publication_sequence_number': 1})
    take(('two', {'publication_sequence_number': 2}))
    assert heard == [
        (text, {'publication_sequence_number': k}) for k, text in ((1, 'one'), (2, 'two'))
    ]
    # rclpy gives info to callbacks that cannot be called with the message alone.
    with pytest.raises(TypeError):
        inspect.signature(take).bind('message')
    inspect.signature(take).bind('message', {})
