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

"""With ``--strict-skips``, a run in which tests are skipped without an explanation fails.

For environments that have all that tests need, as ``make test`` sets them up: there a skipped test
would be a part of the set-up that is missing without anybody seeing it.
"""

import os
import sys

import pytest
from bootstrap import choose_target

# It needs a newer Python and NumPy: requirements/view.txt.
_RERUN_FITS = sys.version_info >= (3, 11) and not choose_target(os.environ).system

EXPLAINED = {
    # Optional peers: make setup EXTRAS=peers.
    "could not import 'acoular'": 1,
    "could not import 'xsrp'": 1,
    # A sourced workspace brings the messages without which a node has to fail.
    'hri_msgs is there': 1,
    # ROS 2 from wheels has no launch.
    "could not import 'launch_ros'": 0 if choose_target(os.environ).system else 2,
    "could not import 'rerun'": 0 if _RERUN_FITS else 10,
}
"""Reasons that are no fault of the set-up, and how many tests each may concern."""


def pytest_addoption(parser):
    parser.addoption(
        '--strict-skips',
        action='store_true',
        help='fail if tests are skipped for other reasons than those of tests/strict_skips.py',
    )


def _unexplained(config):
    """Skipped tests of this run that nothing explains, a line each."""
    reporter = config.pluginmanager.get_plugin('terminalreporter')
    if reporter is None or not config.getoption('strict_skips'):
        return []
    left = dict(EXPLAINED)
    lines = []
    for report in reporter.getreports('skipped'):
        reason = report.longrepr[2]
        explained = next((e for e, count in left.items() if e in reason and count > 0), None)
        if explained is None:
            lines.append(f'{report.nodeid}: {reason}')
        else:
            left[explained] -= 1
    return lines


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    passed = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if passed and _unexplained(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    lines = _unexplained(config)
    if lines:
        terminalreporter.section('skipped without an explanation', red=True)
        for line in lines:
            terminalreporter.line(line)
