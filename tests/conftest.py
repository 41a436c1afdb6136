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

import os
import signal
from collections import Counter
from contextlib import contextmanager
from importlib.util import find_spec

import hypothesis
import pytest

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile('untimed', deadline=None)
hypothesis.settings.load_profile('untimed')

pytest_plugins = ['strict_skips']


def pytest_configure(config):
    """Give every worker of pytest-xdist a core and a ROS domain of its own.

    Programs that tests start and interrupt listen to that when the shell has put the tests into
    the background, too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = os.environ.get('PYTEST_XDIST_WORKER')
    if worker is not None:
        for pool in ('OMP', 'OPENBLAS', 'MKL', 'NUMBA'):
            os.environ.setdefault(f'{pool}_NUM_THREADS', '1')
        domain = int(os.environ.get('ROS_DOMAIN_ID', 1)) + int(worker.removeprefix('gw'))
        os.environ['ROS_DOMAIN_ID'] = str((domain - 1) % 100 + 1)


def pytest_collection_modifyitems(items):
    """Skip what starts nodes where there is no ROS 2; put files in order for workers.

    These begin with the files of which most is thorough, so that they end together.
    """
    if find_spec('rclpy') is None:
        for item in items:
            if item.get_closest_marker('graph'):
                item.add_marker(pytest.mark.skip('needs rclpy'))
    if 'PYTEST_XDIST_WORKER' in os.environ:
        thorough = Counter(item.path for item in items if item.get_closest_marker('thorough'))
        items.sort(key=lambda item: -thorough[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Skip the files that cannot be imported because ROS 2 is not there."""
    report = yield
    is_without_ros = report.failed and find_spec('rclpy') is None
    if is_without_ros and 'ModuleNotFoundError' in str(report.longrepr):
        report.outcome = 'skipped'
        report.longrepr = (str(collector.path), 1, 'Skipped: needs rclpy')
    return report


@pytest.fixture(scope='session')
def no_bar():
    """A progress bar that shows nothing."""

    @contextmanager
    def bar(text):
        yield lambda *share: None

    return bar
