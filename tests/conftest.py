# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

from contextlib import contextmanager

import pytest


@pytest.fixture(scope='session')
def no_bar():
    """A progress bar that shows nothing."""

    @contextmanager
    def bar(text):
        yield lambda *share: None

    return bar
