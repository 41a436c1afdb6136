# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Devices and what people look at."""

import builtins
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

if importlib.util.find_spec('rclpy') is None:
    pytest.skip('needs rclpy', allow_module_level=True)

import rclpy
from rclpy.parameter import Parameter
from visualization_msgs.msg import Marker

from av_tracker_nodes.datasets.messages import from_audio
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.nodes import conversions, microphone_array
from av_tracker_nodes.nodes.acoustic_views import draw_overlay, to_points
from av_tracker_nodes.nodes.markers import TrackMarkers
from av_tracker_nodes.nodes.sample_clock import BlockTime
from av_tracker_nodes.nodes.sound_device import find_input, load_sounddevice
from av_tracker_nodes.types import AcousticMap, Modality, Track, TrackFrame, TrackState

CALIBRATION = Path(__file__).resolve().parents[2] / 'calibration'
DEVICES = [
    {'name': 'HDA Intel: Analog', 'max_input_channels': 2},
    {'name': 'ReSpeaker 6 Mic Array: USB', 'max_input_channels': 8},
    {'name': 'miniDSP UMA-16: USB', 'max_input_channels': 16},
    {'name': 'HDMI', 'max_input_channels': 0},
]


class TestFindInput:
    def test_by_part_of_the_name_whatever_the_case(self):
        assert find_input(DEVICES, 'respeaker', 6) == 1

    def test_by_index(self):
        assert find_input(DEVICES, '2', 16) == 2

    def test_the_only_one_with_enough_channels(self):
        assert find_input(DEVICES, '', 9) == 2

    def test_an_exact_name_beats_parts_of_others(self):
        devices = [*DEVICES, {'name': 'USB', 'max_input_channels': 8}]
        assert find_input(devices, 'USB', 8) == 4

    @pytest.mark.parametrize('wanted', ['usb', 'hdmi', '0', '9', 'kinect'])
    def test_says_what_there_is(self, wanted):
        with pytest.raises(InputError, match=r'1: ReSpeaker 6 Mic Array: USB \(8 channels\)'):
            find_input(DEVICES, wanted, 4)


def test_missing_portaudio_is_named(monkeypatch):
    real = builtins.__import__

    def without_portaudio(name, *arguments, **keywords):
        if name == 'sounddevice':
            raise OSError('PortAudio library not found')
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, '__import__', without_portaudio)
    with pytest.raises(InputError, match='libportaudio2'):
        load_sounddevice()


class FakeSoundDevice:
    """A sound library whose card is driven by the test."""

    def __init__(self):
        self.streams = []

    def query_devices(self):
        return DEVICES

    def RawInputStream(self, **settings):  # noqa: N802
        stream = SimpleNamespace(
            settings=settings, active=True, start=lambda: None, close=lambda: None
        )
        self.streams.append(stream)
        return stream


class TestMicrophoneArray:
    @pytest.fixture
    def library(self, monkeypatch):
        library = FakeSoundDevice()
        monkeypatch.setattr(microphone_array, 'load_sounddevice', lambda: library)
        return library

    @pytest.fixture
    def node(self, library):
        context = rclpy.Context()
        context.init()
        overrides = [
            Parameter('calibration', value=str(CALIBRATION / 'minidsp_uma16.yaml')),
            Parameter('device', value='uma-16'),
        ]
        node = microphone_array.MicrophoneArrayNode(context=context, parameter_overrides=overrides)
        node.blocks = []
        node._samples = SimpleNamespace(publish=node.blocks.append)
        yield node
        node.destroy_node()
        context.try_shutdown()

    def capture(self, node, library, late=0.0, overflow=False):
        settings = library.streams[-1].settings
        data = np.arange(160 * 16, dtype=np.int16).reshape(160, 16)
        times = SimpleNamespace(currentTime=5.0 + late, inputBufferAdcTime=5.0 - 0.02)
        status = SimpleNamespace(input_overflow=overflow)
        settings['callback'](data.tobytes(), 160, times, status)

    def test_opens_the_card_that_was_asked_for(self, node, library):
        settings = library.streams[0].settings
        assert settings['device'] == 2
        assert settings['channels'] == 16
        assert settings['blocksize'] == settings['samplerate'] // 100

    def test_stamps_are_of_the_first_sample_when_it_was_captured(self, node, library):
        before = node.get_clock().now().nanoseconds
        self.capture(node, library)
        after = node.get_clock().now().nanoseconds
        stamp = conversions.stamp_of_time(node.blocks[0].header.stamp)
        assert before - 20_000_001 <= stamp <= after - 19_999_999
        block = from_audio(node.blocks[0])
        np.testing.assert_allclose(block.samples[3, 5] * 32768, 3 * 16 + 5)

    def test_lost_samples_are_a_gap_in_the_counter(self, node, library):
        clock = SimpleNamespace(block=lambda frames, reading: BlockTime(1.0, lost=480), drift=0)
        self.capture(node, library)
        node._clock_of_samples = clock
        self.capture(node, library, overflow=True)
        assert [block.first_sample for block in node.blocks] == [0, 160 + 480]
        assert node.counts['lost samples'] == 480
        assert node.counts['overruns'] == 1

    def test_temperature_sets_the_speed_of_sound(self, library):
        context = rclpy.Context()
        context.init()
        overrides = [
            Parameter('calibration', value=str(CALIBRATION / 'minidsp_uma16.yaml')),
            Parameter('device', value='uma-16'),
            Parameter('temperature', value=30.0),
        ]
        node = microphone_array.MicrophoneArrayNode(context=context, parameter_overrides=overrides)
        assert node._microphones.speed_of_sound == pytest.approx(349.0, abs=0.1)
        node.destroy_node()
        overrides[-1] = Parameter('temperature', value=300.0)
        with pytest.raises(InputError, match='no temperature of a room'):
            microphone_array.MicrophoneArrayNode(context=context, parameter_overrides=overrides)
        context.try_shutdown()

    def test_speed_of_sound_is_that_of_the_file_otherwise(self, node):
        assert node._microphones.speed_of_sound == 343.0

    def test_a_card_that_stops_is_opened_again(self, node, library):
        library.streams[0].active = False
        node._watch()
        assert len(library.streams) == 2
        assert 'has stopped' in node.problems['device']
        node._watch()
        assert 'device' not in node.problems


