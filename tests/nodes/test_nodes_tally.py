# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import pytest

from av_tracker_nodes.nodes.tally import Tally

STAMPS = [10**18 + k * 40_000_000 for k in range(100)]


def tally_of(stamps):
    tally = Tally()
    for stamp in stamps:
        tally.add(stamp)
    return tally


def test_each_stamp_counts_once():
    tally = tally_of([stamp for stamp in STAMPS for _ in range(2)])
    assert tally.count == 100
    assert tally.span == STAMPS[-1] - STAMPS[1]


def test_slight_disorder_is_no_jump():
    tally = tally_of([*STAMPS[:10], STAMPS[11], STAMPS[10], STAMPS[10], *STAMPS[12:]])
    assert tally.count == 100
    assert tally.span == STAMPS[-1] - STAMPS[1]


@pytest.mark.parametrize('passes', [1, 2, 3])
def test_a_stream_that_begins_again_counts_anew(passes):
    tally = tally_of(STAMPS * passes)
    assert tally.count == 100 * passes
    assert tally.span == passes * (STAMPS[-1] - STAMPS[0]) - 40_000_000


def test_other_streams_add_only_what_is_missing():
    tally = tally_of(STAMPS[:50] + STAMPS[51:])
    for stamp in STAMPS:
        tally.include(stamp)
    assert tally.count == 100
    assert tally.span == STAMPS[-1] - STAMPS[1]


def test_memory_is_bounded():
    tally = tally_of(range(0, 10**6, 40))
    assert tally.count == 25_000
    assert len(tally._recent) <= 1500
