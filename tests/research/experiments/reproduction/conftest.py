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


import numpy as np
import pytest

from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.recordings.tracks_csv import TRACKS_HEADER
from av_tracker_nodes.research.datasets.recordings import open_recording


@pytest.fixture(scope='session')
def perfect(tmp_path_factory, cav3d):
    """Tracks of seq22 in the format of MOTChallenge, right to a pixel to the left."""
    folder = tmp_path_factory.mktemp('others')
    write_mot(folder / 'seq22-cam5.txt', cav3d / 'seq22', shift=-1.0)
    return folder


def write_mot(path, sequence, shift=0.0, camera=5):
    """Write the truth of a sequence as tracks, moved to the right by `shift` pixels."""
    recording = open_recording(sequence)
    view = recording.camera(camera)
    times = recording.image_stamps(camera) / 1e9
    lines = []
    for person in recording.people:
        mouths = recording.mouth(person).at(times)
        for frame, (mouth, box) in enumerate(zip(mouths, face_box(view, mouths), strict=True), 1):
            # Put the mouth of the box, at three quarters of its height, on that of the truth.
            width, height = box[2:]
            u, v = view.project(mouth) + np.array([shift, 0])
            left, top = u - width / 2 + 1, v - 0.75 * height + 1
            row = [frame, person, left, top, width, height, 1, *mouth]
            lines.append(','.join(f'{value:.6f}' for value in row))
    path.write_text('\n'.join(lines) + '\n')


@pytest.fixture(scope='session')
def write_tracks():
    """Write the truth as the tracks of somebody else: each person at each image is a row."""

    def write(path, truth, digits=9):
        lines = [','.join(TRACKS_HEADER)]
        for frame, stamp in enumerate(truth.stamps):
            for person in truth.people:
                box = ','.join(f'{value:.3f}' for value in person.box[frame])
                mouth = ','.join(f'{value:.5f}' for value in person.mouth[frame])
                said = 0.0 if person.speaking is None else float(person.speaking[frame])
                row = f'{stamp / 1e9:.{digits}f},{frame},{person.person},{box},{mouth},{said},0.9'
                lines.append(row)
        path.write_text('\n'.join(lines) + '\n')

    return write
