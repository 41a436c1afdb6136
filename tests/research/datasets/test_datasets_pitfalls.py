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

"""The twenty things that readers of AV16.3 and CAV3D have got wrong, one test or more each."""

import mini_cav3d
import mini_corpus
import numpy as np
import pytest
from mini_corpus import NAME, Calibration
from scipy.io import savemat

from av_tracker_nodes.acoustics.coherence_field import CoherenceField
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.delays import PairDelays
from av_tracker_nodes.acoustics.gcc_phat import GccPhat
from av_tracker_nodes.acoustics.stage import AcousticStage
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig, Room
from av_tracker_nodes.geometry.head import FACE_HEIGHT, FACE_WIDTH, mouth_pixel
from av_tracker_nodes.research.datasets.av163 import Av163
from av_tracker_nodes.research.datasets.av163_arrays import table_microphones
from av_tracker_nodes.research.datasets.av163_calibration import read_camera
from av_tracker_nodes.research.datasets.av163_protocol import FRAME_RANGES, frame_range
from av_tracker_nodes.research.datasets.av163_truth import TimedValues
from av_tracker_nodes.research.datasets.cav3d_calibration import (
    MAP_ORIGINS,
    calibration_of,
    read_view,
)
from av_tracker_nodes.research.datasets.incomplete import (
    half_of_the_microphones,
    without_the_middle,
)
from av_tracker_nodes.research.datasets.person_truth import person_truth
from av_tracker_nodes.research.datasets.protocols import PROTOCOLS
from av_tracker_nodes.research.datasets.recordings import open_recording
from av_tracker_nodes.research.datasets.training_protocols import (
    TRAINING_PROTOCOLS,
    find_training_protocol,
    split_frames,
)
from av_tracker_nodes.research.evaluation.scoring import Scoring
from av_tracker_nodes.types import AudioBlock, FaceFrame, ImageFrame, to_nanoseconds


def set_timecodes(corpus, name, *timecodes):
    """Rename the sequence and say when its cameras start."""
    folder = mini_corpus.write_sequence(corpus, name, calibration=None)
    for camera, timecode in enumerate(timecodes, 1):
        (folder / f'{name}_timings_cam{camera}').write_text(f'{timecode} 0.00 1\n')
    return open_recording(folder)


def test_pitfall_01_lags_come_from_the_timings(corpus):
    sequence = Av163(corpus).sequence('seq24')
    assert sequence.audio_start == 10_000_000_000
    np.testing.assert_allclose([sequence.audio_lag(c) for c in (1, 2, 3)], [0.84, -0.28, 1.6])


def test_pitfall_01_copied_lists_are_refused(tmp_path):
    # Cameras 2 and 3 with the lags 6.08 s and 7.24 s of seq01; all three with those of seq24.
    wrong = set_timecodes(tmp_path, 'seq02-1p-0000', '00:00:17.22', '00:00:16.02', '00:00:17.06')
    with pytest.raises(InputError, match='seq02-1p-0000 give the audio lags of seq01'):
        wrong.video_start(1)
    wrong = set_timecodes(tmp_path, 'seq45-3p-1111', '00:00:10.21', '00:00:09.18', '00:00:11.15')
    with pytest.raises(InputError, match='the audio lags of seq24'):
        wrong.image_stamps(3)


def test_pitfall_01_timings_that_differ_from_publications_are_used(tmp_path, caplog):
    right = set_timecodes(tmp_path, 'seq02-1p-0000', '00:00:17.22', '00:00:16.07', '00:00:19.11')
    assert right.audio_lag(3) == pytest.approx(9.44)
    assert not caplog.records
    late = set_timecodes(tmp_path, 'seq11-1p-0100', '00:00:16.16', '00:00:16.18', '00:00:15.13')
    assert late.audio_lag(3) == pytest.approx(5.52)
    assert 'publications 5.48 s; the timings file is used' in caplog.text


def test_pitfall_02_the_tail_of_a_timecode_counts_frames(tmp_path):
    sequence = set_timecodes(tmp_path, 'seq99-1p-0000', '00:00:16.16')
    assert sequence.video_start(1) == 16_640_000_000


def test_pitfall_03_a_video_may_start_before_the_sound(corpus):
    sequence = Av163(corpus).sequence('seq24')
    assert sequence.audio_lag(2) == pytest.approx(-0.28)
    assert sequence.image_stamps(2)[7] == sequence.audio_start


