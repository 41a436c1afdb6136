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

import cv2
import mini_cav3d
import numpy as np
import pytest
import soundfile
from mini_cav3d import FIRST, FRAMES, NAME, START
from scipy.io import savemat

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.research.datasets.cav3d import Cav3d, Cav3dSequence
from av_tracker_nodes.research.datasets.cav3d_calibration import calibration_of, read_view
from av_tracker_nodes.research.datasets.convert import convert_sequence
from av_tracker_nodes.research.datasets.person_truth import person_truth
from av_tracker_nodes.research.datasets.recordings import open_corpus, open_recording
from av_tracker_nodes.research.evaluation.truth import read_truth


@pytest.fixture
def root(cav3d, tmp_path):
    """Root of a corpus to damage."""
    return shutil.copytree(cav3d, tmp_path / 'CAV3D')


def test_names_and_people(cav3d):
    corpus = open_corpus(cav3d)
    assert isinstance(corpus, Cav3d)
    assert corpus.sequences() == [NAME]
    assert corpus.sequence(NAME).people == (1, 2)
    assert corpus.sequence(NAME).cameras == (5,)
    assert isinstance(open_recording(cav3d / NAME), Cav3dSequence)
    with pytest.raises(InputError, match="'seq23' is unknown"):
        corpus.sequence('seq23')
    with pytest.raises(InputError, match='no camera 1'):
        corpus.sequence(NAME).camera(1)


def test_the_table_joins_sound_and_pictures(cav3d):
    sequence = open_recording(cav3d / NAME)
    stamps = sequence.image_stamps(5)
    assert len(stamps) == FRAMES
    # The frame FIRST of the table was taken START seconds after the first sample.
    assert stamps[FIRST] == sequence.audio_start + round(1e9 * START)
    assert abs(stamps[FIRST + 15] - stamps[FIRST] - 1_000_000_000) <= 1
    frames = list(sequence.frames(5))
    assert [frame.stamp for frame in frames] == stamps.tolist()
    assert abs(frames[7].image.mean() - 35) < 2


def test_frames_of_the_evaluation_are_those_of_the_table(cav3d):
    truth = read_truth(cav3d / NAME, 5)
    np.testing.assert_array_equal(np.flatnonzero(truth.scored), np.arange(6, 21))
    assert truth.frame_rate == pytest.approx(15, rel=1e-6)


def test_sound_at_the_native_rate_is_exact(cav3d):
    sequence = Cav3dSequence(cav3d / NAME, rate=96_000)
    blocks = list(sequence.audio_blocks())
    assert {len(block.samples) for block in blocks} == {960}
    sound = np.concatenate([block.samples for block in blocks])
    np.testing.assert_array_equal(np.rint(sound * 32768), mini_cav3d.sound())


@pytest.mark.parametrize(('frequency', 'gain'), [(440.0, 1.0), (5000.0, 1.0), (20_000.0, 0.0)])
def test_sound_is_low_passed_without_delay(tmp_path, frequency, gain):
    time = np.arange(96_000 * 3) / 96_000
    tone = np.sin(2 * np.pi * frequency * time)
    samples = np.round(9000 * tone)[:, None].repeat(8, axis=1).astype(np.int16)
    folder = mini_cav3d.write_sequence(tmp_path, samples=samples)
    blocks = list(open_recording(folder).audio_blocks())
    assert blocks[1].stamp - blocks[0].stamp == 10_000_000
    assert [block.first_sample for block in blocks[:2]] == [0, 160]
    sound = np.concatenate([block.samples for block in blocks])
    assert sound.shape == (48_000, 8)
    expected = gain * 9000 / 32768 * tone[::6]
    np.testing.assert_allclose(sound[100:-100, 3], expected[100:-100], atol=2e-3)


def test_rate_must_divide_that_of_the_files(cav3d):
    with pytest.raises(InputError, match='44100 Hz is no whole part'):
        Cav3dSequence(cav3d / NAME, rate=44_100).audio_blocks()


def test_projection_is_that_of_opencv(cav3d):
    camera = open_recording(cav3d / NAME).camera(5)
    for point in ([1.8, 3.0, 1.3], [3.4, 2.2, 1.9], [2.2, 5.0, 0.4]):
        np.testing.assert_allclose(camera.project(point), mini_cav3d.project(point), atol=1e-6)
    np.testing.assert_allclose(camera.centre, mini_cav3d.CENTRE, atol=1e-12)


