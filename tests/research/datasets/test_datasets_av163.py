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
from dataclasses import replace
from itertools import chain

import cv2
import mini_corpus
import numpy as np
import pytest
import soundfile
from mini_corpus import NAME, Calibration
from scipy.io import savemat

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.av163 import Av163, open_sequence
from av_tracker_nodes.research.datasets.av163_arrays import table_microphones
from av_tracker_nodes.research.datasets.av163_calibration import has_calibration, read_camera
from av_tracker_nodes.research.datasets.av163_protocol import (
    AUDIO_LAGS,
    FRAME_RANGES,
    check_lag,
    frame_range,
)

MILLISECOND = 1_000_000


@pytest.fixture(scope='module')
def sequence(av163):
    return Av163(av163).sequence('seq24')


def test_names(av163):
    corpus = Av163(av163)
    assert corpus.sequences() == [NAME]
    assert corpus.sequence(NAME).name == corpus.sequence('seq24').name == NAME
    assert corpus.sequence('seq24').people == (1, 2)


def test_unknown_sequence_lists_what_is_there(av163, tmp_path):
    with pytest.raises(InputError, match=rf"'seq99' is unknown; .* holds {NAME}"):
        Av163(av163).sequence('seq99')
    with pytest.raises(InputError, match='holds no sequence'):
        Av163(tmp_path).sequence('seq24')
    with pytest.raises(InputError, match='no directory'):
        Av163(tmp_path / 'nowhere')


def test_short_name_of_two_is_ambiguous(corpus):
    (corpus / 'seq24-3p-0111').mkdir()
    with pytest.raises(InputError, match='ambiguous'):
        Av163(corpus).sequence('seq24')


def test_simulated_folders_are_sequences(tmp_path):
    folder = mini_corpus.write_sequence(tmp_path, 'sim00001-2p-0111', calibration=None)
    mini_corpus.write_calibration(folder / 'CAM')
    sequence = Av163(tmp_path).sequence('sim00001')
    assert sequence.simulated
    assert open_sequence(folder).name == sequence.name
    assert sequence.camera(1).size == (360, 288)


def test_timecode_tail_counts_frames_and_lag_may_be_negative(sequence):
    # 00:00:10.21 is 10 s and 21 frames: 10.84 s.
    assert sequence.video_start(1) == 10_840 * MILLISECOND
    lags = [sequence.audio_lag(camera) for camera in (1, 2, 3)]
    np.testing.assert_allclose(lags, [0.84, -0.28, 1.60], atol=1e-12)


def test_hours_and_minutes_count(corpus):
    path = corpus / NAME / f'{NAME}_timings_cam1'
    path.write_text('01:02:03.24 3723.96 1\n')
    assert Av163(corpus).sequence('seq24').video_start(1) == 3_723_960 * MILLISECOND


def test_frames_carry_the_timecode_clock(sequence):
    frames = list(sequence.frames(2))
    assert len(frames) == mini_corpus.FRAMES
    assert [frame.stamp for frame in frames] == sequence.image_stamps(2).tolist()
    assert frames[0].stamp == 9_720 * MILLISECOND
    assert frames[7].stamp == 10_000 * MILLISECOND
    for index, frame in enumerate(frames):
        assert abs(frame.image.mean() - mini_corpus.picture(2, index)[0, 0, 0]) < 2


def test_audio_is_exact_and_starts_at_ten_seconds(sequence):
    expected = mini_corpus.sound().astype(np.float32) / 32768
    np.testing.assert_array_equal(sequence.audio(), expected)
    blocks = list(sequence.audio_blocks())
    assert blocks[0].stamp == 10_000 * MILLISECOND
    assert blocks[1].stamp - blocks[0].stamp == 10 * MILLISECOND
    assert [b.first_sample for b in blocks[:3]] == [0, 160, 320]
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), expected)


def test_uneven_blocks_lose_nothing(sequence):
    blocks = list(sequence.audio_blocks(7001))
    assert sum(len(block.samples) for block in blocks) == 48_000
    assert [b.first_sample for b in blocks] == [7001 * i for i in range(7)]


def test_sound_and_image_meet_at_the_lag(sequence):
    # Dropping lag x 16000 samples puts the first sample at the first frame.
    lag = sequence.audio_lag(1)
    assert sequence.audio_start + round(lag * 1e9) == sequence.image_stamps(1)[0]


