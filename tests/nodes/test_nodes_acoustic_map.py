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

"""The node of acoustic maps: sound joined to images by stamp, and views for listeners only."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_bench import ask, catch, facts_of, install, tell, tick, topics
from std_msgs.msg import Bool
from tiny_recording import make_rig

from av_tracker_nodes.acoustics import AcousticConfig, AcousticStage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Rig, RigidTransform
from av_tracker_nodes.nodes import acoustic_map, conversions, image_messages
from av_tracker_nodes.nodes.acoustic_map import AcousticMapNode
from av_tracker_nodes.types import NANOSECONDS, AudioBlock, Face, FaceFrame, ImageFrame

RATE = 16_000
START = 7 * NANOSECONDS
RIG = make_rig()
CAMERA, SIZE = RIG.camera, RIG.camera.size
BOX = np.array([150.0, 120, 30, 40])


@pytest.fixture
def make_node(start):
    def make(**parameters):
        node = start(AcousticMapNode, **parameters)
        install(node, CAMERA, RIG.microphones)
        tick(node)
        return node

    return make


@pytest.fixture(scope='module')
def sound():
    """Noise of a place, through the window of a second and a half."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.normal(size=round(1.5 * RATE)))
    frequency = np.fft.rfftfreq(round(1.5 * RATE), 1 / RATE)
    distance = np.linalg.norm(RIG.microphones.positions - [0.8, 0.1, 0.5], axis=1)
    turn = np.exp(-2j * np.pi * frequency * distance[:, None] / 343)
    return (0.02 * np.fft.irfft(spectrum * turn, round(1.5 * RATE)).T).astype(np.float32)


def stamp(seconds):
    return START + round(seconds * NANOSECONDS)


def cut(sound, sizes):
    """Blocks of these sizes, over and over."""
    first, number = 0, 0
    while first < len(sound):
        size = sizes[number % len(sizes)]
        yield AudioBlock(stamp(first / RATE), first, RATE, sound[first : first + size])
        first, number = first + size, number + 1


def faces_at(seconds):
    return FaceFrame(stamp(seconds), SIZE, (Face(BOX, 0.9, tracklet=1),))


def announce(node, seconds):
    """Tell of an image, of one without a stamp with None."""
    time = 0 if seconds is None else stamp(seconds)
    tell(node, 'camera_info', conversions.to_camera_info(CAMERA, time, 'camera'))


def see(node, seconds):
    tell(node, 'faces', conversions.to_faces(faces_at(seconds), 'camera'))


def hear(node, blocks):
    for block in blocks:
        given = (block.stamp, block.first_sample, RATE, block.samples)
        tell(node, 'audio', conversions.to_audio(*given, 'mic_array'))


def maps(node):
    return node.sent['acoustic_map']


def of_images(node):
    """Maps of images, without those at instants of the sound."""
    return [message for message in maps(node) if message.from_image]


def feed(node, sound, times, sizes, lost=()):
    """Images, faces and blocks in the order in which they end."""
    moments = [(time, 'image', time) for time in times]
    moments += [
        ((block.first_sample + len(block.samples)) / RATE, 'sound', block)
        for block in cut(sound, sizes)
        if block.first_sample not in lost
    ]
    for _, kind, what in sorted(moments, key=lambda moment: moment[:2]):
        if kind == 'sound':
            hear(node, [what])
        else:
            announce(node, what)
            see(node, what)


def reference(sound, seconds, rig=RIG):
    """What the stage makes of sound at the time of an image."""
    stage = AcousticStage(rig)
    for block in cut(sound, (RATE,)):
        stage.add(block)
    return stage.process(faces_at(seconds))


