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

"""Where images can come from."""

import time

import cv2
import numpy as np
import pytest
from mjpeg_server import MjpegCamera, number_of, numbered_image
from rtsp_server import RtspCamera

from av_tracker_nodes.capture.mjpeg import HttpImages
from av_tracker_nodes.capture.network_video import NETWORK_TIMEOUT, NetworkVideo, without_password
from av_tracker_nodes.capture.newest import NewestImage
from av_tracker_nodes.capture.open_images import (
    ImageFolder,
    ImageSettings,
    V4l2Camera,
    VideoFile,
    describe_devices,
    image_source,
)
from av_tracker_nodes.capture.source_clock import SourceClock
from av_tracker_nodes.errors import InputError


@pytest.fixture
def camera(request):
    camera = MjpegCamera(**getattr(request, 'param', {}))
    yield camera
    camera.cut()


def opened(name, settings=None):
    source = image_source(name, settings)
    source.open()
    return source


def read_all(source):
    while (taken := source.read()) is not None:
        yield taken


class TestWhatANameMeans:
    def test_devices(self):
        for name in ('0', '/dev/video2', '/dev/v4l/by-id/usb-Acme_Cam-video-index0'):
            assert isinstance(image_source(name), V4l2Camera)

    def test_addresses(self):
        assert isinstance(image_source('rtsp://camera/stream'), NetworkVideo)
        assert isinstance(image_source('http://camera/video.mjpg'), HttpImages)
        assert isinstance(image_source('https://camera/video.mjpg'), HttpImages)

    def test_nothing_of_that_name(self, tmp_path):
        with pytest.raises(InputError, match=r"no camera or video '.*none\.mp4'"):
            image_source(str(tmp_path / 'none.mp4'))

    def test_password_is_never_shown(self):
        assert without_password('http://me:secret@cam:80/v') == 'http://cam:80/v'
        assert without_password('/dev/video0') == '/dev/video0'


class TestV4l2:
    @pytest.fixture
    def machine(self, tmp_path):
        """The files by which Linux tells of two cameras, the second with a link by id."""
        for number, name in ((0, 'Integrated: Camera'), (10, 'Acme HD')):
            folder = tmp_path / f'sys/class/video4linux/video{number}'
            folder.mkdir(parents=True)
            (folder / 'name').write_text(f'{name}\n')
        links = tmp_path / 'dev/v4l/by-id'
        links.mkdir(parents=True)
        (links / 'usb-Acme-video-index0').symlink_to('../../video10')
        return tmp_path

    def test_what_there_is(self, machine):
        assert describe_devices(machine) == (
            'There are: /dev/video0 (Integrated: Camera); '
            '/dev/video10 (Acme HD, /dev/v4l/by-id/usb-Acme-video-index0)'
        )

    def test_a_machine_without_cameras(self, tmp_path):
        assert describe_devices(tmp_path) == 'There are no V4L2 devices'

    def test_missing_device_is_named(self):
        with pytest.raises(InputError, match=r"no camera '/dev/video99'. There are"):
            opened('/dev/video99')

    def test_something_that_is_no_camera(self):
        with pytest.raises(InputError, match="cannot open camera '/dev/null'"):
            opened('/dev/null')

    def test_settings_are_asked_of_the_driver_in_the_order_that_it_needs(self):
        wishes = dict(V4l2Camera('0', ImageSettings((640, 480), 30.0, 0.01, 'MJPG')).wishes())
        assert list(wishes) == [
            cv2.CAP_PROP_FOURCC,
            cv2.CAP_PROP_FRAME_WIDTH,
            cv2.CAP_PROP_FRAME_HEIGHT,
            cv2.CAP_PROP_FPS,
            cv2.CAP_PROP_AUTO_EXPOSURE,
            cv2.CAP_PROP_EXPOSURE,
        ]
        assert wishes[cv2.CAP_PROP_EXPOSURE] == pytest.approx(100)
        assert dict(V4l2Camera('0').wishes()) == {cv2.CAP_PROP_AUTO_EXPOSURE: 3}


class TestRecordings:
    def test_folder_in_the_order_of_names(self, tmp_path):
        for number in (2, 0, 1):
            cv2.imwrite(str(tmp_path / f'{number}.png'), numbered_image(number))
        (tmp_path / 'notes.txt').write_text('not an image')
        source = opened(str(tmp_path))
        assert isinstance(source, ImageFolder)
        assert not source.is_live
        assert [number_of(taken.image) for taken in read_all(source)] == [0, 1, 2]

    def test_empty_folder(self, tmp_path):
        with pytest.raises(InputError, match='no images'):
            opened(str(tmp_path))

    def test_broken_image_is_named(self, tmp_path):
        (tmp_path / 'broken.png').write_bytes(b'no image')
        with pytest.raises(InputError, match=r'broken\.png'):
            opened(str(tmp_path)).read()

    def test_video_at_its_own_rate(self, tmp_path):
        path = str(tmp_path / 'video.avi')
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 12.5, (320, 240))
        for number in range(7):
            writer.write(numbered_image(number))
        writer.release()
        source = opened(path)
        assert isinstance(source, VideoFile)
        assert source.frame_rate == pytest.approx(12.5)
        assert [number_of(taken.image) for taken in read_all(source)] == list(range(7))
        assert opened(path, ImageSettings(frame_rate=30.0)).frame_rate == 30.0

    def test_something_that_is_no_video(self, tmp_path):
        (tmp_path / 'text.mp4').write_text('text')
        with pytest.raises(InputError, match='not a video'):
            opened(str(tmp_path / 'text.mp4'))