def test_audio_in_the_rate_folder(tmp_path):
    mini_corpus.write_sequence(tmp_path, audio_folder='16kHz')
    assert Av163(tmp_path).sequence('seq24').audio().shape == (48_000, 16)


def test_table_of_microphones():
    s = 0.0707107
    expected_first = [
        [-0.1, 0.4, 0],
        [-s, 0.4 - s, 0],
        [0, 0.3, 0],
        [s, 0.4 - s, 0],
        [0.1, 0.4, 0],
        [s, 0.4 + s, 0],
        [0, 0.5, 0],
        [-s, 0.4 + s, 0],
    ]
    positions = table_microphones()
    np.testing.assert_allclose(positions[:8], expected_first, atol=1e-6)
    np.testing.assert_allclose(positions[8:], np.array(expected_first) - [0, 0.8, 0], atol=1e-6)


def test_microphones_of_gt_mat_win(corpus):
    assert Av163(corpus).sequence('seq24').microphones.groups.tolist() == [0] * 8 + [1] * 8
    moved = table_microphones() + 0.001
    savemat(corpus / 'gt.mat', {'gt': {'cam_pos': np.zeros((3, 3)), 'mic_pos': moved.T}})
    np.testing.assert_allclose(Av163(corpus).sequence('seq24').microphones.positions, moved)


def test_mouth_is_found_by_time(sequence):
    times = np.array([10.0, 10.013, 12.3])
    expected = [mini_corpus.mouth(2, t) for t in times]
    np.testing.assert_allclose(sequence.mouth(2).at(times), expected, atol=2e-6)


def test_rig_has_the_room(sequence):
    rig = sequence.rig(1)
    assert rig.room.contains(np.array([0, -5.9, 0]))
    assert not rig.room.contains(np.array([0, -6.1, 0]))


@pytest.mark.parametrize(
    ('missing', 'message', 'act'),
    [
        ('{n}_array2_mic3.wav', 'microphone file .*array2_mic3.wav missing', 'audio'),
        ('{n}_cam1_divx_audio.avi', 'video .*cam1.* of camera 1 missing', 'frames'),
        ('{n}_timings_cam1', 'timings .*_timings_cam1 of camera 1 missing', 'lag'),
        ('{n}-person2-interpolated.3dmouthgt', 'ground truth .*person2.* missing', 'mouth'),
        ('../session10/cam1.rad', r'cam1\.rad is missing in .*session10', 'camera'),
        ('../session10/camera1.Pmat.cal', r'camera1\.Pmat\.cal is missing in', 'camera'),
        ('../session10/rigid010203.mat', r'rigid010203\.mat is missing in', 'camera'),
        ('../session10', 'calibration of seq24.* missing; looked in .*/CAM', 'camera'),
    ],
)
def test_what_is_missing_is_named_in_one_line(corpus, missing, message, act):
    path = corpus / NAME / missing.format(n=NAME)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    sequence = Av163(corpus).sequence('seq24')
    acts = {
        'audio': sequence.audio,
        'frames': lambda: list(sequence.frames(1)),
        'lag': lambda: sequence.audio_lag(1),
        'mouth': lambda: sequence.mouth(2),
        'camera': lambda: sequence.camera(1),
    }
    with pytest.raises(InputError, match=message) as caught:
        acts[act]()
    assert '\n' not in str(caught.value)
    assert str(corpus) in str(caught.value)


def test_all_microphones_missing(corpus):
    for path in (corpus / NAME).glob('*.wav'):
        path.unlink()
    with pytest.raises(InputError, match=r'array1_mic1\.wav and 15 more missing'):
        Av163(corpus).sequence('seq24').audio()


@pytest.mark.parametrize(('rate', 'channels'), [(8_000, 1), (16_000, 2)])
def test_wrong_audio_format(corpus, rate, channels):
    path = corpus / NAME / f'{NAME}_array1_mic5.wav'
    soundfile.write(path, np.zeros((100, channels)), rate, 'PCM_16')
    with pytest.raises(InputError, match=rf'mic5\.wav has {channels} channels at {rate} Hz'):
        Av163(corpus).sequence('seq24').audio()


def test_damaged_audio(corpus):
    (corpus / NAME / f'{NAME}_array1_mic5.wav').write_bytes(b'RIFF')
    with pytest.raises(InputError, match='not a readable WAV'):
        Av163(corpus).sequence('seq24').audio()


