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

"""Whole files of every kind that is read, the readers, and what is changed in the files."""

import random
import re
import resource
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import mini_corpus
import numpy as np
import soundfile
from builders import make_track
from mini_corpus import NAME
from scipy.io import savemat
from tiny_network import write_network

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.picture_files import read_image
from av_tracker_nodes.fusion import open_fusion
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, RigidTransform
from av_tracker_nodes.geometry.calibration import (
    load_camera,
    load_microphones,
    load_mounting,
    load_room,
)
from av_tracker_nodes.geometry.rig_files import find_rig, load_rig_description
from av_tracker_nodes.recordings.bag import BagReader, BagWriter
from av_tracker_nodes.recordings.tracks_csv import TrackWriter, read_run, read_tracks
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.av163_calibration import read_camera
from av_tracker_nodes.research.datasets.av163_truth import (
    read_boxes,
    read_image_mouth,
    read_mouth,
    read_speech,
    read_static,
)
from av_tracker_nodes.research.datasets.mat_files import load_mat
from av_tracker_nodes.research.datasets.sound_files import open_sound, read_sound
from av_tracker_nodes.research.evaluation.mot_format import read_mot
from av_tracker_nodes.types import AudioBlock, ImageFrame, TrackFrame

SECOND = 1_000_000_000
WORDS = [
    b'nan', b'inf', b'-inf', b'-1', b'0', b'1e308', b'1e-308', b'9' * 25, b'9' * 5000, b'', b' ',
    b'\n', b'\0', b'\xff\xfe', b'\xe9', b'[', b']', b'{', b'}', b': ', b'- ', b'&a ', b'*a',
    b'<<: ', b'!!binary ', b'2001-99-99', b'~', b'true', b'"', b',', b'/dev/zero',
    b'\x7f\xff\xff\xff', b'\xff' * 8, b'\0' * 8, b'[' * 3000,
]  # fmt: skip
_NUMBER = re.compile(rb'-?\d+(\.\d+)?')


def mutated(content, chance):
    """A copy of some bytes in which one to four things are changed; in half of all, in place."""
    content = bytearray(content)
    kinds = chance.choice([(0, 1, 6), range(8)])
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        length = chance.choice([1, 1, 2, 4, 8, 30, 300])
        kind = chance.choice(kinds)
        if kind == 0 and content:
            content[at % len(content)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            content[at : at + length] = chance.randbytes(length)
        elif kind == 2:
            del content[at : at + length]
        elif kind == 3:
            content[at:at] = content[at : at + length]
        elif kind == 4:
            content[at:at] = chance.choice(WORDS)
        elif kind == 5:
            del content[at:]
        elif kind == 6:
            content[at : at + 8] = chance.choice(WORDS)[:8].ljust(8, b'\0')
        elif numbers := list(_NUMBER.finditer(content[:20_000])):
            content[slice(*chance.choice(numbers).span())] = chance.choice(WORDS)
    return bytes(content)


def write_bag(folder):
    """A bag of half a second, with all kinds of messages that a tracker reads."""
    camera = Camera(30, 30, 16, 12, (32, 24), pose=RigidTransform())
    microphones = MicrophoneArray(np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]]))
    rig = Rig(camera, microphones)
    noise = np.random.default_rng(1)
    with BagWriter(folder / 'bag') as bag:
        bag.write_rig(rig, SECOND)
        for k in range(4):
            stamp = SECOND + k * SECOND // 25
            samples = noise.normal(0, 0.1, (160, 3)).astype(np.float32)
            bag.write_audio(AudioBlock(stamp, 160 * k, 16_000, samples))
            image = ImageFrame(stamp, noise.integers(0, 255, (24, 32, 3), np.uint8))
            bag.write_image(image, camera, compressed=k % 2 == 0)
            bag.write_moving_frame('base', RigidTransform(), stamp)


def read_bag(path):
    with BagReader(path) as bag:
        for look in (bag.check, bag.clock_problems, bag.rig, bag.ground_truth):
            with suppress(InputError):
                look()
        list(bag.raw())
        list(bag.stream())


def write_tracks(folder):
    writer = TrackWriter(folder)
    for k in range(4):
        person = make_track(1, np.ones(3), box=(1, 2, 3, 4))
        writer.write(TrackFrame(10 * SECOND + 40_000_000 * k, (person,)))
    writer.close({'model': 'avclnet', 'frames_in': 4})


def write_corpus(folder):
    mini_corpus.write_sequence(folder, calibration='session10')
    mini_corpus.write_calibration(folder / 'session10')
    rows = np.column_stack([np.arange(5), np.arange(5), np.ones(5), np.ones((5, 3))])
    for name in ('a.3dmouthgt', 'a.mouthgt', 'a.boxes', 'a.speech'):
        np.savetxt(folder / name, rows)
    static = {'p3d': np.ones((3, 4)), 'sp_seg': [[1.0, 2.0]], 'pos_ind': 2}
    savemat(folder / 'a_gt.mat', {'static_gt': static})
    savemat(folder / 'cells.mat', {'c': np.array([np.eye(3), 'text'], object), 'x': np.eye(4)})


def read_wav(path):
    with open_sound(path, 1, 16_000) as file:
        while len(read_sound(file, 16_000)):
            pass


