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

"""Speed of the whole chain, offline and live, on one simulated recording."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import numpy as np

from av_tracker_nodes import FaceStage
from av_tracker_nodes.launching.replay import replay
from av_tracker_nodes.pipeline import track_bag
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.research.datasets.convert import convert_sequence
from av_tracker_nodes.research.progress import ProgressBar
from av_tracker_nodes.research.simulation.simulate import simulate
from av_tracker_nodes.research.speed.speed_table import report
from av_tracker_nodes.types import ImageFrame

_SCENARIO, _SEED, _CAMERA = 'two_crossing', 3, 1
LIVE_STAGE = 'speaker_tracks'
"""Topic whose publication ends the chain."""
_REFERENCE_IMAGES = 200


def bench_pipeline(out: Path, progress_bar: ProgressBar) -> dict:
    """Time the stages offline and the latency of the live graph; write ``pipeline.json``.

    Parameters
    ----------
    out : Path
        Folder of the results; the recording is kept there for the next time.
    progress_bar : ProgressBar

    Returns
    -------
    dict
        Flat: frames_per_second, STAGE_median_ms and STAGE_p95_ms offline, detector_reference_ms
        (see `detector_reference`) and how many times as long all stages take, live median_ms and
        p99_ms from capture stamp to track publication, lost_frames, realtime_factor.
    """
    bag = recording(out, progress_bar)
    with progress_bar('tracking offline') as progress:
        offline = track_bag(bag, out / 'offline', progress=progress)
    reference = detector_reference(bag)
    with progress_bar('tracking live') as progress:
        live = replay(bag, offline['model'], out / 'live', progress=progress)
    stages = {
        f'{stage}_{name}_ms': times[name]
        for stage, times in offline['latency_ms'].items()
        for name in ('median', 'p95')
    }
    latency = live['latency_ms'][LIVE_STAGE]
    result = {
        'frames_per_second': offline['frames_per_second'],
        **stages,
        'detector_reference_ms': reference,
        'stages_per_reference': sum(times['median'] for times in offline['latency_ms'].values())
        / reference,
        'median_ms': latency['median'],
        'p99_ms': latency['p99'],
        'lost_frames': live['lost_frames'],
        'realtime_factor': live['realtime_factor'],
    }
    report(out, 'pipeline', result)
    return result


def detector_reference(bag: Path) -> float:
    """Time (ms, median) that YuNet alone takes to look at a whole image, without any schedule.

    Computers differ, and so does one from hour to hour: times of stages measured together with
    this one are compared by their ratio to it.
    """
    detector, durations = FaceStage().detector, []
    with BagReader(bag) as reader:
        images = (record for record in reader.records() if isinstance(record, ImageFrame))
        for frame in islice(images, _REFERENCE_IMAGES):
            began = time.perf_counter()
            detector.detect(frame.image)
            durations.append(1e3 * (time.perf_counter() - began))
    return float(np.median(durations))


def recording(out: Path, progress_bar: ProgressBar) -> Path:
    """Return the bag to measure on, made once."""
    bag = out / 'bag'
    if not bag.exists():
        with progress_bar('simulating the recording') as progress:
            sequence = simulate(_SCENARIO, _SEED, out / 'recording', progress)
        with progress_bar('converting to a ROS 2 bag') as progress:
            convert_sequence(sequence.parent, sequence.name, _CAMERA, bag, progress=progress)
    return bag
