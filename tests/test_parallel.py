# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import math
from functools import partial

import pytest

from av_tracker_nodes.datasets.sequence_names import find_sequence
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.parallel import in_processes, or_input_error


@pytest.mark.parametrize('jobs', [1, 2])
def test_results_come_with_their_keys(jobs):
    tasks = {'small': (5, 1), 'large': (5, 2)}
    assert dict(in_processes(math.comb, tasks, jobs)) == {'small': 5, 'large': 10}


def test_input_errors_can_be_results():
    tasks = {'there': (['seq01'], 'seq01', '.'), 'gone': (['seq01'], 'seq02', '.')}
    with pytest.raises(InputError):
        list(in_processes(find_sequence, tasks, 1))
    results = dict(in_processes(partial(or_input_error, find_sequence), tasks, 1))
    assert results['there'] == 'seq01'
    assert isinstance(results['gone'], InputError)


@pytest.mark.parametrize('jobs', [1, 2])
def test_exceptions_stop_all(jobs):
    with pytest.raises(TypeError):
        list(in_processes(math.comb, {1: ('x', 1)}, jobs))
