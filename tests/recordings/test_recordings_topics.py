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

"""Topics of sensors, as drivers and robots name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag.topics import (
    ARRAY_INFO,
    AUDIO_DATA,
    AUDIO_INFO,
    AUDIO_STAMPED,
    BLOCK,
    CAMERA_INFO,
    COMPRESSED,
    RAW,
    TRACKS,
    TRANSFORMS,
    TopicNames,
    find_topics,
)

DRIVERS = {
    'usb_cam': ('/image_raw', '/camera_info', ()),
    'v4l2_camera, compressed too': ('/image_raw', '/camera_info', ('/image_raw/compressed',)),
    'compressed alone': ('/camera/image_raw/compressed', '/camera/camera_info', ()),
    'realsense': (
        '/camera/color/image_raw',
        '/camera/color/camera_info',
        (
            '/camera/depth/image_rect_raw',
            '/camera/depth/camera_info',
            '/camera/aligned_depth_to_color/image_raw',
            '/camera/aligned_depth_to_color/camera_info',
            '/camera/infra1/image_rect_raw',
            '/camera/infra1/camera_info',
        ),
    ),
    'orbbec': (
        '/camera/color/image_raw',
        '/camera/color/camera_info',
        ('/camera/depth/image_raw', '/camera/depth/camera_info', '/camera/ir/image_raw'),
    ),
    'azure kinect': ('/rgb/image_raw', '/rgb/camera_info', ('/depth_to_rgb/image_raw',)),
    'oak': ('/oak/rgb/image_rect', '/oak/rgb/camera_info', ('/oak/stereo/depth',)),
    'camera1394': ('/camera/image_color', '/camera/camera_info', ('/camera/image_mono',)),
    'gazebo': ('/camera/image', '/camera/camera_info', ('/camera/depth_image',)),
    'a robot among several': ('/robot1/cam/image_raw', '/robot1/cam/camera_info', ()),
    'info one level higher': ('/front/rgb/image_raw', '/front/camera_info', ()),
}


def types(*topics):
    """Table of topics with the types that their names say."""

    def kind(topic):
        name = topic.rpartition('/')[2]
        if name == 'camera_info':
            return CAMERA_INFO
        return COMPRESSED if name == 'compressed' else RAW

    return {topic: kind(topic) for topic in topics}


@pytest.mark.parametrize('driver', DRIVERS)
def test_the_picture_of_a_driver_and_its_camera_info_are_found(driver):
    image, info, others = DRIVERS[driver]
    found = find_topics(types(*others, info, image))
    assert (found.image, found.camera_info) == (image, info)


@pytest.mark.parametrize('name', ['image_rect', 'image_rect_color', 'image_rect/compressed'])
def test_rectified_pictures_are_known_by_their_names(name):
    assert find_topics(types(f'/zed/left/{name}')).is_rectified
    assert not find_topics(types('/zed/left/image_raw')).is_rectified


def test_unrectified_pictures_come_first():
    found = find_topics(types('/cam/image_rect', '/cam/image_raw', '/cam/camera_info'))
    assert found.image == '/cam/image_raw'


def test_two_cameras_are_listed_and_one_can_be_named():
    both = types('/head/image_raw', '/head/camera_info', '/base/image_raw', '/base/camera_info')
    with pytest.raises(InputError, match=r'/base/image_raw, /head/image_raw.*image_topic'):
        find_topics(both)
    found = find_topics(both, TopicNames(image='/base/image_raw'))
    assert found.camera_info == '/base/camera_info'
    found = find_topics(both, TopicNames(camera_info='/head/camera_info'))
    assert found.image == '/head/image_raw'


def test_the_camera_info_of_another_camera_is_not_taken_in_silence():
    with pytest.raises(InputError, match='camera_info_topic'):
        find_topics(types('/a/image_raw', '/b/camera_info', '/c/camera_info'))


def test_depth_has_no_picture_and_its_camera_info_is_not_that_of_colour():
    found = find_topics(types('/camera/color/image_raw', '/camera/depth/camera_info'))
    assert found.camera_info is None
    assert find_topics(types('/camera/depth/image_raw')).image is None


def test_infrared_serves_where_there_is_no_colour():
    assert find_topics(types('/camera/infra1/image_rect_raw')).image is not None


@pytest.mark.parametrize('role', ['image', 'camera_info', 'audio', 'array_info', 'audio_info'])
def test_a_named_topic_that_is_not_there_is_refused(role):
    with pytest.raises(InputError, match=f'{role}_topic /nowhere'):
        find_topics(types('/image_raw', '/camera_info'), TopicNames(**{role: '/nowhere'}))


def test_a_named_topic_of_another_type_is_refused():
    with pytest.raises(InputError, match='of type sensor_msgs/msg/CameraInfo'):
        find_topics(types('/camera_info'), TopicNames(image='/camera_info'))


def test_sound_of_audio_common():
    table = {
        '/audio/audio': AUDIO_DATA,
        '/audio/audio_stamped': AUDIO_STAMPED,
        '/audio/audio_info': AUDIO_INFO,
    }
    found = find_topics(table)
    assert (found.audio, found.audio_info) == ('/audio/audio_stamped', '/audio/audio_info')
    assert find_topics({'/mic/audio': AUDIO_DATA}).audio == '/mic/audio'


def test_blocks_come_before_what_a_bridge_made_them_from_and_beams_are_left_alone():
    table = {
        '/audio': BLOCK,
        '/audio_stamped': AUDIO_STAMPED,
        '/speaker_3/audio': BLOCK,
        '/audio/array_info': ARRAY_INFO,
    }
    found = find_topics(table)
    assert (found.audio, found.array_info) == ('/audio', '/audio/array_info')


def test_two_sound_cards_are_listed_and_the_array_belongs_to_its_card():
    table = {
        '/left/audio': BLOCK,
        '/left/audio/array_info': ARRAY_INFO,
        '/right/audio': BLOCK,
        '/right/audio/array_info': ARRAY_INFO,
    }
    with pytest.raises(InputError, match='/left/audio, /right/audio'):
        find_topics(table)
    found = find_topics(table, TopicNames(audio='/right/audio'))
    assert found.array_info == '/right/audio/array_info'


def robots():
    """Two robots with the same topics."""
    return {
        f'/robot{k}{topic}': kind
        for k in (1, 2)
        for topic, kind in {
            '/image_raw': RAW,
            '/camera_info': CAMERA_INFO,
            '/audio': BLOCK,
            '/audio/array_info': ARRAY_INFO,
            '/tf': TRANSFORMS,
            '/tf_static': TRANSFORMS,
            '/ground_truth': TRACKS,
        }.items()
    }


def test_one_robot_of_several_is_all_one_robot():
    with pytest.raises(InputError, match='image_topic'):
        find_topics(robots())
    found = find_topics(robots(), TopicNames(image='/robot2/image_raw'))
    named = {found.camera_info, found.audio, found.array_info, found.ground_truth}
    named |= {*found.moving_frames, *found.static_frames}
    assert len(named) == 6
    assert all(name.startswith('/robot2/') for name in named)


def test_frames_of_the_whole_graph_and_of_the_robot_are_both_heard():
    table = {**types('/robot/image_raw'), '/tf': TRANSFORMS, '/robot/tf': TRANSFORMS}
    assert set(find_topics(table).moving_frames) == {'/tf', '/robot/tf'}


def test_frames_in_a_namespace_of_their_own_are_heard_where_there_are_no_others():
    table = {**types('/camera/image_raw'), '/robot1/tf_static': TRANSFORMS}
    assert find_topics(table).static_frames == ('/robot1/tf_static',)


def test_our_own_pictures_and_tracks_are_no_input():
    table = {**types('/image_raw', '/acoustic_map/overlay'), '/speaker_tracks': TRACKS}
    found = find_topics(table)
    assert found.image == '/image_raw'
    assert found.ground_truth is None


@given(st.lists(st.sampled_from(['a', 'b', 'cam', 'left']), max_size=3), st.sampled_from([0, 1]))
def test_any_namespace_does(parts, compressed):
    """The same topics under any namespace are found as without one."""
    space = ''.join(f'/{part}' for part in parts)
    image = f'{space}/image_raw' + ('/compressed' if compressed else '')
    table = types(image, f'{space}/camera_info') | {
        f'{space}/audio': BLOCK,
        f'{space}/audio/array_info': ARRAY_INFO,
        f'{space}/tf_static': TRANSFORMS,
    }
    found = find_topics(table)
    assert (found.image, found.camera_info) == (image, f'{space}/camera_info')
    assert (found.audio, found.array_info) == (f'{space}/audio', f'{space}/audio/array_info')
    assert found.static_frames == (f'{space}/tf_static',)
