# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The offset between sound and images is found in recordings of claps."""

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'graph'))

from tiny_recording import make_rig

from av_tracker_nodes.calibration.sync import measure_sync
from av_tracker_nodes.cli import main
from av_tracker_nodes.datasets.bag import BagWriter
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.synchronisation import shift_sound
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

RATE, CHANNELS, FRAME_RATE, SECONDS = 16_000, 16, 25, 16.0
START = 100.0
METRES, SOUND = 1.7, 343.0


def clap_times(rng, count=10):
    return np.cumsum(rng.uniform(0.7, 1.7, count)) + 0.5


def sound_of(claps, rng):
    """Bursts that decay within 8 ms, over noise and a hum."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    sound = 0.05 * np.sin(2 * np.pi * 120 * time) + 0.002 * rng.standard_normal(len(time))
    for clap in claps + METRES / SOUND:
        first = int(np.ceil(clap * RATE))
        length = max(min(RATE // 20, len(time) - first), 0)
        decay = np.exp(-np.arange(length) / (0.004 * RATE))
        sound[first : first + length] += 0.4 * decay * rng.standard_normal(length)
    return np.float32(np.repeat(sound[:, None], CHANNELS, axis=1))


def flash_picture(time, claps, rng):
    """A room that is lit for 60 ms after a clap, as a camera with 5 ms exposure sees it."""
    lit = ((time > claps) & (time < claps + 0.06)).any()
    return np.uint8(np.clip(rng.normal(190 if lit else 110, 3, (96, 128)), 0, 255))


def hands_picture(time, claps, rng):
    """Two hands that move together within 0.2 s, rest for 0.15 s, and part slowly."""
    since = time - claps[np.argmin(np.abs(time - claps))]
    if since < 0:
        gap = 40 * min(max(-since / 0.2, 0.0), 1.0)
    else:
        gap = 40 * min(max((since - 0.15) / 0.5, 0.0), 1.0)
    image = rng.normal(110, 2, (96, 128))
    for sign in (-1, 1):
        centre = 64 + sign * (10 + gap / 2)
        image[30:70, round(centre - 8) : round(centre + 8)] = 200
    return np.uint8(np.clip(image, 0, 255))


def records(picture, audio_late, seed=0, claps=None):
    """A recording whose sound is stamped `audio_late` seconds too late."""
    rng = np.random.default_rng(seed)
    claps = clap_times(rng) if claps is None else claps
    sound = sound_of(claps, rng)
    result = []
    for first in range(0, len(sound), RATE // 100):
        stamp = to_nanoseconds(START + first / RATE + audio_late)
        result.append(AudioBlock(stamp, first, RATE, sound[first : first + RATE // 100]))
    phase = rng.uniform(0, 1 / FRAME_RATE)
    for k in range(int(SECONDS * FRAME_RATE) - 1):
        time = phase + k / FRAME_RATE
        grey = picture(time, claps, rng)
        image = np.repeat(grey[..., None], 3, axis=2)
        result.append(ImageFrame(to_nanoseconds(START + time), image))
    return sorted(result, key=lambda record: record.stamp)


@pytest.mark.parametrize('audio_late', [0.0, 0.085, -0.23])
def test_flashes(audio_late):
    result = measure_sync(records(flash_picture, audio_late), METRES)
    assert result.by == 'flash'
    assert result.claps == 10
    assert result.audio_offset == pytest.approx(-audio_late, abs=0.005)
    assert abs(result.audio_offset + audio_late) <= result.margin + 0.003


@pytest.mark.parametrize(('audio_late', 'seed'), [(0.0, 1), (0.085, 2), (-0.23, 3)])
def test_hands(audio_late, seed):
    result = measure_sync(records(hands_picture, audio_late, seed), METRES)
    assert result.by == 'motion'
    assert result.claps >= 8
    assert result.audio_offset == pytest.approx(-audio_late, abs=0.02)


def test_applying_what_was_measured_leaves_nothing():
    recording = records(flash_picture, 0.12, seed=4)
    offset = measure_sync(recording, METRES).audio_offset
    corrected = [shift_sound(record, offset) for record in recording]
    assert measure_sync(corrected, METRES).audio_offset == pytest.approx(0.0, abs=0.002)
    assert [r.stamp for r in corrected if isinstance(r, ImageFrame)] == [
        r.stamp for r in recording if isinstance(r, ImageFrame)
    ]


def test_clapping_like_a_clock_is_refused():
    with pytest.raises(InputError, match='irregular'):
        measure_sync(records(flash_picture, 0.0, claps=np.arange(1.0, 15.0, 0.3)), METRES)


def test_silence_and_stillness_are_named():
    nothing = np.array([1000.0])
    with pytest.raises(InputError, match='0 claps were heard'):
        measure_sync(records(flash_picture, 0.0, claps=nothing))
    dark = records(lambda time, claps, rng: np.full((96, 128), 110, np.uint8), 0.0, seed=5)
    with pytest.raises(InputError, match='0 claps were seen'):
        measure_sync(dark)


def test_command(tmp_path):
    rig = make_rig()
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write_rig(rig, to_nanoseconds(START))
        for record in records(flash_picture, 0.085):
            if isinstance(record, AudioBlock):
                bag.write_audio(record)
            else:
                bag.write_image(record, rig.camera)
    arguments = ['check', 'sync', str(tmp_path / 'bag'), '--distance', str(METRES)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    offset = float(result.output.split('audio_offset:=')[1].split()[0])
    assert offset == pytest.approx(-0.085, abs=0.005)
