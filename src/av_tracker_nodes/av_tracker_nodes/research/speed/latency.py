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

"""From the capture of an image to the publication of its tracks, on sensors of several kinds."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.launching.replay import replay
from av_tracker_nodes.research.progress import Progress, ProgressBar
from av_tracker_nodes.research.speed.pipeline import LIVE_STAGE, recording
from av_tracker_nodes.research.speed.speed_table import report
from av_tracker_nodes.research.speed.streams import Sensors, kept_streams
from av_tracker_nodes.research.speed.usage import watched

SENSORS = {
    'av163': Sensors(),
    'hd': Sensors((1280, 720), 30, 6, 48_000),
    'full_hd': Sensors((1920, 1080), 30, 6, 48_000),
    'slow': Sensors(image_rate=15),
    'fast': Sensors(image_rate=60),
}
"""As AV16.3 has them, as robots do, and rates at both ends."""

_PROCESSES = {'': 'false', 'one_process_': 'true'}


def bench_latency(out: Path, progress_bar: ProgressBar, seconds: float = 60.0) -> dict:
    """Measure the live graph at real time on streams of each kind; write ``latency.json``.

    Every node runs in a process of its own; the streams of AV16.3 once more in one process.

    Parameters
    ----------
    out : Path
        Folder of the results; the recordings are kept there for the next time.
    progress_bar : ProgressBar
    seconds : float
        Of each kind of streams.

    Returns
    -------
    dict
        Flat, for each kind: KIND_median_ms, KIND_p95_ms and KIND_p99_ms from capture stamp to
        track publication, KIND_lost_frames, and of each node what `usage.Usage.summary` tells,
        such as KIND_NODE_cpu_percent.
    """
    source = recording(out, progress_bar)
    result = {'seconds': seconds}
    for kind, sensors in SENSORS.items():
        bag = kept_streams(source, out, kind, sensors, seconds, progress_bar)
        for prefix, one_process in _PROCESSES.items():
            if one_process == 'true' and kind != 'av163':
                continue
            with progress_bar(f'tracking live, {prefix}{kind}') as progress:
                figures = _measure(bag, out / f'live-{prefix}{kind}', one_process, progress)
            result |= {f'{prefix}{kind}_{name}': value for name, value in figures.items()}
    report(out, 'latency', result)
    return result


def _measure(bag: Path, out: Path, one_process: str, progress: Progress) -> dict[str, float]:
    with watched() as usage:
        run = replay(bag, out=out, progress=progress, arguments={'one_process': one_process})
    latency = run['latency_ms'][LIVE_STAGE]
    return {
        **{f'{name}_ms': latency[name] for name in ('median', 'p95', 'p99')},
        'lost_frames': run['lost_frames'],
        **usage.summary(),
    }