@pytest.mark.parametrize(
    ('options', 'message'),
    [({'rate': 30}, '30 frames a second'), ({'size': (320, 240)}, r'images of \(320, 240\)')],
)
def test_wrong_video_format(corpus, options, message):
    mini_corpus.write_video(corpus / NAME / f'{NAME}_cam1_divx_audio.avi', 1, **options)
    with pytest.raises(InputError, match=message):
        next(Av163(corpus).sequence('seq24').frames(1))


def test_damaged_video(corpus):
    (corpus / NAME / f'{NAME}_cam1_divx_audio.avi').write_bytes(b'nothing')
    with pytest.raises(InputError, match='not a readable video'):
        next(Av163(corpus).sequence('seq24').frames(1))


def test_video_that_breaks_off_is_told(corpus, caplog):
    mini_corpus.write_video(corpus / NAME / f'{NAME}_cam1_divx_audio.avi', 1, frames=12)
    assert len(list(Av163(corpus).sequence('seq24').frames(1))) == 12
    assert 'holds 12 frames, its timings file lists 30' in caplog.text


def cut_sound(corpus):
    path = corpus / NAME / f'{NAME}_array1_mic3.wav'
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_video(corpus):
    timings = corpus / NAME / f'{NAME}_timings_cam1'
    timings.write_text(timings.read_text() + 60 * '00:00:20.00 1\n')


@pytest.mark.parametrize(
    ('cut', 'problem'),
    [
        (cut_sound, r'mic3\.wav ends 1\.5 s before others: it was cut off'),
        (cut_video, 'holds 30 frames, its timings file lists 90: it was cut off'),
    ],
)
def test_what_was_cut_off_is_refused_unless_what_is_there_is_wanted(corpus, caplog, cut, problem):
    cut(corpus)
    sequence = Av163(corpus).sequence('seq24')
    with pytest.raises(InputError, match=problem):
        list(chain(sequence.audio_blocks(), sequence.frames(1)))
    willing = replace(sequence, allow_short=True)
    assert len(list(willing.frames(1))) == 30
    assert sum(len(block.samples) for block in willing.audio_blocks()) >= 1.4 * 16_000
    assert 'the rest is left out' in caplog.text


@pytest.mark.parametrize(
    ('text', 'message'),
    [('', 'does not begin'), ('10.84 1', 'does not begin'), ('00:00:10.84 1', '84 frames')],
)
def test_malformed_timings(corpus, text, message):
    (corpus / NAME / f'{NAME}_timings_cam1').write_text(text)
    with pytest.raises(InputError, match=message):
        Av163(corpus).sequence('seq24').video_start(1)


def test_unknown_camera(sequence):
    for act in (sequence.video_start, sequence.camera, sequence.video_file):
        with pytest.raises(InputError, match='no camera 4'):
            act(4)


@pytest.mark.parametrize('sequence', ['seq01', 'seq02', 'seq03', 'seq11', 'seq18'])
def test_lags_and_first_frames_denote_one_instant(sequence):
    starts = [first for first, _ in FRAME_RANGES['stnet'][sequence]]
    instants = [lag + (s - 1) / 25 for lag, s in zip(AUDIO_LAGS[sequence], starts, strict=True)]
    assert max(instants) - min(instants) <= 0.0401


def test_training_ranges_make_the_published_number_of_pairs():
    ranges = [FRAME_RANGES['stnet'][name] for name in ('seq01', 'seq02', 'seq03')]
    assert sum(last - first for cameras in ranges for first, last in cameras) == 44_958


def test_frames_count_from_zero():
    assert frame_range('seq08-1p-0100', 2) == (27, 495)
    assert frame_range('seq08', 2, 'av3t') == (24, 494)
    assert frame_range('sim00001-2p-0111', 1) is None


def test_lag_that_contradicts_publications_is_told(caplog):
    assert check_lag('seq12-1p-0100', 2, -0.92)
    assert check_lag('sim00001-2p-0111', 2, 3.0)
    assert not caplog.records
    assert not check_lag('seq12-1p-0100', 2, 0.92)
    assert 'the timings file is used' in caplog.text


# ---- copies of AV16.3 that authors of trackers have re-arranged


