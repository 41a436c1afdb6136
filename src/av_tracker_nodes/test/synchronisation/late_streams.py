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

"""Streams of images, faces and sound that come late, in milliseconds."""

PERIOD = 40
DETECTION = 20
"""Faces come this long after their image."""


def arrivals(until, images=0, infos=0, sound=0, period=PERIOD):
    """Events (time of arrival, stream, stamp), in the order of arrival.

    A delay is a number or a function of the stamp; a stream keeps its own order.
    """
    events = []
    for stamp in range(1000, until, period):
        events.append((stamp + _at(infos, stamp), 'image', stamp))
        events.append((stamp + _at(images, stamp) + DETECTION, 'faces', stamp))
    events += [(stamp + _at(sound, stamp), 'audio', stamp) for stamp in range(1000, until, 10)]
    newest, ordered = {}, []
    for time, stream, stamp in sorted(events, key=lambda event: (event[1], event[2])):
        newest[stream] = max(time, newest.get(stream, 0))
        ordered.append((newest[stream], stream, stamp))
    return sorted(ordered)


def _at(delay, stamp):
    return delay(stamp) if callable(delay) else delay