@pytest.mark.parametrize('sizes', [(160,), (147, 331, 64), (4000,), (1,) * 159 + (1,)])
def test_sound_is_joined_by_stamp_across_the_borders_of_blocks(make_node, sound, sizes):
    sound = sound[: RATE // 2] if sizes[0] == 1 else sound
    # Between samples, on the border of a block, in its middle.
    times = [0.3, 0.34, 0.380_031, 0.413_33]
    node = make_node(patience=1.0)
    feed(node, sound, times, sizes)
    answers = {
        conversions.stamp_of_time(message.header.stamp): conversions.from_acoustic_map(message)
        for message in maps(node)
    }
    for time in times:
        expected, given = reference(sound, time), answers[stamp(time)]
        assert given.coverage == 1
        np.testing.assert_array_equal(given.values, expected.values)
        np.testing.assert_array_equal(given.faces[0].values, expected.faces[0].values)
        np.testing.assert_allclose(given.peaks[0].position, expected.peaks[0].position, atol=1e-9)


def test_a_map_waits_for_its_sound_and_uses_none_of_the_future(make_node, sound):
    node = make_node()
    pending = list(cut(sound, (160,)))
    hear(node, pending[:50])
    announce(node, 0.505)
    see(node, 0.505)
    assert of_images(node) == []
    hear(node, pending[50:51])
    (found,) = map(conversions.from_acoustic_map, of_images(node))
    heard = sound[: round(0.505 * RATE)]
    np.testing.assert_array_equal(found.values, reference(heard, 0.505).values)


def test_a_gap_shows_in_coverage_and_diagnostics(make_node, sound):
    node = make_node()
    feed(node, sound[: RATE * 41 // 100], [0.36, 0.4], (160,), range(4000, 4800, 160))
    assert 0 < of_images(node)[-1].coverage < 1
    report = facts_of(node)
    assert report['lost samples'] == '800'
    assert float(report['coverage']) == pytest.approx(maps(node)[-1].coverage, abs=1e-3)


def test_latency_and_work_are_in_the_diagnostics(make_node, sound):
    node = make_node()
    node.clock = SimpleNamespace(now=lambda: stamp(0.6) + 25_000_000)
    feed(node, sound[: RATE * 61 // 100], [0.52, 0.56, 0.6], (160,))
    report = facts_of(node)
    assert float(report['latency median (ms)']) == pytest.approx(65)
    assert float(report['latency p99 (ms)']) == pytest.approx(105, abs=1)
    assert 0 < float(report['work median (ms)']) < 1000
    assert report['out'] == str(len(maps(node)))


class TestViews:
    def answered(self, make_node, sound, **listeners):
        node = make_node()
        for name, count in listeners.items():
            node.sent[f'acoustic_map/{name}'].listeners = count
        feed(node, sound[: RATE * 41 // 100], [0.3, 0.34, 0.38], (160,))
        assert len(maps(node)) >= 3
        return node

    def test_nobody_listens_and_nothing_is_made(self, make_node, sound, monkeypatch):
        for name in ('nodes.acoustic_views.to_points', 'viewing.sound.draw_overlay'):
            monkeypatch.setattr(
                f'av_tracker_nodes.{name}', lambda *_: pytest.fail('made for nobody')
            )
        node = self.answered(make_node, sound)
        assert node.sent['acoustic_map/points'] == []
        assert '/image_raw' not in topics(node)

    def test_points_for_those_who_listen(self, make_node, sound):
        node = self.answered(make_node, sound, points=1)
        clouds = node.sent['acoustic_map/points']
        assert len(clouds) == len(maps(node))
        assert clouds[0].header == maps(node)[0].header
        values = np.frombuffer(clouds[0].data, np.float32).reshape(-1, 4)
        np.testing.assert_array_equal(values[:, 3], maps(node)[0].values)
        assert '/image_raw' not in topics(node)

    def test_images_are_fetched_only_for_the_overlay(self, make_node, sound):
        node = self.answered(make_node, sound, overlay=1)
        picture = ImageFrame(stamp(0.4), np.full((288, 360, 3), 90, np.uint8))
        message = image_messages.to_image(picture, 'camera')
        tell(node, 'image_raw', message)
        announce(node, 0.4)
        see(node, 0.4)
        (drawn,) = node.sent['acoustic_map/overlay']
        assert drawn.header == message.header
        assert bytes(drawn.data) != bytes(message.data)


def test_settings_reach_the_stage(make_node, monkeypatch):
    made = catch(monkeypatch, acoustic_map, 'SoundMapper')
    make_node(measure='stgcf', across=True, stgcf_best=5)
    assert made[0].stage.config == AcousticConfig(across=True, stgcf_best=5)
    with pytest.raises(InputError, match='stgcf_best'):
        make_node(stgcf_best=16)


def test_a_camera_that_moves_builds_no_stage_anew(make_node, sound, monkeypatch):
    made = catch(monkeypatch, acoustic_map, 'SoundMapper')
    node = make_node()
    stage = made[0].stage
    assert stage is not None
    moved = Rig(CAMERA.in_frame(RigidTransform(np.eye(3), np.array([0.1, 0, 0]))), RIG.microphones)
    install(node, moved.camera)
    feed(node, sound[: RATE // 2], [0.3], (160,))
    assert made[0].stage is stage
    found = conversions.from_acoustic_map(of_images(node)[0])
    expected = reference(sound[: RATE // 2], 0.3, moved)
    np.testing.assert_array_equal(found.values, expected.values)


class TestRobotSpeaking:
    def test_its_voice_is_left_out_and_its_echo(self, make_node, sound):
        node = make_node(robot_speaking_hold=0.2)
        told = {0.5: True, 0.8: False}
        begin = 0.0
        for moment in (*told, len(sound) / RATE):
            part = sound[round(begin * RATE) : round(moment * RATE)]
            for block in cut(part, (160,)):
                first = round(begin * RATE) + block.first_sample
                hear(node, [replace(block, stamp=stamp(first / RATE), first_sample=first)])
            if moment in told:
                tell(node, 'robot_speaking', Bool(data=told[moment]))
            begin = moment
        heard = {
            conversions.stamp_of_time(message.header.stamp): bool(message.peaks)
            for message in maps(node)
        }
        muted = [time for time, has_peaks in heard.items() if not has_peaks]
        assert min(muted) >= stamp(0.5)
        assert max(muted) < stamp(1.0)
        assert len(muted) == pytest.approx(0.5 / 0.04, abs=1.1)
        report = facts_of(node)
        assert report['muted'] == str(len(muted))
        assert report['robot speaks'] == 'False'
        silent = next(m for m in maps(node) if not m.peaks)
        assert silent.coverage == 0
        assert not np.any(silent.values)

    def test_it_talks_on_after_the_recording_has_begun_anew(self, make_node, sound):
        node = make_node()
        blocks = list(cut(sound, (160,)))
        hear(node, blocks[:100])
        tell(node, 'robot_speaking', Bool(data=True))
        before = len(maps(node))
        hear(node, blocks[:100])
        assert node.counts['resets'] == 1
        again = maps(node)[before:]
        assert again
        assert not any(message.peaks for message in again)


def test_disabled_it_maps_nothing_and_enabled_it_starts_afresh(make_node, sound):
    node = make_node()
    blocks = list(cut(sound, (160,)))
    hear(node, blocks[:60])
    assert maps(node)
    ask(node, 'enable', data=False)
    maps(node).clear()
    hear(node, blocks[60:100])
    assert maps(node) == []
    ask(node, 'enable', data=True)
    hear(node, blocks[100:])
    first = conversions.from_acoustic_map(maps(node)[0])
    # 0.2 s after the first sound, as at the start, and nothing from before it.
    assert first.stamp == stamp(1.0) + round(0.21 * NANOSECONDS)
    assert first.coverage < 1
    assert 'lost samples' not in facts_of(node)


class TestClocks:
    def hear_and_see(self, node, sound, apart, infos=True):
        """A second of sound, and images whose clock is `apart` seconds ahead."""
        for number, block in enumerate(cut(sound, (160,))):
            hear(node, [block])
            if number % 4 == 0:
                ahead = apart + number / 100
                announce(node, ahead if infos else None)
                see(node, ahead)
        tick(node)

    @pytest.mark.parametrize('infos', [True, False])
    def test_images_of_another_clock_are_answered_and_the_clocks_are_a_fault(
        self, make_node, sound, infos
    ):
        node = make_node()
        self.hear_and_see(node, sound, 3600.0, infos)
        assert len(of_images(node)) == len(range(0, len(sound) // 160, 4))
        status = node.diagnose()
        assert status.level == DiagnosticStatus.ERROR
        assert 'audio_offset:=3600' in status.message or 'audio_offset:=3599.9' in status.message

    @pytest.mark.parametrize('infos', [True, False])
    def test_an_audio_offset_mends_it(self, make_node, sound, infos):
        node = make_node(audio_offset=3600.0)
        self.hear_and_see(node, sound, 3600.0, infos)
        assert node.diagnose().level != DiagnosticStatus.ERROR
        assert of_images(node)[-1].coverage > 0.9

    def test_faces_far_behind_their_camera_info_are_no_other_clock(self, start, sound):
        node = start(AcousticMapNode)
        for number in range(300):
            announce(node, number / 25)
            hear(node, [AudioBlock(stamp(number / 25), number * 640, RATE, sound[:640])])
            if number >= 25:
                see(node, (number - 25) / 25)
        tick(node)
        assert node.diagnose().level != DiagnosticStatus.ERROR