@pytest.mark.parametrize('signs', [(-1, -1), (-1, 1), (1, -1)])
def test_axes_of_the_file_may_point_left_or_up(tmp_path, signs):
    mini_cav3d.write_calibration(tmp_path, 'MOT', signs)
    camera = read_view(tmp_path / 'C5MOT.mat', 'MOT').camera
    assert camera.fx > 0
    assert camera.fy > 0
    assert np.linalg.det(camera.pose.rotation) == pytest.approx(1)
    for point in ([1.8, 3.0, 1.3], [3.4, 2.2, 1.9]):
        np.testing.assert_allclose(camera.project(point), mini_cav3d.project(point), atol=1e-6)
    up = camera.project([2.4, 3.0, 1.6]) - camera.project([2.4, 3.0, 1.3])
    assert up[1] < 0


def test_each_kind_of_sequence_has_its_calibration(root):
    assert [calibration_of(number) for number in (6, 20, 21, 22, 26)] == [
        *['SOT'] * 3,
        *['MOT'] * 2,
    ]
    shutil.copy(root / 'C5SOT.mat', root / 'C5MOT.mat')
    with pytest.raises(InputError, match='is the calibration SOT; MOT is needed'):
        open_recording(root / NAME).camera(5)


@pytest.mark.parametrize('name', ['SOT', 'MOT'])
def test_the_map_tells_where_the_model_holds(tmp_path, name):
    mini_cav3d.write_calibration(tmp_path, name)
    whole = read_view(tmp_path / f'C5{name}.mat', name)
    point = np.array([[2.9, 3.0, 1.4]])
    assert whole.sees(point).all()
    # Where the point is without distortion, counted from the corner of the map.
    rotation, translation = mini_cav3d.pose()
    ideal = mini_cav3d.K @ (rotation @ point[0] + translation)
    column, row = np.rint(ideal[:2] / ideal[2] - mini_cav3d.ORIGINS[name]).astype(int)
    shape = whole.trusted.shape
    holed = np.full(shape, 255, np.uint8)
    holed[row, column] = 0
    mini_cav3d.write_calibration(tmp_path, name, map=holed)
    view = read_view(tmp_path / f'C5{name}.mat', name)
    assert not view.sees(point).any()
    assert view.sees(point + np.array([0.05, 0, 0])).all()


def test_what_folds_back_into_the_picture_is_not_seen(tmp_path):
    # Strong distortion brings a point far to the side back into the picture.
    mini_cav3d.write_calibration(tmp_path, kc=np.array([[-0.33], [0.0], [0], [0], [0]]))
    view = read_view(tmp_path / 'C5MOT.mat', 'MOT')
    aside = np.array([[2.4 + 3.8, 2.8, 1.3]])
    camera, still = view.camera, np.zeros(3)
    folded, _ = cv2.projectPoints(
        camera.pose.inverse @ aside, still, still, camera.matrix, camera.distortion
    )
    assert camera.contains(folded).all()
    assert not camera.contains(camera.project(aside)).any()
    assert not view.sees(aside).any()
    behind = np.array([[2.4, -3.0, 1.3]])
    assert not view.sees(behind).any()


def test_rows_of_the_truth_are_frames(cav3d):
    truth = person_truth(open_recording(cav3d / NAME), 2, 5)
    for frame in (0, 11, 29):
        np.testing.assert_allclose(truth.mouth[frame], mini_cav3d.mouth(2, frame), atol=1e-6)
        pixel = mini_cav3d.project(mini_cav3d.mouth(2, frame))
        np.testing.assert_allclose(truth.pixel[frame], pixel, atol=1e-3)
    assert truth.speaking is None


def test_rows_without_annotation_and_flags_out_of_view(root):
    path = root / NAME / f'{NAME}_id1.3dmouthgt'
    rows = np.loadtxt(path)
    rows[4:12] = 0
    np.savetxt(path, rows, fmt='%.6f')
    (root / NAME / f'{NAME}_id2.3dmouthgt').unlink()
    (root / NAME / 'annotation').mkdir()
    flags = [[frame, frame != 20] for frame in range(FRAMES)]
    np.savetxt(root / NAME / 'annotation' / 'fov.txt', flags, fmt='%d')
    truth = person_truth(open_recording(root / NAME), 1, 5)
    assert np.isnan(truth.mouth[5:11]).all()
    assert not np.isnan(truth.mouth[[3, 12]]).any()
    assert not truth.visible[20]
    assert truth.visible[21]


