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

"""A camera is recovered from pictures that it took of boards."""

import cv2
import numpy as np
import pytest
import yaml
from board_pictures import CAMERA, SIZE, picture, poses
from click.testing import CliRunner

from av_tracker_nodes.calibration import view_collector
from av_tracker_nodes.calibration.boards import CharucoBoard, Chessboard
from av_tracker_nodes.calibration.intrinsics import NamedView, calibrate_intrinsics, missing_parts
from av_tracker_nodes.calibration.view_collector import Frame, ViewCollector, frames
from av_tracker_nodes.cli.main import main
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.geometry.calibration import load_camera

CHARUCO = CharucoBoard(8, 6, 0.03, 0.022)
CHESSBOARD = Chessboard(9, 6, 0.03)


@pytest.fixture(scope='module')
def charuco_pictures():
    return [picture(CHARUCO, pose, seed=k) for k, pose in enumerate(poses(CHARUCO, 24))]


@pytest.fixture(scope='module')
def chessboard_pictures():
    placed = poses(CHESSBOARD, 40, seed=2, spread=0.2)
    return [picture(CHESSBOARD, pose, seed=k) for k, pose in enumerate(placed)]


def collect(board, pictures):
    collector = ViewCollector(board)
    for number, image in enumerate(pictures):
        collector.look(Frame(f'{number}.png', image, moving=False))
    return collector


def distortion_error(camera):
    """Greatest distance between where two cameras see the same rays, within the picture."""
    u, v = np.meshgrid(np.linspace(0, SIZE[0] - 1, 17), np.linspace(0, SIZE[1] - 1, 13))
    points = CAMERA.back_project(np.stack([u, v], axis=-1))
    return np.linalg.norm(camera.project(points) - CAMERA.project(points), axis=-1).max()


@pytest.mark.thorough
@pytest.mark.parametrize('kind', ['charuco', 'chessboard'])
def test_camera_is_recovered(kind, charuco_pictures, chessboard_pictures):
    board, pictures = {
        'charuco': (CHARUCO, charuco_pictures),
        'chessboard': (CHESSBOARD, chessboard_pictures),
    }[kind]
    views = collect(board, pictures).kept
    result = calibrate_intrinsics(views)
    camera = result.camera
    assert len(views) >= 15
    assert result.rms < 0.3
    assert (camera.fx, camera.fy) == pytest.approx((CAMERA.fx, CAMERA.fy), rel=0.004)
    assert (camera.cx, camera.cy) == pytest.approx((CAMERA.cx, CAMERA.cy), abs=2.0)
    np.testing.assert_allclose(camera.distortion[:2], CAMERA.distortion[:2], atol=0.05)
    assert distortion_error(camera) < 3.0
    # The deviations say how wrong it is.
    errors = np.array([camera.fx - CAMERA.fx, camera.fy - CAMERA.fy]) / result.focal_std
    assert np.abs(errors).max() < 6


def test_corners_are_where_the_camera_sees_them():
    pose = next(poses(CHARUCO, 1, seed=5))
    for board in (CHARUCO, Chessboard(8, 6, 0.03)):
        view = board.find(picture(board, pose))
        expected = CAMERA.project(pose @ view.points)
        # A chessboard looks the same upside down.
        errors = [np.abs(view.pixels - e).max() for e in (expected, expected[::-1])]
        assert min(errors) < 0.35, type(board)


