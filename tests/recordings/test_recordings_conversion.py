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

"""Recordings made without ROS, as bags."""

import shutil
from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.recordings.conversion import recording_to_bag
from av_tracker_nodes.types import AudioBlock, ImageFrame, to_nanoseconds

RIG = """
name: small
approximate: true
camera:
  size: [64, 48]
  field_of_view_deg: {horizontal: 60}
array:
  sample_rate: 16000
  card_channels: 6
  microphones:
    - {channel: 1, xyz: [-0.02, -0.02, 0]}
    - {channel: 2, xyz: [0.02, -0.02, 0]}
    - {channel: 3, xyz: [0.02, 0.02, 0]}
    - {channel: 4, xyz: [-0.02, 0.02, 0]}
"""
TIMES = [0, 40, 80, 200, 210, 400, 1000]
"""Of images (ms): as telephones take them, at no fixed rate."""
LAYOUTS = {1: 'mono', 2: 'stereo', 4: 'quad', 6: '5.1'}


def shades(count, size=(64, 48)):
    width, height = size
    rows = np.linspace(0, 200, height)[:, None, None]
    return [np.full((height, width, 3), 5 * k) + rows for k in range(count)]


def write_video(path, times=TIMES, size=(64, 48), sound=(), codec='ffv1'):
    """Write images at times (ms), and pieces of sound (ms, samples (n, channels), int16)."""
    with av.open(str(path), 'w') as file:
        video = file.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = *size, 'yuv420p'
        video.codec_context.time_base = Fraction(1, 1000)
        if sound:
            layout = LAYOUTS[sound[0][1].shape[1]]
            track = file.add_stream('pcm_s16le', rate=16_000, layout=layout)
        for time, image in zip(times, shades(len(times), size), strict=True):
            frame = av.VideoFrame.from_ndarray(image.astype(np.uint8), format='bgr24')
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            file.mux(video.encode(frame))
        for time, samples in sound:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples).reshape(1, -1), format='s16', layout=layout
            )
            frame.sample_rate, frame.pts, frame.time_base = 16_000, 16 * time, Fraction(1, 16_000)
            file.mux(track.encode(frame))
        file.mux(video.encode(None))
    return path