def test_older_copies_name_the_truth_otherwise(root):
    folder = root / NAME
    (folder / 'annotation').mkdir()
    (folder / f'{NAME}_id2.3dmouthgt').unlink()
    (folder / f'{NAME}_id1.3dmouthgt').rename(folder / 'annotation' / f'{NAME}.3dmouthgt')
    sequence = open_recording(folder)
    assert len(sequence.mouth(1).times) == FRAMES
    with pytest.raises(InputError, match=r'seq22_id2\.3dmouthgt missing'):
        sequence.mouth(2)


def test_rig_is_in_the_world(root):
    rig = open_recording(root / NAME).rig(5)
    assert rig.microphones.rate == 16_000
    np.testing.assert_allclose(rig.microphones.positions, mini_cav3d.MICROPHONES.T)
    np.testing.assert_allclose(rig.room.maximum, [4.77, 5.95, 4.5])
    savemat(root / 'CAV3D_RoomRg.mat', {'RoomRg': np.array([[0, 4.5], [0, 6], [0, 3.0]])})
    np.testing.assert_allclose(open_recording(root / NAME).rig(5).room.maximum, [4.5, 6, 3])


def test_bag_of_a_sequence(cav3d, tmp_path):
    with BagReader(convert_sequence(cav3d, NAME, 5, tmp_path / 'bag')) as reader:
        assert len(reader.image_stamps) == FRAMES
        rig = reader.rig()
        frames = reader.ground_truth()
    assert rig.microphones.rate == 16_000
    np.testing.assert_allclose(frames[9].tracks[1].position, mini_cav3d.mouth(2, 9), atol=1e-6)
    np.testing.assert_allclose(frames[9].tracks[0].velocity, [0.15, 0, 0], atol=1e-3)


@pytest.mark.parametrize(
    ('missing', 'message'),
    [
        ('seq22/seq22_MA0.wav', r'sound seq22_MA0\.wav missing'),
        ('sync/CAV3D_AVsync_content.txt', r'CAV3D_AVsync_content\.txt missing'),
        ('C5MOT.mat', r'C5MOT\.mat missing'),
        ('MA0_pos.mat', r'MA0_pos\.mat missing'),
        ('seq22/cam5', 'no pictures in'),
    ],
)
def test_what_is_missing_is_named(root, tmp_path, missing, message):
    path = root / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=message) as caught:
        convert_sequence(root, NAME, 5, tmp_path / 'bag')
    assert '\n' not in str(caught.value)


def test_wrong_formats(root):
    folder = root / NAME
    soundfile.write(folder / f'{NAME}_MA0.wav', np.zeros((100, 4)), 48_000, 'PCM_16')
    with pytest.raises(InputError, match='4 channels at 48000 Hz; 8 at 96000 Hz'):
        list(open_recording(folder).audio_blocks())
    cv2.imwrite(str(folder / 'cam5' / '000000.jpg'), np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(InputError, match=r'images of \(64, 48\)'):
        next(open_recording(folder).frames(5))
    (folder / 'cam5' / '000000.jpg').write_bytes(b'no')
    with pytest.raises(InputError, match='not a readable picture'):
        next(open_recording(folder).frames(5))


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ('21 0 1 0 0 1 0 0 1', '0 rows for seq22'),
        ('22 5 3 0 0 1 0 0 1', 'does not go forward'),
        ('22 0 1', '3 numbers, at least 9'),
    ],
)
def test_malformed_table(root, row, message):
    (root / 'sync' / 'CAV3D_AVsync_content.txt').write_text(row + '\n')
    with pytest.raises(InputError, match=message):
        open_recording(root / NAME).image_stamps(5)


def test_a_drifting_table_is_told(root, caplog):
    (root / 'sync' / 'CAV3D_AVsync_content.txt').write_text('22 0 30 0 0 2.2 0 0 20\n')
    open_recording(root / NAME).image_stamps(5)
    assert '13.64 frames a second' in caplog.text


def test_pose_that_is_no_rotation(tmp_path):
    mini_cav3d.write_calibration(tmp_path, R=2 * np.eye(3))
    with pytest.raises(InputError, match='is not a rotation'):
        read_view(tmp_path / 'C5MOT.mat', 'MOT')
