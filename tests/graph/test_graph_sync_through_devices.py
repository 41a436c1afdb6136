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

"""Claps before a sound card and a network camera: their offset is measured live."""

import re
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from claps import METRES, RATE, SECONDS, SOUND, clap_times, flash_picture, sound_of
from mjpeg_server import MjpegCamera
from tiny_recording import make_rig
from virtual_array import Feeder, virtual_array

from av_tracker_nodes.geometry.calibration import save_camera, save_microphones
from av_tracker_nodes.launching.node_set import node_set
from av_tracker_nodes.launching.processes import Supervisor, private_environment

pytestmark = [pytest.mark.slow, pytest.mark.graph, pytest.mark.timeout(180)]

LATE = 0.080
"""The camera stamps its pictures so much later than they were taken (s)."""


def test_the_offset_of_a_camera_that_stamps_late_is_measured(tmp_path):
    rng = np.random.default_rng(4)
    claps, rig = clap_times(rng), make_rig()
    sound = np.rint(sound_of(claps, rng) * 2**14).astype('<i2')
    save_microphones(tmp_path / 'array.yaml', rig.microphones)
    save_camera(tmp_path / 'camera.yaml', rig.camera)

    def picture():
        now = time.time()
        since = (now - LATE - (feeder.began or now)) % SECONDS
        grey = cv2.resize(flash_picture(since, claps, rng), rig.camera.size)
        return now, cv2.imencode('.jpg', grey)[1].tobytes()

    with virtual_array() as array, private_environment() as environment:
        environment |= array.environment
        devices = {
            'camera_calibration': str(tmp_path / 'camera.yaml'),
            'microphone_device': 'pulse',
            'array_calibration': str(tmp_path / 'array.yaml'),
        }
        with Feeder(array.use_pipe(), sound, RATE) as feeder:
            camera = MjpegCamera(picture=picture, clock=time.time)
            specs = node_set({**devices, 'camera_device': camera.address})
            capture = [s for s in specs if s.executable in ('camera', 'microphone_array')]
            assert len(capture) == 2
            nodes = Supervisor(capture, environment)
            running = threading.Thread(target=nodes.run, daemon=True)
            running.start()
            command = [sys.executable, '-m', 'av_tracker_nodes.cli', 'check', 'sync']
            command += ['--distance', str(METRES * 343.0 / SOUND)]
            check = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            # Nodes and clocks need a while; then all claps once.
            time.sleep(8 + SECONDS)
            check.send_signal(signal.SIGINT)
            said, complaints = check.communicate(timeout=60)
            nodes.stop()
        running.join(30)
        camera.cut()
    assert check.returncode == 0, complaints
    offset = float(re.search(r'audio_offset:=(\S+)', said)[1])
    assert offset == pytest.approx(LATE, abs=0.02), said