def test_pitfall_03_silence_before_the_sound_gives_no_nan(corpus):
    stage = AcousticStage(Av163(corpus).sequence('seq24').rig(2))
    before = stage.process(FaceFrame(9_720_000_000, (360, 288), ()))
    assert np.isfinite(before.values).all()
    spectra = np.zeros((2, 50), np.complex64)
    assert np.isfinite(GccPhat.whiten(spectra)).all()


def test_pitfall_04_boxes_and_pixels_count_from_one(corpus):
    folder = corpus / NAME
    (folder / f'{NAME}_cam1-person1_GT2D.txt').write_text('10 20 30 40\n')
    name = f'{NAME}-cam1-person1-interpolated-reprojected.mouthgt'
    (folder / name).write_text('1 0 1 101 51\n')
    sequence = Av163(corpus).sequence('seq24')
    np.testing.assert_array_equal(sequence.boxes(1, 1), [[9, 19, 30, 40]])
    points = sequence.image_mouth(1, 1)
    assert points.frame.tolist() == [0]
    np.testing.assert_array_equal(points.pixel, [[100, 50]])


def test_pitfall_04_cav3d_counts_frames_from_zero(tmp_path):
    folder = mini_cav3d.write_sequence(tmp_path)
    sequence = open_recording(folder)
    assert sequence.frame_numbers(5)[0] == 0
    assert (folder / 'cam5' / '000000.jpg').is_file()
    # The first row of the truth is frame 0.
    first = sequence.mouth(1).at(sequence.image_stamps(5)[:1] / 1e9)
    np.testing.assert_allclose(first, [mini_cav3d.mouth(1, 0)], atol=1e-6)


def test_pitfall_05_rows_of_the_truth_are_no_frames(corpus):
    # Sparse rows in 3-D are found by time, rows in 2-D by the number of the frame.
    values = TimedValues(np.array([10.0, 10.04, 14.0]), np.array([[1.0], [2], [9]]))
    np.testing.assert_allclose(values.at([10.02, 12.0, 14.0])[:, 0], [1.5, np.nan, 9])
    name = f'{NAME}-cam1-person1-interpolated-reprojected.mouthgt'
    (corpus / NAME / name).write_text('5 0 1 101 51\n\n3 0 0 7 7\n')
    points = Av163(corpus).sequence('seq24').image_mouth(1, 1)
    assert points.frame.tolist() == [4, 2]
    assert points.visible.tolist() == [True, False]


def test_pitfall_06_mouth_and_centre_of_the_face_are_different_points(corpus):
    assert (FACE_WIDTH, FACE_HEIGHT) == (0.15, 0.20)
    truth = person_truth(Av163(corpus).sequence('seq24'), 1, 1)
    np.testing.assert_allclose(mouth_pixel(truth.box), truth.pixel, atol=1)
    boxes = np.array([[100.0, 50, 40, 60]])
    assert Scoring('box').points_of_boxes(boxes).tolist() == [[120, 80]]
    assert Scoring('mouth').points_of_boxes(boxes).tolist() == [[120, 95]]
    assert {PROTOCOLS[name].target for name in ('stnet-sot', 'avcl-mot')} == {'box'}
    assert PROTOCOLS['cav3d-sot'].target == 'mouth'


def test_pitfall_07_calibration_and_shift_are_those_of_the_session(corpus):
    (corpus / 'session08').mkdir()
    (corpus / 'session08' / 'camera1.Pmat.cal').write_text('wrong')
    before = Av163(corpus).sequence('seq24').camera(1)
    assert before.fx == 311
    shifts = np.zeros((1, 3), dtype=[('delta_x', object), ('delta_y', object)])
    for camera in range(3):
        shifts[0, camera] = (3.0, -2.0)
    savemat(corpus / 'session10_shift.mat', {'shift': {'cam': shifts}})
    after = Av163(corpus).sequence('seq24').camera(1)
    point = np.array([0.3, 0.1, 0.3])
    np.testing.assert_allclose(after.project(point) - before.project(point), [3, -2])


def test_pitfall_08_p_maps_the_frame_of_the_video(corpus):
    camera = read_camera(corpus / 'session10', 3)
    point = np.array([0.4, 0.2, 0.3])
    with_align = mini_corpus.project(Calibration(3), point) - 1
    np.testing.assert_allclose(camera.project(point), with_align, atol=1e-6)
    linear = Calibration(3).P @ np.append(point, 1)
    assert np.linalg.norm(linear[:2] / linear[2] - with_align) > 20
    np.testing.assert_allclose(camera.distortion[:4], [-0.31, 0.12, 0.0011, -0.0017])


