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

import mini_corpus
import numpy as np
import pytest
from mini_corpus import NAME

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.bag import BagReader
from av_tracker_nodes.research.datasets.convert import convert_all, convert_sequence
from av_tracker_nodes.types import AudioBlock, ImageFrame


def convert(corpus, out, camera=2, **options):
    (corpus / NAME / f'{NAME}-person1.speech').write_text('10.5 11.25\n')
    return convert_sequence(corpus, 'seq24', camera, out, **options)


def test_nothing_of_the_sequence_is_lost(corpus, tmp_path):
    shares = []
    bag = convert(corpus, tmp_path / 'bag', progress=shares.append)
    with BagReader(bag) as reader:
        records = list(reader.records())
        stamps = reader.image_stamps
    sound = np.concatenate([r.samples for r in records if isinstance(r, AudioBlock)])
    np.testing.assert_array_equal(np.rint(sound * 32768), mini_corpus.sound())
    # Camera 2 starts 0.28 s before the sound.
    assert stamps[0] == 9_720_000_000
    assert len(stamps) == mini_corpus.FRAMES
    assert isinstance(records[0], ImageFrame)
    assert records[0].image.shape == (288, 360, 3)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_geometry_is_that_of_the_corpus(corpus, tmp_path):
    with BagReader(convert(corpus, tmp_path / 'bag')) as reader:
        rig = reader.rig()
    point = np.array([0.4, 0.1, 0.3])
    expected = mini_corpus.project(mini_corpus.Calibration(2), point) - 1
    np.testing.assert_allclose(rig.camera.project(point), expected, atol=1e-6)
    np.testing.assert_allclose(
        rig.microphones.positions[15], [-0.0707107, -0.3292893, 0], atol=1e-6
    )


def test_ground_truth_is_in_the_bag(corpus, tmp_path):
    with BagReader(convert(corpus, tmp_path / 'bag')) as reader:
        frames = reader.ground_truth()
        assert [frame.stamp for frame in frames] == reader.image_stamps
    assert [track.id for track in frames[0].tracks] == [1, 2]
    for frame in frames:
        time = frame.stamp / 1e9
        first, second = frame.tracks
        np.testing.assert_allclose(first.position, mini_corpus.mouth(1, time), atol=2e-6)
        np.testing.assert_allclose(first.velocity, [0.1, 0, 0], atol=1e-4)
        assert first.is_speaking is (10.5 <= time < 11.25)
        assert not second.is_speaking
        u, v = mini_corpus.project(mini_corpus.Calibration(2), mini_corpus.mouth(1, time)) - 1
        left, top, width, height = first.box
        assert left < u < left + width
        assert top < v < top + height


def test_uncompressed(corpus, tmp_path):
    with BagReader(convert(corpus, tmp_path / 'bag', camera=1, compressed=False)) as reader:
        assert not reader.compressed
        assert reader.topics['/image_raw'] == 'sensor_msgs/msg/Image'


@pytest.mark.parametrize('missing', ['_array2_mic8.wav', '_cam2_divx_audio.avi', '_timings_cam2'])
def test_nothing_is_left_when_something_is_missing(corpus, tmp_path, missing):
    (corpus / NAME / f'{NAME}{missing}').unlink()
    with pytest.raises(InputError, match=f'{NAME}{missing}'):
        convert(corpus, tmp_path / 'out' / 'bag')
    assert not (tmp_path / 'out').exists()


def test_nothing_is_left_when_a_rate_is_wrong(corpus, tmp_path):
    mini_corpus.write_video(corpus / NAME / f'{NAME}_cam2_divx_audio.avi', 2, rate=30)
    with pytest.raises(InputError, match='30 frames a second'):
        convert(corpus, tmp_path / 'out' / 'bag')
    assert list((tmp_path / 'out').iterdir()) == []


def test_all_cameras_of_all_sequences(corpus, tmp_path):
    shares = []
    bags, problems = convert_all(corpus, tmp_path, progress=shares.append)
    assert [bag.name for bag in bags] == [f'{NAME}-cam{camera}' for camera in (1, 2, 3)]
    assert problems == []
    assert shares[-1] == 1.0
    with BagReader(bags[2]) as reader:
        assert len(reader.image_stamps) == mini_corpus.FRAMES


def test_what_was_converted_is_kept_and_the_rest_goes_on(corpus, tmp_path):
    (corpus / NAME / f'{NAME}_timings_cam1').unlink()
    convert(corpus, tmp_path / f'{NAME}-cam2')
    before = (tmp_path / f'{NAME}-cam2' / 'metadata.yaml').stat().st_mtime_ns
    bags, problems = convert_all(corpus, tmp_path, ['seq24'])
    assert [bag.name for bag in bags] == [f'{NAME}-cam2', f'{NAME}-cam3']
    assert (tmp_path / f'{NAME}-cam2' / 'metadata.yaml').stat().st_mtime_ns == before
    assert len(problems) == 1
    assert problems[0].startswith(f'{NAME}-cam1: timings')


def test_nothing_to_convert(tmp_path):
    with pytest.raises(InputError, match='holds no sequence'):
        convert_all(tmp_path, tmp_path / 'out')