def track(number, x, state=TrackState.CONFIRMED):
    return Track(
        number,
        state,
        np.array([x, 0.0, 0.0]),
        np.zeros(3),
        np.diag([0.01, 0.04, 0.09, 1, 1, 1]),
        None,
        0.9,
        True,
        1.0,
        Modality.AUDIO,
        0,
    )


class TestMarkers:
    def test_draws_everybody_and_deletes_who_has_gone(self):
        markers = TrackMarkers()
        first = markers.draw(TrackFrame(1, (track(1, 0), track(2, 1))), 'world').markers
        assert {(m.ns, m.id) for m in first} == {
            (kind, number) for kind in ('head', 'name', 'trail', 'covariance') for number in (1, 2)
        }
        second = markers.draw(TrackFrame(2, (track(2, 1),)), 'world').markers
        assert {m.id for m in second if m.action == Marker.DELETE} == {1}
        third = markers.draw(TrackFrame(3, ()), 'world').markers
        assert all(m.action == Marker.DELETE and m.id == 2 for m in third)
        assert markers.draw(TrackFrame(4, ()), 'world').markers == []

    def test_trail_grows(self):
        markers = TrackMarkers()
        for step in range(5):
            drawn = markers.draw(TrackFrame(step, (track(1, step),)), 'world').markers
        trail = next(m for m in drawn if m.ns == 'trail')
        assert [p.x for p in trail.points] == [0, 1, 2, 3, 4]

    def test_ellipsoid_has_three_sigma(self):
        drawn = TrackMarkers().draw(TrackFrame(1, (track(1, 0),)), 'world').markers
        scale = next(m for m in drawn if m.ns == 'covariance').scale
        np.testing.assert_allclose(sorted([scale.x, scale.y, scale.z]), [0.6, 1.2, 1.8])

    def test_tentative_tracks_are_not_drawn(self):
        frame = TrackFrame(1, (track(1, 0, TrackState.TENTATIVE),))
        assert TrackMarkers().draw(frame, 'world').markers == []


def make_map(peak_row, peak_column):
    values = np.zeros((96, 120), np.float32)
    values[peak_row, peak_column] = 0.5
    return AcousticMap(0, 0, 'gcf', values, 3.0, 2.0, 1.0)


def test_points_project_back_to_their_pixels():
    camera = Camera(350.0, 350.0, 179.5, 143.5, (360, 288), np.array([-0.2, 0.1, 0, 0, 0]))
    rig = Rig(camera, MicrophoneArray(np.eye(3)))
    cloud = to_points(make_map(40, 60), rig, 'mic_array')
    points = np.frombuffer(cloud.data, np.float32).reshape(96, 120, 4)
    np.testing.assert_allclose(points[..., 2], 2.0, rtol=1e-6)
    np.testing.assert_allclose(camera.project(points[40, 60, :3]), [180, 120], atol=1e-3)
    assert points[40, 60, 3] == 0.5


def test_overlay_colours_the_pixel_of_the_peak():
    image = np.full((288, 360, 3), 100, np.uint8)
    drawn = draw_overlay(image, make_map(40, 60)).astype(int)
    changed = np.abs(drawn - image).sum(axis=-1)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    assert (row, column) == (120, 180)
    assert changed[200:, 300:].max() == 0


def test_overlay_of_silence_is_the_image():
    image = np.full((288, 360, 3), 100, np.uint8)
    silent = AcousticMap(0, 0, 'gcf', np.zeros((96, 120), np.float32), 3.0, 2.0, 1.0)
    np.testing.assert_array_equal(draw_overlay(image, silent), image)
