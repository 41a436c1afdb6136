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

"""``sensor_msgs/CameraInfo`` and transforms, as drivers and robots send them."""

import re

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.recordings import messages
from av_tracker_nodes.recordings.messages import from_transforms, stamped_transforms, to_transforms

SIZE = 640, 480
LENSES = {
    'plumb_bob': [-0.25, 0.08, 1e-3, -2e-3, 0.01],
    'rational_polynomial': [0.5, -0.03, 1e-4, -1e-4, 0.01, 0.85, 0.02, -0.01],
    'equidistant': [-0.02, 0.004, -0.005, 0.001],
}
POINTS = np.array([[0.1, 0.05, 2.0], [-0.5, 0.3, 2.0], [0.4, -0.45, 1.6], [0.7, 0.1, 2.5]])


def make_camera(model='plumb_bob', skew=0.0):
    distortion = np.array(LENSES[model])
    return Camera(450.0, 460.0, 310.0, 250.0, SIZE, distortion, skew, model=model)


def info_of(camera, **changes):
    """The message of a camera, with other fields; `roi` is (x, y, width, height)."""
    info = messages.to_camera_info(camera, 5_000_000_000, 'camera_optical')
    roi = changes.pop('roi', None)
    if roi is not None:
        info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = roi
    for name, value in changes.items():
        setattr(info, name, np.array(value, float) if name in 'dkrp' else value)
    return info


def picture(camera):
    """An image with a spot at each point."""
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    spots = [np.hypot(u - x, v - y) for x, y in camera.project(POINTS)]
    return sum(np.exp(-((spot / 2) ** 2) / 2) for spot in spots)


def brightest(image, pixel):
    """Centre of the spot near a pixel."""
    u, v = np.round(pixel).astype(int)
    reach = 8
    window = image[v - reach : v + reach + 1, u - reach : u + reach + 1]
    rows, columns = np.mgrid[v - reach : v + reach + 1, u - reach : u + reach + 1]
    return np.array([(columns * window).sum(), (rows * window).sum()]) / window.sum()


@pytest.mark.parametrize('model', LENSES)
def test_camera_there_and_back(model):
    camera = make_camera(model, skew=1e-3)
    again = messages.from_camera_info(info_of(camera))
    assert (again.model, again.size) == (model, camera.size)
    np.testing.assert_array_equal(again.distortion, camera.distortion)
    np.testing.assert_allclose(again.project(POINTS), camera.project(POINTS), atol=1e-9)
    np.testing.assert_array_equal(again.pose.rotation, np.eye(3))


def test_pose_is_taken():
    pose = RigidTransform(Rotation.from_rotvec([0.1, 2, 0.3]).as_matrix(), np.array([1.0, 2, 3]))
    camera = messages.from_camera_info(info_of(make_camera()), pose)
    np.testing.assert_allclose(camera.project(pose @ POINTS), make_camera().project(POINTS))


