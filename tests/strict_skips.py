# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""With ``--strict-skips``, a run in which tests are skipped without an explanation fails.

For environments that have all that tests need, as ``make test`` sets them up: there a skipped test
would be a part of the set-up that is missing without anybody seeing it.
"""

import os
import re
import sys

import pytest
from bootstrap import choose_target

MOST = 5
"""Tests that may be skipped, even for good reasons."""

_RERUN_FITS = sys.version_info >= (3, 11) and not choose_target(os.environ).system

EXPLAINED = [
    # Optional peers: make setup EXTRAS=peers.
    "could not import '(acoular|xsrp)'",
    # A sourced workspace brings the messages without which a node has to fail.
    'hri_msgs is there',
    # requirements/view.txt
    *([] if _RERUN_FITS else ["could not import 'rerun'"]),
]
"""Regular expressions of the reasons that are no fault of the set-up."""


def pytest_addoption(parser):
    parser.addoption(
        '--strict-skips',
        action='store_true',
        help=f'fail if tests are skipped for unexplained reasons, or more than {MOST} tests',
    )


def _complaints(config):
    """What is wrong with the skipped tests of this run, a line each."""
    reporter = config.pluginmanager.get_plugin('terminalreporter')
    if reporter is None or not config.getoption('strict_skips'):
        return []
    skipped = [(report.nodeid, report.longrepr[2]) for report in reporter.getreports('skipped')]
    lines = [
        f'{node}: {reason}'
        for node, reason in skipped
        if not any(re.search(explained, reason) for explained in EXPLAINED)
    ]
    if len(skipped) > MOST:
        lines.append(f'{len(skipped)} tests were skipped; {MOST} at most may be')
    return lines


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    passed = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if passed and _complaints(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    lines = _complaints(config)
    if lines:
        terminalreporter.section('skipped without an explanation', red=True)
        for line in lines:
            terminalreporter.line(line)
