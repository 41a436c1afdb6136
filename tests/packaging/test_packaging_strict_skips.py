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

"""Skipped tests fail a run in which nothing should be missing."""

import pytest
from strict_skips import EXPLAINED

pytest_plugins = ['pytester']

PEER = "could not import 'acoular': No module named 'acoular'"
OTHER = 'no sound card'
EXPECTED_FAILURE = '@pytest.mark.xfail\ndef test_expected():\n    assert False\n'


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a test that fails as expected, and others that are skipped for these reasons."""
    monkeypatch.delenv('PYTEST_XDIST_WORKER', raising=False)

    def run(reasons, *options):
        tests = [
            f'def test_{number}():\n    pytest.skip({reason!r})\n'
            for number, reason in enumerate(reasons)
        ]
        pytester.makepyfile('import pytest\n' + EXPECTED_FAILURE + ''.join(tests))
        return pytester.runpytest('-p', 'strict_skips', *options)

    return run


def test_a_few_skips_may_be_explained(run):
    result = run([PEER], '--strict-skips')
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(xfailed=1, skipped=1)


def test_other_skips_fail_a_strict_run_only(run):
    """Those of another reason, and more than one reason explains."""
    reasons = [PEER, OTHER, PEER]
    assert run(reasons).ret == pytest.ExitCode.OK
    result = run(reasons, '--strict-skips')
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    summary = ['*skipped without an explanation*', f'*::test_1: *{OTHER}', f'*::test_2: *{PEER}']
    result.stdout.fnmatch_lines(summary, consecutive=True)


def test_few_skips_can_be_explained():
    counts = [count for reason, count in EXPLAINED.items() if 'rerun' not in reason]
    assert sum(counts) <= 5


def test_whole_modules_count_and_tests_of_other_processes(run, pytester):
    pytester.makepyfile(
        test_module=f'import pytest\npytest.skip({OTHER!r}, allow_module_level=True)\n'
    )
    result = run([OTHER], '--strict-skips', '-n', '1')
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines_random([f'*::test_0: *{OTHER}', f'test_module.py: *{OTHER}'])
