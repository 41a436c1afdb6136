# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import inspect

import pytest

pytest.importorskip('rclpy')

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