def test_a_part_of_a_charuco_board_is_enough():
    image = picture(CHARUCO, next(poses(CHARUCO, 1, seed=5, spread=0.0)))
    image[:, : SIZE[0] // 2] = 120
    view = CHARUCO.find(image)
    assert 8 <= len(view.ids) < 35
    assert Chessboard(8, 6, 0.03).find(image) is None


def test_a_view_with_wrong_corners_is_refused(charuco_pictures):
    views = collect(CHARUCO, charuco_pictures).kept
    wrong = views[3].view.pixels.copy()
    wrong[:10] += [6.0, -4.0]
    bent = NamedView('bent.png', type(views[3].view)(*_with_pixels(views[3].view, wrong)))
    result = calibrate_intrinsics([*views[:3], bent, *views[4:]])
    assert list(result.refused) == ['bent.png']
    assert 'fits worse than the others' in result.refused['bent.png']
    assert result.camera.fx == pytest.approx(CAMERA.fx, rel=0.004)


def _with_pixels(view, pixels):
    return view.ids, view.points, pixels, view.size


def test_too_few_views(charuco_pictures):
    views = collect(CHARUCO, charuco_pictures[:5]).kept
    with pytest.raises(InputError, match='5 views of the board can be used'):
        calibrate_intrinsics(views)


def test_a_board_that_is_never_tilted_fixes_nothing():
    flat = [picture(CHARUCO, pose, seed=k) for k, pose in enumerate(poses(CHARUCO, 12, tilt=0.0))]
    with pytest.raises(InputError, match='do not fix the focal length'):
        calibrate_intrinsics(collect(CHARUCO, flat).kept)


def test_images_of_different_sizes(charuco_pictures):
    smaller = [*charuco_pictures[:4], charuco_pictures[4][:400]]
    with pytest.raises(InputError, match='different sizes'):
        calibrate_intrinsics(collect(CHARUCO, smaller).kept)


def test_what_is_not_kept_and_why(charuco_pictures):
    collector = ViewCollector(CHARUCO)
    blank = np.full_like(charuco_pictures[0], 128)
    assert collector.look(Frame('blank', blank, moving=False)) == 'no board found'
    assert collector.look(Frame('first', charuco_pictures[0], moving=False)) == ''
    assert collector.look(Frame('again', charuco_pictures[0], moving=False)) == 'like first'
    assert collector.look(Frame('swung', charuco_pictures[1], moving=True)) == 'the board moves'
    assert collector.look(Frame('rests', charuco_pictures[1], moving=True)) == ''
    assert [view.name for view in collector.kept] == ['first', 'rests']


def test_where_to_hold_the_board_next():
    rotation = np.eye(3)
    close = RigidTransform(rotation, np.array([-0.3, -0.2, 0.5]))
    view = NamedView('x', CHARUCO.find(picture(CHARUCO, close)))
    assert missing_parts([], SIZE) == ['left', 'right', 'top', 'bottom']
    assert 'left' not in missing_parts([view], SIZE)
    assert 'right' in missing_parts([view], SIZE)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: Chessboard(2, 6, 0.03), '2 x 6 squares'),
        (lambda: CharucoBoard(8, 6, 0.03, 0.04), 'smaller than the squares'),
        (lambda: CharucoBoard(8, 6, 0.03, 0.02, 'DICT_9X9'), "no dictionary 'DICT_9X9'"),
        (lambda: CharucoBoard(20, 20, 0.03, 0.02), 'too few markers'),
    ],
)
def test_boards_that_cannot_be(make, message):
    with pytest.raises(InputError, match=message):
        make()


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path, charuco_pictures):
        folder = tmp_path / 'images'
        folder.mkdir()
        for number, image in enumerate(charuco_pictures):
            cv2.imwrite(str(folder / f'{number:02}.png'), image)
        cv2.imwrite(str(folder / 'wall.png'), np.full((480, 640, 3), 90, np.uint8))
        return folder

    def run(self, *arguments):
        return CliRunner().invoke(main, ['calibrate', *map(str, arguments)])

    BOARD = ('--squares', '8x6', '--square', '0.03', '--marker', '0.022')

    def test_folder(self, folder, tmp_path):
        out = tmp_path / 'camera.yaml'
        result = self.run('camera', folder, *self.BOARD, '--out', out)
        assert result.exit_code == 0, result.output
        assert 'wall.png: no board found' in result.output
        assert 'pixels rms' in result.output
        camera = load_camera(out)
        assert camera.fx == pytest.approx(CAMERA.fx, rel=0.004)
        # The names of ROS's camera_calibration_parsers.
        written = yaml.safe_load(out.read_text())
        assert {
            'image_width',
            'image_height',
            'camera_name',
            'camera_matrix',
            'distortion_model',
            'distortion_coefficients',
            'rectification_matrix',
            'projection_matrix',
        } <= set(written)
        assert written['distortion_coefficients']['cols'] == 5

    def test_video(self, tmp_path, charuco_pictures):
        path = str(tmp_path / 'video.avi')
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10.0, SIZE)
        for image in charuco_pictures[:12]:
            for _ in range(5):  # held still for half a second
                writer.write(image)
        writer.release()
        out = tmp_path / 'camera.yaml'
        result = self.run('camera', path, *self.BOARD, '--out', out)
        assert result.exit_code == 0, result.output
        assert load_camera(out).fx == pytest.approx(CAMERA.fx, rel=0.01)

    @pytest.mark.thorough
    def test_wrong_pattern_is_one_clear_line(self, folder, tmp_path):
        out = tmp_path / 'camera.yaml'
        result = self.run('camera', folder, '--squares', '9x6', '--square', 0.03, '--out', out)
        assert result.exit_code == 2
        assert 'at least 8 are needed' in result.output
        assert not out.exists()

    def test_size_is_asked_of_the_device(self, monkeypatch, tmp_path):
        asked = []

        def refuse(name, settings):
            asked.append((name, settings.size))
            raise InputError('no camera')

        monkeypatch.setattr(view_collector, 'image_source', refuse)
        out = ('--out', tmp_path / 'camera.yaml')
        for size in ((), ('--size', '1280x720')):
            assert self.run('camera', '0', *size, *out).exit_code == 2
        assert asked == [('0', None), ('0', (1280, 720))]

    def test_board_to_print(self, tmp_path):
        result = self.run('board', *self.BOARD, '--out', tmp_path / 'board.png')
        assert result.exit_code == 0, result.output
        drawn = cv2.imread(str(tmp_path / 'board.png'))
        assert len(CHARUCO.find(drawn).ids) == 7 * 5


def test_single_images(tmp_path, charuco_pictures):
    cv2.imwrite(str(tmp_path / 'a.png'), charuco_pictures[0])
    (found,) = frames([str(tmp_path / 'a.png')])
    assert found.name == 'a.png'
    assert not found.moving
    (tmp_path / 'b.png').write_text('no image')
    with pytest.raises(InputError, match=r'b\.png is not a readable picture'):
        list(frames([str(tmp_path / 'b.png')]))
