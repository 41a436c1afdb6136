# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import pytest
from tiny_recording import write_bag


@pytest.fixture(scope='session')
def recording(tmp_path_factory):
    """A bag of four seconds and what is in it."""
    return write_bag(tmp_path_factory.mktemp('bags') / 'tiny')