def noise(channels, seconds=1.0, rate=16_000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(-9000, 9000, (round(seconds * rate), channels), np.int16)


@pytest.fixture
def convert(tmp_path):
    """Convert a video of this test, with sound of files that it names."""
    rig = tmp_path / 'small.yaml'
    rig.write_text(RIG)

    def run(video, *audio, offset=0.0, rig=rig):
        return recording_to_bag(video, audio, rig, offset, tmp_path / 'bag')

    return run


def contents(bag):
    with BagReader(bag) as reader:
        blocks = [record for record in reader.records() if isinstance(record, AudioBlock)]
        return reader.rig(), reader.image_stamps, blocks


def images_of(bag):
    with BagReader(bag) as reader:
        return [record for record in reader.records() if isinstance(record, ImageFrame)]


def samples_of(blocks):
    return np.concatenate([block.samples for block in blocks])


def test_images_keep_their_times_and_colours(tmp_path, convert):
    done = convert(write_video(tmp_path / 'talk.mkv', sound=[(0, noise(6))]))
    frames = images_of(done.bag)
    assert [(f.stamp - frames[0].stamp) / 1e6 for f in frames] == TIMES
    for frame, shade in zip(frames, shades(len(TIMES)), strict=True):
        assert np.abs(frame.image - shade).mean() < 4
    assert (done.images, done.image_seconds) == (len(TIMES), 1.0)


def test_a_video_without_sound_makes_a_bag_without(tmp_path, convert):
    done = convert(write_video(tmp_path / 'talk.mkv'))
    with BagReader(done.bag) as reader:
        assert len(reader.image_stamps) == len(TIMES)
    assert done.sound_seconds == 0
    assert 'has no sound' in done.notes[0]


def test_sound_of_the_video_is_on_its_clock(tmp_path, convert):
    sound = noise(6)
    done = convert(write_video(tmp_path / 'talk.mkv', sound=[(300, sound)]))
    rig, images, blocks = contents(done.bag)
    assert blocks[0].stamp - images[0] == pytest.approx(0.3e9, abs=2e6)
    assert np.array_equal(np.round(samples_of(blocks) * 2**15), sound)
    assert all(len(block.samples) == 160 for block in blocks)
    assert rig.microphones.channels.tolist() == [1, 2, 3, 4]
    assert done.notes == ()


@pytest.mark.parametrize('offset', [0.0, 0.25, -0.25, -30.0])
def test_files_of_sound_begin_with_the_images(tmp_path, convert, offset):
    soundfile.write(tmp_path / 'mics.wav', noise(6), 16_000, 'PCM_16')
    done = convert(write_video(tmp_path / 'talk.mkv'), tmp_path / 'mics.wav', offset=offset)
    _, images, blocks = contents(done.bag)
    assert blocks[0].stamp - images[0] == to_nanoseconds(offset)
    assert min(images[0], blocks[0].stamp) > 0
    assert any('before the images' in note for note in done.notes) == (offset == -30.0)


def test_a_gap_in_the_sound_stays_one(tmp_path, convert):
    pieces = [(0, noise(6, 0.3)), (500, noise(6, 0.5))]
    done = convert(write_video(tmp_path / 'talk.mkv', sound=pieces))
    _, _, blocks = contents(done.bag)
    jumps = [b.first_sample - a.first_sample - len(a.samples) for a, b in pairwise(blocks)]
    assert max(jumps) == pytest.approx(0.2 * 16_000, abs=32)
    for block in blocks:
        due = blocks[0].stamp + block.first_sample * 10**9 // 16_000
        assert block.stamp == due
    assert '0.20 s of sound are missing' in done.notes[0]


@pytest.mark.parametrize(
    ('name', 'subtype'),
    [('a.wav', 'PCM_U8'), ('a.wav', 'PCM_24'), ('a.wav', 'FLOAT'), ('a.flac', 'PCM_16')],
)
def test_sound_of_every_format(tmp_path, convert, name, subtype):
    """The reference is another library."""
    soundfile.write(tmp_path / name, noise(6) / 2**15, 44_100, subtype)
    expected, _ = soundfile.read(tmp_path / name, dtype='float32')
    rig, _, blocks = contents(convert(write_video(tmp_path / 'v.mkv'), tmp_path / name).bag)
    assert samples_of(blocks) == pytest.approx(expected, abs=2**-15)
    assert {block.rate for block in blocks} == {44_100} == {rig.microphones.rate}


@pytest.mark.parametrize(('rate', 'taken'), [(8000, 8000), (96_000, 96_000), (192_000, 48_000)])
def test_rates_are_kept_as_far_as_they_can_be_used(tmp_path, convert, rate, taken):
    time = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time)[:, None] * np.ones(6)
    soundfile.write(tmp_path / 'a.wav', tone, rate)
    _, _, blocks = contents(convert(write_video(tmp_path / 'v.mkv'), tmp_path / 'a.wav').bag)
    found = samples_of(blocks)
    assert {block.rate for block in blocks} == {taken}
    assert len(found) == pytest.approx(taken, rel=0.01)
    middle = found[taken // 4 : taken // 2]
    assert np.sqrt((middle**2).mean()) == pytest.approx(np.sqrt(0.125), rel=0.01)


def test_microphones_alone_are_taken_in_their_order_and_it_is_told(tmp_path, convert):
    soundfile.write(tmp_path / 'a.wav', noise(4), 16_000)
    done = convert(write_video(tmp_path / 'v.mkv'), tmp_path / 'a.wav')
    rig, _, blocks = contents(done.bag)
    assert rig.microphones.channels.tolist() == [0, 1, 2, 3]
    assert blocks[0].samples.shape[1] == 4
    assert '4 channels are taken for the microphones' in done.notes[0]


def write_singles(folder, lengths, rates=(16_000,) * 4):
    paths = [folder / f'{k}.wav' for k in range(4)]
    for k, (path, length, rate) in enumerate(zip(paths, lengths, rates, strict=True)):
        soundfile.write(path, noise(1, length, rate, seed=k), rate)
    return paths


def test_one_file_a_microphone(tmp_path, convert):
    singles = write_singles(tmp_path, (1.0, 0.98, 1.0, 1.0))
    done = convert(write_video(tmp_path / 'v.mkv'), *singles)
    found = samples_of(contents(done.bag)[2])
    for k, path in enumerate(singles):
        expected, _ = soundfile.read(path)
        assert found[:, k] == pytest.approx(expected[: round(0.98 * 16_000)], abs=2**-15)
    assert any('1.wav is 0.020 s shorter than' in note for note in done.notes)


@pytest.mark.parametrize(
    ('lengths', 'rates', 'reason'),
    [
        ((1, 1, 0.5, 1), (16_000,) * 4, '2.wav is 0.500 s shorter'),
        ((1,) * 4, (16_000, 16_000, 44_100, 16_000), 'different rates'),
    ],
)
def test_files_that_are_not_of_one_card(tmp_path, convert, lengths, rates, reason):
    singles = write_singles(tmp_path, lengths, rates)
    with pytest.raises(InputError, match=reason):
        convert(write_video(tmp_path / 'v.mkv'), *singles)
    assert not (tmp_path / 'bag').exists()


@pytest.mark.parametrize(
    ('sound', 'reason'),
    [
        ([noise(2)], '2 channels of sound, but rig small has 4 microphones on a card of 6'),
        ([noise(1)] * 3, '3 channels of sound'),
        ([noise(2), noise(2)], 'one file of one channel'),
    ],
)
def test_channels_that_do_not_fit(tmp_path, convert, sound, reason):
    paths = [tmp_path / f'{k}.wav' for k in range(len(sound))]
    for path, samples in zip(paths, sound, strict=True):
        soundfile.write(path, samples, 16_000)
    with pytest.raises(InputError, match=reason):
        convert(write_video(tmp_path / 'v.mkv'), *paths)


def test_the_camera_is_that_of_the_images(tmp_path, convert):
    """At another size by the field of view; other proportions are told."""
    video = write_video(tmp_path / 'v.mkv', size=(128, 96), sound=[(0, noise(6))])
    rig, _, _ = contents(convert(video).bag)
    assert rig.camera.size == (128, 96)
    assert rig.camera.fx == pytest.approx(64 / np.tan(np.deg2rad(30)), rel=0.01)
    shutil.rmtree(tmp_path / 'bag')
    wide = convert(write_video(tmp_path / 'wide.mkv', size=(128, 72), sound=[(0, noise(6))]))
    assert contents(wide.bag)[0].camera.fx == rig.camera.fx
    assert any('images are 128 x 72' in note for note in wide.notes)


def turned(path):
    """Tell in a file that the camera was turned by 90 degrees, as telephones do."""
    data = path.read_bytes()
    matrix = data.index(b'tkhd') + 44
    values = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    encoded = b''.join(value.to_bytes(4, 'big', signed=True) for value in values)
    path.write_bytes(data[:matrix] + encoded + data[matrix + 36 :])
    return path


def test_images_are_upright(tmp_path, convert):
    """The reference is OpenCV, which turns them too."""
    video = turned(write_video(tmp_path / 'v.mp4', size=(48, 64), codec='mpeg4'))
    read, expected = cv2.VideoCapture(str(video)).read()
    assert read
    assert expected.shape == (48, 64, 3)
    soundfile.write(tmp_path / 'a.wav', noise(6), 16_000)
    first = images_of(convert(video, tmp_path / 'a.wav').bag)[0]
    assert np.abs(first.image.astype(int) - expected).mean() < 5


def test_a_video_that_breaks_off_is_taken_as_far_as_it_goes(tmp_path, convert):
    video = write_video(tmp_path / 'v.mkv', times=range(0, 4000, 40))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert 10 < convert(video).images < 90


def test_names_are_names_and_playlists_lead_nowhere(tmp_path, convert):
    assert convert(write_video(tmp_path / 'at 10:30, 50%.mkv')).images == len(TIMES)
    playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n'
    (tmp_path / 'list.m3u8').write_text(playlist)
    with pytest.raises(InputError, match=r'list\.m3u8'):
        convert(tmp_path / 'list.m3u8')


@pytest.mark.parametrize(
    ('name', 'content', 'reason'),
    [
        ('none.mkv', None, 'no file'),
        ('v.mkv', b'nothing at all', 'no video or sound that FFmpeg reads'),
        ('empty.mkv', b'', 'no video or sound that FFmpeg reads'),
    ],
)
def test_what_is_no_video(tmp_path, convert, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=reason):
        convert(tmp_path / name)
    with pytest.raises(InputError, match=reason):
        convert(write_video(tmp_path / 'good.mkv'), tmp_path / name)


def test_what_has_one_of_images_and_sound_only(tmp_path, convert):
    video = write_video(tmp_path / 'v.mkv')
    soundfile.write(tmp_path / 'a.wav', noise(6), 16_000)
    with pytest.raises(InputError, match='no moving pictures'):
        convert(tmp_path / 'a.wav')
    with pytest.raises(InputError, match='has no sound'):
        convert(video, video)
    soundfile.write(tmp_path / 'low.wav', noise(6), 4000)
    with pytest.raises(InputError, match='4000 Hz'):
        convert(video, tmp_path / 'low.wav')


def test_the_command(tmp_path):
    (tmp_path / 'small.yaml').write_text(RIG)
    video = write_video(tmp_path / 'v.mkv', sound=[(0, noise(4))])
    command = ['convert', 'recording', '--video', str(video), '--out', str(tmp_path / 'bag')]
    result = CliRunner().invoke(main, [*command, '--rig', str(tmp_path / 'small.yaml')])
    assert result.exit_code == 0, result.output
    assert '4 channels are taken for the microphones' in result.output
    assert '7 images in 1.0 s, 1.0 s of sound' in result.output
    result = CliRunner().invoke(main, [*command, '--rig', str(tmp_path / 'small.yaml')])
    assert result.exit_code == 2
    assert 'exists already' in result.output
    result = CliRunner().invoke(main, [*command, '--rig', 'nobody'])
    assert result.exit_code == 2
    assert "no rig 'nobody'" in result.output
