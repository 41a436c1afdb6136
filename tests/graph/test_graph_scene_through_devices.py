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

"""A simulated scene played into a sound card and a network camera, tracked live."""

import csv
import threading
import time

import cv2
import numpy as np
import pytest
from mjpeg_server import MjpegCamera
from virtual_array import Feeder, virtual_array

from av_tracker_nodes.geometry.calibration import save_camera, save_microphones
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.processes import Supervisor, private_environment
from av_tracker_nodes.launching.replay import replay
from av_tracker_nodes.research.datasets.av163 import open_sequence
from av_tracker_nodes.research.datasets.convert import convert_sequence
from av_tracker_nodes.research.evaluation.metrics import evaluate
from av_tracker_nodes.research.evaluation.truth import read_truth
from av_tracker_nodes.research.simulation.simulate import simulate
from av_tracker_nodes.types import NANOSECONDS, to_nanoseconds, to_seconds

pytestmark = [pytest.mark.slow, pytest.mark.graph, pytest.mark.timeout(600)]

RATE, FRAMES_A_SECOND = 16_000, 25
LEAD = 8.0
"""Seconds before the scene, in which the nodes start and the clocks are fitted."""
SEED = 1002


class Stage:
    """Plays the scene: one clock for what is seen and what is heard."""

    def __init__(self, sequence):
        recording = open_sequence(sequence)
        sound = np.clip(recording.audio() * 2**15, -(2**15), 2**15 - 1).astype('<i2')
        lead = round(LEAD * RATE)
        # The room as it sounds at the end of the scene, so that nothing sets in all at once.
        noise = np.tile(sound[-RATE // 2 :], (-(-lead // (RATE // 2)), 1))[:lead]
        self.samples = np.concatenate([noise, sound])
        self.duration = len(self.samples) / RATE
        self.rig, self.audio_start = recording.rig(1), recording.audio_start
        self.images = [
            cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            for frame in recording.frames(1)
        ]
        self.lag = to_seconds(recording.image_stamps(1)[0] - recording.audio_start)
        self.began = None

    def picture(self):
        """Return when the newest picture of the camera was taken (wall time), and the picture."""
        start = (self.began or time.time()) + LEAD + self.lag
        number = int((time.time() - start) * FRAMES_A_SECOND // 1)
        shown = self.images[min(max(number, 0), len(self.images) - 1)]
        return start + number / FRAMES_A_SECOND, shown

    def scene_stamp(self, stamp):
        """Translate a stamp of the graph (ns) to the clock of the truth (ns)."""
        return stamp - to_nanoseconds(self.began + LEAD) + self.audio_start


def on_the_clock_of_the_truth(run, stage, stamps):
    """Rewrite the stamps of a run to those of the nearest images of the truth."""
    period = NANOSECONDS // FRAMES_A_SECOND
    for name in ('tracks.csv', 'tracks_covariance.csv'):
        with (run / name).open() as file:
            header, *rows = list(csv.reader(file))
        kept = []
        for row in rows:
            stamp = stage.scene_stamp(round(float(row[0]) * NANOSECONDS))
            nearest = stamps[np.argmin(np.abs(stamps - stamp))]
            if abs(nearest - stamp) <= period // 2:
                kept.append([f'{to_seconds(int(nearest)):.9f}', *row[1:]])
        with (run / name).open('w', newline='') as file:
            csv.writer(file, lineterminator='\n').writerows([header, *kept])


def play(stage, specs, environment, pipe):
    """Start the nodes and the scene; stop the nodes when the scene is over."""
    nodes = Supervisor(specs, environment)
    running = threading.Thread(target=nodes.run, daemon=True)
    with Feeder(pipe, stage.samples, RATE) as feeder:
        running.start()
        while feeder.began is None:
            time.sleep(0.005)
        stage.began = feeder.began
        time.sleep(stage.duration + 0.5)
        nodes.stop()
    running.join(30)


def test_a_scene_through_devices_is_tracked_like_its_recording(tmp_path):
    sequence = simulate('two_crossing', SEED, tmp_path)
    bag = convert_sequence(tmp_path, sequence.name, 1, tmp_path / 'bag')
    replay(bag, out=tmp_path / 'replayed')
    replayed = evaluate(tmp_path / 'replayed', sequence, 1)

    stage = Stage(sequence)
    save_camera(tmp_path / 'camera.yaml', stage.rig.camera, frame='camera', parent='world')
    save_microphones(
        tmp_path / 'array.yaml', stage.rig.microphones, room=stage.rig.room, parent='world'
    )
    camera = MjpegCamera(picture=stage.picture, clock=time.time)
    run = tmp_path / 'live'
    with virtual_array() as array, private_environment() as environment:
        specs = node_set(
            {
                'camera_device': camera.address,
                'camera_calibration': str(tmp_path / 'camera.yaml'),
                'microphone_device': 'pulse',
                'array_calibration': str(tmp_path / 'array.yaml'),
                'out': str(run),
            }
        )
        pipe = array.use_pipe()
        play(stage, specs, {**environment, **array.environment}, pipe)
    camera.cut()

    on_the_clock_of_the_truth(run, stage, read_truth(sequence, 1).stamps)
    live = evaluate(run, sequence, 1)
    print({key: (live[key], replayed[key]) for key in ('mota', 'mae_px', 'ids', 'speaking_f1')})
    assert abs(live['mota'] - replayed['mota']) <= 2
    assert abs(live['mae_px'] - replayed['mae_px']) <= 1