def write_sources(folder):
    """Write all whole files."""
    write_bag(folder)
    write_tracks(folder)
    write_corpus(folder)
    (folder / 'rig.yaml').write_bytes(find_rig('azure_kinect').read_bytes())
    (folder / 'camera.yaml').write_text(
        'image_width: 640\nimage_height: 480\ncamera_matrix: {data: [500, 0, 320, 0, 500, 240, 0, '
        '0, 1]}\ndistortion_model: plumb_bob\ndistortion_coefficients: {data: [-0.1, 0.01, 0, 0, '
        '0]}\nframe: cam\npose: {parent: world, xyz: [0, 0, 1], quaternion: [0, 0, 0, 1]}\n'
    )
    (folder / 'array.yaml').write_text(
        'name: a\nsample_rate: 16000\nframe: mic\nmicrophones:\n- {channel: 0, xyz: [0, 0, 0]}\n'
        '- circle: {radius: 0.04, count: 6, start_angle_deg: 90, direction: clockwise}\n'
        '  first_channel: 1\nroom: {minimum: [-2, -2, 0], maximum: [2, 2, 2], obstacles: '
        '[{minimum: [0, -1, 0], maximum: [1, 1, 0.7]}]}\n'
        'uncertainty: {angle_deg: 4, position_m: 0.03}\n'
    )
    (folder / 'mot.txt').write_text('1,7,101,51,20,30,0.8,0.5,1.5,0.25\n3,9,1,1,4,5,1,-1,-1,-1\n')
    write_network(folder / 'network.onnx', [0.0] * 8)
    image = np.random.default_rng(2).integers(0, 255, (24, 32, 3), np.uint8)
    for name in ('a.png', 'a.jpg', 'a.webp'):
        cv2.imwrite(str(folder / name), image)
    soundfile.write(folder / 'a.wav', np.zeros(40), 16_000)


def beside(name):
    """Read a text file of the calibration of a corpus."""
    return lambda path: read_camera(path.parent, 1)


SEQUENCE = f'{NAME}'
READERS = {
    'camera (YAML)': ('camera.yaml', [load_camera, lambda path: load_mounting(path, 'camera')]),
    'array (YAML)': ('array.yaml', [load_microphones, load_room]),
    'rig (YAML)': ('rig.yaml', [load_rig_description]),
    'bag (MCAP)': ('bag/bag.mcap', [read_bag]),
    'metadata of a bag (YAML)': ('bag/metadata.yaml', [lambda path: read_bag(path.parent)]),
    'tracks (CSV)': ('tracks.csv', [read_tracks]),
    'covariances (CSV)': ('tracks_covariance.csv', [lambda path: read_tracks(path.parent)]),
    'summary (JSON)': ('run.json', [lambda path: read_run(path.parent)]),
    'tracks (MOT)': ('mot.txt', [lambda path: read_mot(path, np.arange(9))]),
    'mouths': ('a.3dmouthgt', [read_mouth]),
    'mouths in images': ('a.mouthgt', [read_image_mouth]),
    'boxes': ('a.boxes', [read_boxes]),
    'speech': ('a.speech', [read_speech]),
    'truth (MAT)': ('a_gt.mat', [lambda path: read_static(path, None)]),
    'cells (MAT)': ('cells.mat', [load_mat]),
    'projection': ('session10/camera1.Pmat.cal', [beside('projection')]),
    'lens (.rad)': ('session10/cam1.rad', [beside('lens')]),
    'alignment (MAT)': ('session10/rigid010203.mat', [beside('alignment')]),
    'timings': (
        f'{SEQUENCE}/{SEQUENCE}_timings_cam1',
        [lambda path: Av163(path.parent.parent).sequence(SEQUENCE).image_stamps(1)],
    ),
    'network (ONNX)': ('network.onnx', [open_fusion]),
    'picture (PNG)': ('a.png', [read_image]),
    'picture (JPEG)': ('a.jpg', [read_image]),
    'picture (WebP)': ('a.webp', [read_image]),
    'sound (WAV)': ('a.wav', [read_wav]),
}
"""What is read: its file, and all that reads it."""


@dataclass
class Outcome:
    """What became of the inputs of a reader."""

    counts: Counter
    odd: list
    slowest: float
    megabytes: float

    def line(self, name):
        tried = sum(self.counts.values())
        refused, accepted, other = (self.counts[k] for k in ('refused', 'accepted', 'other'))
        return f'| {name} | {tried} | {refused} | {accepted} | {other} | {self.slowest:.2f} s |'


TABLE = ['| input | tried | refused | accepted | else | slowest |', '|---|---|---|---|---|---|']


def try_reader(folder: Path, name: str, count: int) -> Outcome:
    """Give a reader changed files; which, its name and the number of each decide."""
    file, readers = READERS[name]
    path = folder / file
    whole = path.read_bytes()
    outcome = Outcome(Counter(), [], 0.0, 0.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        for k in range(count):
            content = mutated(whole, random.Random(f'{name}/{k}'))
            path.write_bytes(content)
            begin = time.process_time()
            for read in readers:
                outcome.counts[_result(read, path, k, outcome.odd)] += 1
            outcome.slowest = max(outcome.slowest, time.process_time() - begin)
    finally:
        path.write_bytes(whole)
    outcome.megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    return outcome


def _result(read, path, number, odd):
    try:
        read(path)
    except InputError as error:
        message = str(error)
        if message and len(message) < 288 and message.isprintable():
            return 'refused'
        odd.append((number, f'message: {message!r}'))
        return 'other'
    except Exception as error:
        odd.append((number, repr(error)[:300]))
        return 'other'
    return 'accepted'
