# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import os
from contextlib import contextmanager

import pytest


def pytest_configure(config):
    """Give every worker of pytest-xdist a core and a ROS domain of its own."""
    worker = os.environ.get('PYTEST_XDIST_WORKER')
    if worker is not None:
        for pool in ('OMP', 'OPENBLAS', 'MKL', 'NUMBA'):
            os.environ.setdefault(f'{pool}_NUM_THREADS', '1')
        domain = int(os.environ.get('ROS_DOMAIN_ID', 1)) + int(worker.removeprefix('gw'))
        os.environ['ROS_DOMAIN_ID'] = str((domain - 1) % 100 + 1)


@pytest.fixture(scope='session')
def no_bar():
    """A progress bar that shows nothing."""

    @contextmanager
    def bar(text):
        yield lambda *share: None

    return bar