@pytest.mark.parametrize(
    ('binning', 'roi', 'size'),
    [
        ((0, 0), None, (640, 480)),
        ((1, 1), (0, 0, 640, 480), (640, 480)),
        ((2, 2), None, (320, 240)),
        ((4, 2), None, (160, 240)),
        ((1, 1), (120, 60, 400, 360), (400, 360)),
        ((2, 2), (120, 60, 400, 360), (200, 180)),
        ((3, 3), (120, 60, 400, 360), (133, 120)),
    ],
)
def test_spots_are_found_where_the_images_show_them(binning, roi, size):
    """The image is cut out, then binned.

    As in `image_geometry`, pixels of the full resolution are divided by the binning, so that the
    centre of a binned pixel is less than half a pixel away.
    """
    full = make_camera()
    image = picture(full)
    left, top, width, height = roi or (0, 0, *SIZE)
    across, down = np.maximum(binning, 1)
    image = image[top : top + height // down * down, left : left + width // across * across]
    image = image.reshape(len(image) // down, down, -1, across).mean(axis=(1, 3))
    camera = messages.from_camera_info(
        info_of(full, roi=roi, binning_x=binning[0], binning_y=binning[1])
    )
    assert camera.size == size == image.shape[::-1]
    offset = (np.array([across, down]) - 1) / (2 * np.array([across, down]))
    for pixel in camera.project(POINTS):
        np.testing.assert_allclose(brightest(image, pixel) + offset, pixel, atol=0.05)


def test_rectified_images_obey_p():
    """Rotated for stereo, with another focal length, as OpenCV rectifies them."""
    raw = make_camera()
    turn = Rotation.from_rotvec([0.02, -0.05, 0.01]).as_matrix()
    p = [400.0, 0, 300.0, -60.0, 0, 410.0, 240.0, 0, 0, 0, 1, 0]
    info = info_of(raw, p=p, r=turn.ravel())
    rectified = messages.from_camera_info(info, rectified=True)
    matrix = np.reshape(p, (3, 4))[:, :3]
    np.testing.assert_array_equal(rectified.matrix, matrix)
    assert not rectified.distortion.any()
    # Both images show one person in one place of the frame.
    seen = messages.from_camera_info(info).project(POINTS)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-12)
    expected = cv2.undistortPointsIter(
        seen[:, None], raw.matrix, raw.distortion, turn, matrix, criteria
    )
    np.testing.assert_allclose(rectified.project(POINTS), expected[:, 0], atol=1e-6)


@pytest.mark.parametrize('do_rectify', [False, True])
def test_rectified_images_of_a_binned_region(do_rectify):
    info = info_of(make_camera(), roi=(120, 60, 400, 360), binning_x=2, binning_y=2)
    info.roi.do_rectify = do_rectify
    camera = messages.from_camera_info(info, rectified=True)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (225, 230, 95, 95)
    assert camera.size == (200, 180)


@pytest.mark.parametrize(
    ('model', 'terms', 'expected', 'coefficients'),
    [
        ('', [], 'plumb_bob', [0] * 5),
        ('', [0] * 5, 'plumb_bob', [0] * 5),
        ('none', [], 'plumb_bob', [0] * 5),
        ('none', [0] * 4, 'plumb_bob', [0] * 5),
        ('', [0.1, 0.2, 0, 0, 0.3], 'plumb_bob', [0.1, 0.2, 0, 0, 0.3]),
        ('', [0.1] * 8, 'rational_polynomial', [0.1] * 8),
        ('plumb_bob', [], 'plumb_bob', [0] * 5),
        ('plumb_bob', [0.1, 0.2, 0.01, 0.02], 'plumb_bob', [0.1, 0.2, 0.01, 0.02, 0]),
        ('plumb_bob', [0.1] * 5 + [0] * 9, 'plumb_bob', [0.1] * 5),
        ('rational_polynomial', [0.1] * 5, 'rational_polynomial', [0.1] * 5 + [0] * 3),
        ('rational_polynomial', [0.1] * 8 + [0] * 6, 'rational_polynomial', [0.1] * 8),
        (
            'rational_polynomial',
            [0.1] * 8 + [1e-3] * 4 + [0] * 2,
            'rational_polynomial',
            [0.1] * 8 + [1e-3] * 4,
        ),
        ('equidistant', [0.1] * 4, 'equidistant', [0.1] * 4),
        ('fisheye', [0.1] * 4 + [0], 'equidistant', [0.1] * 4),
    ],
)
def test_distortion_as_drivers_write_it(model, terms, expected, coefficients):
    camera = messages.from_camera_info(info_of(make_camera(), distortion_model=model, d=terms))
    assert camera.model == expected
    assert camera.distortion.tolist() == coefficients


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'k': np.zeros(9)}, 'is not calibrated: K of its camera_info is zero'),
        ({'k': np.eye(3).ravel() * 400}, 'K of .* is no camera matrix'),
        ({'width': 0}, 'has images of 0 x 480'),
        ({'distortion_model': 'omnidirectional'}, "'omnidirectional' is not supported"),
        ({'distortion_model': 'none'}, "'none' has 5 coefficients that are not zero"),
        ({'distortion_model': '', 'd': [0.1] * 4}, "'' has 4 coefficients that are not zero"),
        ({'d': [0.1] * 8}, 'plumb_bob takes 5 coefficients, got 8'),
        (
            {'distortion_model': 'rational_polynomial', 'd': [0.1] * 8 + [0] * 5 + [0.02]},
            'rational_polynomial takes 12 coefficients, got 14',
        ),
        ({'distortion_model': 'equidistant', 'd': [0.1] * 5}, 'equidistant takes 4'),
        ({'distortion_model': 'equidistant', 'd': []}, 'equidistant needs k1, k2, k3 and k4'),
        ({'d': [float('nan')] * 5}, 'not finite'),
        ({'d': [-50, 0, 0, 0, 0]}, 'folds over where it fills'),
        ({'r': np.arange(9)}, 'R of .* is no rotation'),
        ({'roi': (400, 0, 300, 480)}, '300 x 480 at .400, 0., which is not within its 640 x 480'),
        ({'roi': (10, 0, 0, 0)}, '0 x 0 at .10, 0.'),
        ({'binning_x': 641}, 'bins more pixels than its images of 640 x 480 have'),
    ],
)
def test_refused_with_the_name_of_the_camera(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        messages.from_camera_info(info_of(make_camera(), **changes))
    assert 'camera_optical' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_rectified_images_without_p_are_refused():
    info = info_of(make_camera(), p=np.zeros(12))
    messages.from_camera_info(info)
    with pytest.raises(InputError, match=r"'camera_optical' is not calibrated: P .* is zero"):
        messages.from_camera_info(info, rectified=True)


def test_rectified_images_of_any_lens_are_taken():
    info = info_of(make_camera(), distortion_model='omnidirectional')
    assert not messages.from_camera_info(info, rectified=True).distortion.any()


def test_no_rectification_is_zeros_or_the_identity():
    info = info_of(make_camera(), r=np.zeros(9))
    np.testing.assert_array_equal(messages.from_camera_info(info).pose.rotation, np.eye(3))


# ---- transforms


STAMP = 12_345_678_901


def message(count=3):
    rng = np.random.default_rng(0)
    poses = {
        f'/joint_{k}': RigidTransform(Rotation.random(rng=rng).as_matrix(), rng.normal(size=3))
        for k in range(count)
    }
    return to_transforms('/base', poses, STAMP), list(poses.values())


@pytest.mark.parametrize('is_static', [True, False])
def test_a_message_comes_back(is_static):
    sent, poses = message()
    read = stamped_transforms(sent, is_static)
    assert read.is_static == is_static
    assert read.rejected == ()
    assert [(each.parent, each.child, each.stamp) for each in read.transforms] == [
        ('base', f'joint_{k}', STAMP) for k in range(3)
    ]
    for each, pose in zip(read.transforms, poses, strict=True):
        np.testing.assert_allclose(each.parent_from_child.rotation, pose.rotation, atol=1e-12)
        np.testing.assert_allclose(each.parent_from_child.translation, pose.translation)


def test_quaternions_need_not_have_unit_length():
    sent, (pose, *_) = message()
    rotation = sent.transforms[0].transform.rotation
    for axis in 'xyzw':
        setattr(rotation, axis, 3 * getattr(rotation, axis))
    read = stamped_transforms(sent).transforms[0].parent_from_child
    np.testing.assert_allclose(read.rotation, pose.rotation, atol=1e-12)


def test_an_empty_message_tells_nothing():
    assert stamped_transforms(message(0)[0]).transforms == ()


ABSURD = 'numbers that are not finite, or above 1e+06'


@pytest.mark.parametrize(
    ('part', 'axes', 'value', 'told'),
    [
        ('rotation', 'xyzw', 0.0, 'a quaternion of zeros'),
        ('rotation', 'z', np.nan, ABSURD),
        ('translation', 'y', np.inf, ABSURD),
        ('translation', 'x', 1e300, ABSURD),
        ('rotation', 'w', -1e300, ABSURD),
    ],
)
def test_a_transform_that_is_none_leaves_the_others(part, axes, value, told):
    sent, _ = message()
    for axis in axes:
        setattr(getattr(sent.transforms[1].transform, part), axis, value)
    read = stamped_transforms(sent)
    assert [each.child for each in read.transforms] == ['joint_0', 'joint_2']
    assert read.rejected == (f"transform from 'base' to 'joint_1' has {told}",)
    with pytest.raises(InputError, match=re.escape(told)):
        from_transforms(sent)
