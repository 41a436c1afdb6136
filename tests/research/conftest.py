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

import shutil

import mini_cav3d
import mini_corpus
import numpy as np
import pytest
from builders import LOOKS_ALONG_X, make_track
from scipy.io import savemat

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.recordings.tracks_csv import TrackWriter, read_tracks
from av_tracker_nodes.research.datasets.person_truth import PersonTruth
from av_tracker_nodes.research.evaluation.matching import Matching
from av_tracker_nodes.research.evaluation.truth import Truth
from av_tracker_nodes.types import Modality, TrackFrame

PERIOD = 40_000_000
START = 10_000_000_000

# Looks along world x, from the origin of the world; z is up.
POSE = RigidTransform(LOOKS_ALONG_X)
CAMERA = Camera(300.0, 300.0, 180.0, 144.0, (360, 288), pose=POSE)
ARRAY = MicrophoneArray(np.array([[0.1, 0, 0], [-0.1, 0, 0], [0, 0.1, 0], [0, -0.1, 0]]))
RIG = Rig(CAMERA, ARRAY)


class World:
    """Builds truth and tracks of hand-made scenes."""

    camera = CAMERA
    rig = RIG
    start = START
    period = PERIOD

    def person(self, number, mouth, speaking=None, away=None):
        mouth = np.asarray(mouth, float)
        box = face_box(CAMERA, mouth)
        visible = CAMERA.contains(box[:, :2] + box[:, 2:] / 2)
        pixel = CAMERA.project(mouth)
        return PersonTruth(number, mouth, box, visible, speaking, away, pixel)

    def truth(self, *people, scored=None):
        count = len(people[0].mouth)
        stamps = START + PERIOD * np.arange(count, dtype=np.int64)
        scored = np.ones(count, bool) if scored is None else scored
        return Truth('sim00001-1p-0000', 1, True, RIG, stamps, people, scored)

    def track(self, number, mouth, offset=(0, 0), speaking=0.0, boxed=True, sigma=0.1, **changes):
        """Track at a mouth, its box moved by an offset in pixels."""
        mouth = np.asarray(mouth, float)
        box = face_box(CAMERA, mouth) + np.array([*offset, 0, 0])
        values = {
            'covariance': np.diag([sigma**2] * 3 + [1.0] * 3),
            'speaking': speaking,
            'existence': 0.9,
            'modalities': Modality.VISUAL,
        } | changes
        boxed = boxed and values['modalities'] & Modality.VISUAL
        return make_track(number, mouth, speaking > 0.5, box if boxed else None, **values)

    def frames(self, count, *tracks):
        """The same tracks in each of some images."""
        return [TrackFrame(START + PERIOD * index, tracks) for index in range(count)]

    def write(self, directory, frames, run=None):
        """Write a run: a list of tracks for each image."""
        writer = TrackWriter(directory)
        for index, tracks in enumerate(frames):
            writer.write(TrackFrame(START + PERIOD * index, tuple(tracks)))
        writer.close(run or {})
        return directory

    def write_sequence(self, root, people, name='sim00001-1p-0000'):
        """Write the files of a sequence that an evaluation reads; `people` as for `truth`."""
        folder = root / name
        (folder / 'CAM').mkdir(parents=True)
        count = len(people[0].mouth)
        lines = [f'00:00:10.00 {10 + i * 0.04:.2f} {i + 1}' for i in range(count)]
        (folder / f'{name}_timings_cam1').write_text('\n'.join(lines))
        K = CAMERA.matrix + np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
        rotation = POSE.rotation.T
        np.savetxt(folder / 'CAM' / 'camera1.Pmat.cal', K @ np.c_[rotation, np.zeros(3)])
        rad = [f'K{i // 3 + 1}{i % 3 + 1} = {value}' for i, value in enumerate(K.ravel())]
        rad += ['', *(f'kc{i} = 0' for i in range(1, 5))]
        (folder / 'CAM' / 'cam1.rad').write_text('\n'.join(rad))
        savemat(folder / 'CAM' / 'rigid010203.mat', {'rigid': {'Pmat': np.eye(4)}})
        for person in people:
            stem = f'{name}-person{person.person}'
            rows = [f'{10 + i * 0.04} 0 {x} {y} {z}' for i, (x, y, z) in enumerate(person.mouth)]
            (folder / f'{stem}-interpolated.3dmouthgt').write_text('\n'.join(rows))
            if person.speaking is not None:
                edges = np.flatnonzero(np.diff(np.r_[0, person.speaking, 0]))
                spans = (10 - 0.02 + 0.04 * edges).reshape(-1, 2)
                np.savetxt(folder / f'{stem}.speech', spans, fmt='%.3f')
        return folder


@pytest.fixture(scope='session')
def world():
    return World()


@pytest.fixture
def match(world, tmp_path):
    """Match the people of a hand-made truth with a list of tracks for each image."""

    def run(people, frames, scoring=None, scored=None):
        tracks = read_tracks(world.write(tmp_path / 'run', frames))
        return Matching(world.truth(*people, scored=scored), tracks, scoring)

    return run


@pytest.fixture(scope='session')
def av163(tmp_path_factory):
    """Root of a corpus with seq24 of two people, of 30 images, that no test may change."""
    root = tmp_path_factory.mktemp('av163')
    mini_corpus.write_sequence(root)
    return root


@pytest.fixture(scope='session')
def cav3d(tmp_path_factory):
    """Root of a corpus with seq22 of two people that no test may change."""
    root = tmp_path_factory.mktemp('cav3d')
    mini_cav3d.write_sequence(root)
    return root


@pytest.fixture
def corpus(av163, tmp_path):
    """Root of a corpus to damage."""
    return shutil.copytree(av163, tmp_path / 'AV163')
