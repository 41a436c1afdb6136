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

"""What the live nodes hold after a long time: memory, threads, handles."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.launching.replay import replay
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.speed.pipeline import recording
from av_tracker_nodes.research.speed.speed_table import report
from av_tracker_nodes.research.speed.streams import Sensors, kept_streams
from av_tracker_nodes.research.speed.usage import watched

_RATE = 8.0
"""Faster than two cores answer: the player waits for the nodes."""


def bench_soak(out: Path, progress_bar: ProgressBar, seconds: float = 3600.0) -> dict:
    """Run the live graph for long, as fast as it answers, without a pause; write ``soak.json``.

    Parameters
    ----------
    out : Path
        Folder of the result; the recording is kept there for the next time (70 MB a minute).
    progress_bar : ProgressBar
    seconds : float
        Of the streams, as AV16.3 has them.

    Returns
    -------
    dict
        Flat: seconds, realtime_factor, lost_frames, and of each node what `usage.Usage.summary`
        tells, such as NODE_growth_percent.
    """
    source = recording(out, progress_bar)
    bag = kept_streams(source, out, 'av163', Sensors(), seconds, progress_bar)
    with progress_bar('tracking') as progress, watched() as usage:
        run = replay(bag, out=out / 'soak', rate=_RATE, progress=progress)
    kept = {name: run[name] for name in ('realtime_factor', 'lost_frames')}
    result = {'seconds': seconds, **kept, **usage.summary()}
    report(out, 'soak', result)
    return result