def test_pitfall_09_depth_is_along_the_optical_axis(corpus):
    camera = read_camera(corpus / 'session10', 1)
    corner = camera.back_project(np.array([20.0, 20.0]), 2.0)
    assert camera.depth(corner) == pytest.approx(2.0)
    assert np.linalg.norm(corner - camera.centre) > 2.2


def test_pitfall_10_numbering_of_the_microphones():
    positions = table_microphones()
    np.testing.assert_allclose(positions[[0, 8]], [[-0.1, 0.4, 0], [-0.1, -0.4, 0]], atol=1e-12)
    relative = positions[:8] - [0, 0.4, 0]
    degrees = np.rad2deg(np.arctan2(relative[:, 1], relative[:, 0])) % 360
    np.testing.assert_allclose(degrees, [180, 225, 270, 315, 0, 45, 90, 135], atol=1e-6)
    array = MicrophoneArray(positions)
    assert array.pairs()[:2].tolist() == [[0, 1], [0, 2]]
    assert len(array.pairs()) == 120


def test_pitfall_11_sign_of_the_delay():
    # Nearer to microphone 5 than to 1: the sound reaches 1 later, tau = (d1 - d5) / c > 0.
    delays = PairDelays.of(MicrophoneArray(table_microphones()[:8]))
    pair = delays.pairs.tolist().index([0, 4])
    assert delays.at(np.array([2.0, 0.4, 0]))[pair] == pytest.approx(0.2 / 343)
    sound = np.random.default_rng(0).normal(size=700)
    late = np.stack([sound[20:660], sound[25:665]], axis=1).astype(np.float32)
    gcc = GccPhat(16_000, 10 / 16_000)
    spectra = gcc.whiten(gcc.spectra(late))
    cross = (spectra[0] * spectra[1].conj())[None] / len(gcc.frequencies)
    correlation = gcc.correlate(cross)[0]
    assert gcc.lags[np.argmax(correlation)] * 16_000 == pytest.approx(5, abs=0.2)
    assert gcc.lags[len(gcc.lags) // 2] == 0


def test_pitfall_12_no_sound_after_the_image_is_heard(corpus):
    sequence = Av163(corpus).sequence('seq24')
    blocks = list(sequence.audio_blocks())
    stamp = 11_000_000_000
    maps = []
    for heard in (blocks, [block for block in blocks if block.stamp < stamp]):
        stage = AcousticStage(sequence.rig(1))
        for block in heard:
            stage.add(block)
        maps.append(stage.process(FaceFrame(stamp, (360, 288), ())).values)
    np.testing.assert_array_equal(*maps)
    assert AcousticConfig().stgcf_frames == 15


def test_pitfall_13_the_room_is_configuration(corpus):
    sequence = Av163(corpus).sequence('seq24')
    np.testing.assert_allclose(sequence.rig(1).room.minimum, [-1.8, -6.0, -0.73])
    published = Room(np.array([-1.8, -7.2, -0.04]), np.array([1.8, 2.0, 1.56]))
    assert sequence.rig(1, room=published).room is published


@pytest.mark.parametrize('speed', [340.0, 342.0, 343.0])
def test_pitfall_14_the_speed_of_sound_is_configuration(speed):
    array = MicrophoneArray(table_microphones()[:8], speed_of_sound=speed)
    delays = PairDelays.of(array)
    pair = delays.pairs.tolist().index([0, 4])
    assert delays.at(np.array([2.0, 0.4, 0]))[pair] == pytest.approx(0.2 / speed)


def test_pitfall_15_coherence_is_a_mean_over_pairs_and_may_be_negative():
    array = MicrophoneArray(table_microphones()[:8])
    delays = PairDelays.of(array)
    gcc = GccPhat(16_000, delays.longest)
    points = np.array([[2.0, 0.4, 0.0], [0.0, 2.4, 0.0]])
    field = CoherenceField(delays, gcc, points)
    one = np.ones((len(delays.pairs), len(gcc.lags)), np.float32)
    np.testing.assert_allclose(field(one), 1, atol=1e-6)
    np.testing.assert_allclose(field(-0.01 * one), -0.01, atol=1e-6)


def test_pitfall_16_crops_are_the_same_in_training_and_tracking():
    from av_tracker_nodes.fusion import search, siamese
    from av_tracker_nodes.research.training import search_samples

    for module in (siamese, search_samples):
        assert module.search_arrays is search.search_arrays
        assert module.template_crop is search.template_crop


def test_pitfall_17_thresholds_and_averages():
    for name in ('gld-standard', 'gld-incomplete'):
        assert PROTOCOLS[name].success_share == 1 / 2
    for size, gate in (((360, 288), 30.7), ((1024, 768), 85.3)):
        assert PROTOCOLS['avcl-mot'].gate_share * np.hypot(*size) == pytest.approx(gate, abs=0.05)


def test_pitfall_18_ranges_of_the_cameras_are_not_simultaneous():
    starts = [first for first, _ in FRAME_RANGES['stnet']['seq25']]
    assert starts == [125, 210, 80]
    assert frame_range('seq25-2p-0111', 2) == (209, 350)
    assert FRAME_RANGES['stnet']['seq45'] == ((302, 900), (360, 900), (360, 900))
    assert FRAME_RANGES['stnet']['seq12'][2] == (105, 1148)


def test_pitfall_19_cav3d_has_two_calibrations_with_maps(tmp_path):
    mini_cav3d.write_sequence(tmp_path, 'seq13', people=1)
    assert (calibration_of(13), calibration_of(22)) == ('SOT', 'MOT')
    assert MAP_ORIGINS == mini_cav3d.ORIGINS
    view = open_recording(tmp_path / 'seq13').view
    np.testing.assert_allclose(view.origin, mini_cav3d.ORIGINS['SOT'])
    camera = read_view(tmp_path / 'C5MOT.mat', 'MOT').camera
    point = np.array([3.0, 3.0, 1.4])
    np.testing.assert_allclose(camera.project(point), mini_cav3d.project(point), atol=1e-6)


def test_pitfall_19_cav3d_is_joined_by_its_table(tmp_path):
    sequence = open_recording(mini_cav3d.write_sequence(tmp_path))
    assert sequence.cameras == (5,)
    stamp = sequence.image_stamps(5)[mini_cav3d.FIRST]
    assert stamp - sequence.audio_start == to_nanoseconds(mini_cav3d.START)


@pytest.mark.parametrize('name', TRAINING_PROTOCOLS)
def test_pitfall_20_validation_does_not_leak(name):
    training, validation = split_frames(TRAINING_PROTOCOLS[name], 1000, 25)
    assert len(validation) == 200
    assert validation.min() - training.max() > 50
    assert training[0] == 0


def test_pitfall_20_the_published_split_is_made_on_request():
    protocol = find_training_protocol('msmd-avt')
    training, validation = split_frames(protocol, 1000, 25, leaking=True)
    assert len(validation) == 200
    np.testing.assert_array_equal(np.sort([*training, *validation]), np.arange(1000))
    neighbours = np.isin(validation + 1, training) | np.isin(validation - 1, training)
    assert neighbours.mean() > 0.9
    again = split_frames(protocol, 1000, 25, leaking=True)
    np.testing.assert_array_equal(again[1], validation)
    other = split_frames(protocol, 1000, 25, leaking=True, view=1)
    assert (other[1] != validation).any()
    with pytest.raises(InputError, match='avclnet has published no shuffled split'):
        split_frames(find_training_protocol('avclnet'), 1000, 25, leaking=True)


def test_half_of_the_microphones_keeps_even_numbers():
    groups = np.repeat([0, 1], 8)
    array = MicrophoneArray(np.random.default_rng(0).normal(size=(16, 3)), groups)
    camera = Camera(300, 300, 180, 144, (360, 288))
    half = half_of_the_microphones(Rig(camera, array)).microphones
    assert half.channels.tolist() == [1, 3, 5, 7, 9, 11, 13, 15]
    assert half.groups.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(half.positions, array.positions[1::2])
    few = Rig(camera, MicrophoneArray(np.eye(3)))
    assert half_of_the_microphones(few).microphones.channels.tolist() == [0, 1, 2]


def test_the_middle_third_is_covered():
    white = np.full((288, 360, 3), 255, np.uint8)
    image = without_the_middle(ImageFrame(0, white)).image
    assert (image[:, :120] == 255).all()
    assert (image[:, 120:240] == 128).all()
    assert (image[:, 240:] == 255).all()
    assert (white == 255).all()
    block = AudioBlock(0, 0, 16_000, np.ones((160, 2), np.float32))
    assert without_the_middle(block) is block