class TestHttp:
    @pytest.mark.parametrize(
        'camera', [{'rate': 100}, {'rate': 100, 'length': False}], indirect=True
    )
    def test_every_image_comes_as_it_was_sent(self, camera):
        source = opened(camera.address)
        taken = [source.read() for _ in range(40)]
        assert [number_of(image.image) for image in taken] == list(range(40))
        for image in taken:
            decoded = cv2.imdecode(np.frombuffer(image.jpeg, np.uint8), cv2.IMREAD_COLOR)
            np.testing.assert_array_equal(decoded, image.image)

    @pytest.mark.parametrize('clock', [time.monotonic, time.time])
    def test_capture_time_is_what_the_server_wrote(self, clock):
        camera = MjpegCamera(rate=50, clock=clock, late=lambda n: 0.015 * (n % 2))
        source = opened(camera.address)
        taken = [source.read() for _ in range(20)]
        errors = [image.taken - camera.sent[number_of(image.image)] for image in taken]
        camera.cut()
        assert np.abs(errors).max() < 0.003

    def test_without_timestamps_it_is_the_arrival(self):
        camera = MjpegCamera(rate=50, clock=None, late=lambda n: 0.015)
        image = opened(camera.address).read()
        camera.cut()
        assert 0.015 <= image.taken - camera.sent[number_of(image.image)] < 0.05

    @pytest.mark.parametrize('camera', [{'password': 'a/b c'}], indirect=True)
    def test_user_and_password(self, camera):
        address = camera.address.replace('a/b c', 'a%2Fb%20c')
        assert opened(address).read() is not None
        with pytest.raises(InputError, match='401') as raised:
            opened(without_password(address))
        assert 'user:password@' in str(raised.value)

    def test_a_cut_is_the_end_and_it_opens_again(self, camera):
        source = opened(camera.address)
        assert source.read() is not None
        camera.cut()
        assert list(read_all(source))[1:] == []
        with pytest.raises(InputError, match='no answer from http://127'):
            source.open()
        camera.restore()
        source.open()
        assert source.read() is not None

    def test_silence_is_a_cut(self, camera, monkeypatch):
        monkeypatch.setattr('av_tracker_nodes.capture.mjpeg.NETWORK_TIMEOUT', 0.3)
        source = opened(camera.address)
        assert source.read() is not None
        camera.stalls = True
        began = time.monotonic()
        assert len(list(read_all(source))) < 3
        assert time.monotonic() - began < 2


class TestRtsp:
    def test_images_come_in_order_until_a_cut_and_again_when_restored(self):
        camera = RtspCamera(rate=50)
        source = opened(camera.address)
        assert isinstance(source, NetworkVideo)
        numbers = [number_of(source.read().image) for _ in range(20)]
        assert numbers == list(range(numbers[0], numbers[0] + 20))
        camera.cut()
        assert len(list(read_all(source))) < 50
        source.close()
        camera.restore()
        source.open()
        assert number_of(source.read().image) > numbers[-1]
        source.close()
        camera.cut()

    def test_it_is_stamped_when_it_arrives(self):
        camera = RtspCamera(rate=20)
        source = opened(camera.address)
        for _ in range(10):
            now = time.monotonic()
            taken = source.read().taken
            assert now <= taken <= time.monotonic()
        source.close()
        camera.cut()

    def test_rtsp_that_does_not_answer(self):
        began = time.monotonic()
        with pytest.raises(InputError, match='no video from rtsp://127') as raised:
            opened('rtsp://me:secret@127.0.0.1:9/stream')
        assert 'secret' not in str(raised.value)
        assert time.monotonic() - began < NETWORK_TIMEOUT + 2


class TestNewest:
    @pytest.mark.parametrize('camera', [{'rate': 100}], indirect=True)
    def test_a_slow_reader_gets_the_newest(self, camera):
        newest = NewestImage(opened(camera.address))
        newest.wait(1.0)
        time.sleep(0.5)
        taken = newest.wait(1.0)
        assert time.monotonic() - taken.taken < 0.1
        assert newest.skipped > 20
        newest.close()

    def test_waiting_ends_with_the_source(self, camera):
        newest = NewestImage(opened(camera.address))
        assert newest.wait(1.0) is not None
        camera.cut()
        while newest.wait(1.0) is not None:
            pass
        assert newest.has_ended
        newest.close()


class TestSourceClock:
    def clock(self, offset):
        self.now = 100.0
        return SourceClock(wall=lambda: self.now + 5000.0, steady=lambda: self.now)

    def test_times_of_our_clocks_are_taken_as_they_are(self):
        assert self.clock(0).steady_time(99.97) == pytest.approx(99.97)
        assert self.clock(0).steady_time(5099.97) == pytest.approx(99.97)

    def test_it_never_says_the_future(self):
        clock = self.clock(0)
        clock.steady_time(99.97)
        assert clock.steady_time(100.2) == 100.0

    def test_of_a_strange_clock_the_jitter_is_taken_out(self):
        clock = self.clock(0)
        rng = np.random.default_rng(1)
        errors = []
        for number in range(500):
            taken, travel = number / 25, 0.002 + rng.exponential(0.02)
            self.now = 100.0 + taken + travel
            errors.append(clock.steady_time(7e5 + taken) - (100.0 + taken))
        assert np.abs(errors[100:]).max() < 0.006

    def test_a_strange_clock_that_jumps(self):
        clock = self.clock(0)
        clock.steady_time(7e5)
        self.now = 100.04
        assert clock.steady_time(9e5) == pytest.approx(100.04)
