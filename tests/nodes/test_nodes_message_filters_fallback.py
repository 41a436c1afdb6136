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

"""The fallback joins as message_filters does, and survives what that does not."""

import importlib.util

import pytest
from rclpy.time import Time
from std_msgs.msg import Header

from av_tracker_nodes.nodes import message_filters_fallback as fallback


class Stamped:
    """A message with a header, stamp in milliseconds."""

    def __init__(self, stamp):
        self.stamp = stamp
        self.header = Header(stamp=Time(nanoseconds=stamp * 1_000_000).to_msg())

    def __repr__(self):
        return str(self.stamp)


def time(stamp):
    return Time.from_msg(Stamped(stamp).header.stamp)


def _implementations():
    names = {'fallback': fallback}
    if importlib.util.find_spec('message_filters') is not None:
        import message_filters

        names['message_filters'] = message_filters
    return [pytest.param(module, id=name) for name, module in names.items()]


@pytest.fixture(params=_implementations())
def filters(request):
    return request.param


class Joined:
    """Inputs, a synchroniser over them, and what came out."""

    def __init__(self, module, count=2, queue_size=5):
        self.inputs = [module.SimpleFilter() for _ in range(count)]
        self.sync = module.TimeSynchronizer(self.inputs, queue_size=queue_size)
        self.sync.registerCallback(self.take)
        self.output = []

    def take(self, *messages):
        self.output.append(tuple(m.stamp for m in messages))

    def put(self, index, *stamps):
        for stamp in stamps:
            self.inputs[index].signalMessage(Stamped(stamp))


JOINS = {
    'in any order': (2, 10, [(0, 10, 20, 30), (1, 20, 10, 31)], [(20, 20), (10, 10)]),
    'of three': (3, 10, [(0, 10), (1, 10), (2, 10)], [(10, 10, 10)]),
    'the oldest is forgotten': (2, 2, [(0, 10, 20, 30), (1, 10, 20, 30)], [(20, 20), (30, 30)]),
}


@pytest.mark.parametrize('case', JOINS)
def test_what_belongs_together_is_joined(filters, case):
    count, queue_size, puts, expected = JOINS[case]
    joined = Joined(filters, count, queue_size)
    for put in puts:
        joined.put(*put)
    assert joined.output == expected


def test_callback_gets_the_arguments_it_was_registered_with(filters):
    source, seen = filters.SimpleFilter(), []
    source.registerCallback(lambda *arguments: seen.append(arguments), 'extra', 2)
    source.signalMessage('message')
    assert seen == [('message', 'extra', 2)]


def test_cache_answers_by_time(filters):
    source = filters.SimpleFilter()
    cache = filters.Cache(source, cache_size=3)
    for stamp in (10, 20, 30, 40):
        source.signalMessage(Stamped(stamp))
    assert [m.stamp for m in cache.getInterval(time(20), time(30))] == [20, 30]
    assert [m.stamp for m in cache.getInterval(time(0), time(20))] == [20]
    assert cache.getInterval(time(41), time(99)) == []


def test_goes_on_after_a_loop():
    joined = Joined(fallback)
    joined.put(0, *range(9000, 9400, 40))
    joined.put(0, *range(1000, 1200, 40))
    joined.put(1, *range(1000, 1200, 40))
    assert joined.output == [(s, s) for s in range(1000, 1200, 40)]


def test_one_input_may_jump_before_the_other():
    joined = Joined(fallback)
    joined.put(0, 9000)
    joined.put(1, 9000)
    joined.put(0, 9040)
    joined.put(1, 1000)
    joined.put(0, 1000)
    assert joined.output == [(9000, 9000), (1000, 1000)]


def test_goes_on_after_an_exception_in_a_callback():
    joined = Joined(fallback)

    def fail(*messages):
        raise RuntimeError('bad luck')

    joined.sync.registerCallback(fail)
    joined.put(0, 10, 20)
    for stamp in (10, 20):
        with pytest.raises(RuntimeError, match='bad luck'):
            joined.put(1, stamp)
    assert joined.output == [(10, 10), (20, 20)]


def test_callback_may_feed_the_same_join():
    joined = Joined(fallback)
    joined.sync.registerCallback(
        lambda first, second: joined.put(0, 20) if first.stamp == 10 else None
    )
    joined.put(1, 20)
    joined.put(0, 10)
    joined.put(1, 10)
    assert joined.output == [(10, 10), (20, 20)]