@pytest.mark.parametrize(
    ('folder', 'name'), [('{n}_cam1_jpg/img', '{:04d}.jpg'), ('C1', 'img{:04d}.png')]
)
def test_pictures_stand_for_a_missing_video(corpus, folder, name):
    sequence = corpus / NAME
    (sequence / f'{NAME}_cam1_divx_audio.avi').unlink()
    pictures = sequence / folder.format(n=NAME)
    pictures.mkdir(parents=True)
    for index in range(mini_corpus.FRAMES):
        path = pictures / name.format(index + 1)
        cv2.imwrite(str(path), mini_corpus.picture(1, index))
    frames = list(Av163(corpus).sequence('seq24').frames(1))
    assert len(frames) == mini_corpus.FRAMES
    assert frames[12].stamp == 10_840_000_000 + 12 * 40_000_000
    assert abs(frames[12].image.mean() - mini_corpus.picture(1, 12).mean()) < 2


def test_the_video_is_preferred(corpus):
    pictures = corpus / NAME / 'C1'
    pictures.mkdir()
    cv2.imwrite(str(pictures / 'img0001.png'), np.zeros((288, 360, 3), np.uint8))
    assert len(list(Av163(corpus).sequence('seq24').frames(1))) == mini_corpus.FRAMES


def test_an_empty_folder_of_pictures(corpus):
    (corpus / NAME / f'{NAME}_cam1_divx_audio.avi').unlink()
    (corpus / NAME / 'C1').mkdir()
    with pytest.raises(InputError, match='no pictures in'):
        next(Av163(corpus).sequence('seq24').frames(1))


def prepare(folder, number, rows):
    savemat(folder / f'{NAME}-person{number}_myDataGT3D.mat', {'DataGT3D': rows})
    (folder / f'{NAME}-person{number}-interpolated.3dmouthgt').unlink()


def test_prepared_truth_names_frames(corpus):
    # Camera 1 starts at 10.84 s: its frame 11 is taken at 11.24 s, whatever column 1 says.
    rows = np.array(
        [[0.0, 1, 2, 3, 11, 39, 1], [0.04, 2, 3, 4, 12, 40, 2], [0.1, 9, 9, 9, 0, 1, 1]]
    )
    prepare(corpus / NAME, 1, rows)
    mouth = Av163(corpus).sequence('seq24').mouth(1)
    np.testing.assert_allclose(mouth.times, [11.24, 11.28])
    np.testing.assert_allclose(mouth.at([11.26]), [[1.5, 2.5, 3.5]])


@pytest.mark.parametrize(
    ('content', 'message'),
    [({'other': 1}, 'has no DataGT3D'), ({'DataGT3D': np.ones((3, 4))}, '4 columns instead of 7')],
)
def test_malformed_prepared_truth(corpus, content, message):
    prepare(corpus / NAME, 2, np.zeros((1, 7)))
    savemat(corpus / NAME / f'{NAME}-person2_myDataGT3D.mat', content)
    with pytest.raises(InputError, match=message):
        Av163(corpus).sequence('seq24').mouth(2)


def test_calibration_as_av3t_keeps_it(corpus, tmp_path):
    folder = shutil.copytree(corpus / 'session10', tmp_path / 'CAM')
    for number in (1, 2, 3):
        (folder / f'camera{number}.Pmat.cal').unlink()
        savemat(folder / f'P{number}.mat', {'P': Calibration(number).P})
    (folder / 'rigid010203.mat').unlink()
    np.savetxt(folder / 'align010203.mat', mini_corpus.RIGID, fmt='%.17g')
    assert has_calibration(folder)
    first, second = read_camera(corpus / 'session10', 2), read_camera(folder, 2)
    point = np.array([0.4, 0.1, 0.3])
    np.testing.assert_allclose(first.project(point), second.project(point), atol=1e-9)
    savemat(folder / 'P2.mat', {'P': np.eye(3)})
    with pytest.raises(InputError, match='no 3 x 4 matrix P'):
        read_camera(folder, 2)


def test_microphones_as_av3t_keeps_them(corpus):
    moved = table_microphones() + 0.002
    for array in (1, 2):
        part = moved[8 * array - 8 : 8 * array]
        savemat(corpus / f'MA{array}_pos.mat', {'Mic_pos': part.T})
    np.testing.assert_allclose(Av163(corpus).sequence('seq24').microphones.positions, moved)
    savemat(corpus / 'MA2_pos.mat', {'Mic_pos': np.zeros((3, 4))})
    with pytest.raises(InputError, match='no 3 x 8 matrix Mic_pos'):
        _ = Av163(corpus).sequence('seq24').microphones
