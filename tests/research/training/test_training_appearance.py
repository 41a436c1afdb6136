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


import cv2
import numpy as np
import pytest

from av_tracker_nodes.association import absent
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.simulation.studio import VIEWS
from av_tracker_nodes.research.training.portrait_cameras import PortraitCamera
from av_tracker_nodes.research.training.portraits import Portraits, load_portraits, make_portraits
from av_tracker_nodes.vision.appearance import AppearanceEncoder, appearance_crops

torch = pytest.importorskip('torch')

from av_tracker_nodes.research.training.appearance_training import (  # noqa: E402
    AppearanceTraining,
    Pairs,
    compare,
    draw_batch,
    run_appearance,
    views_of,
)

BOX = np.array([64.0, 32.0, 28.0, 34.0])


def person(number, views=3):
    """Pictures of one colour, which is that of the person."""
    colour = np.random.default_rng(number).integers(0, 256, 3)
    picture = np.full((160, 160, 3), colour, np.uint8)
    code = cv2.imencode('.jpg', picture)[1]
    return Portraits((code,) * views, np.tile(BOX, (views, 1)))


def ignore(share, text=''):
    pass


@pytest.mark.thorough
def test_somebody_looks_alike_in_one_outfit_and_otherwise_in_another(tmp_path):
    """The colours of the chest are those of the clothes; the face is where the box is."""
    (path,) = make_portraits(tmp_path, [3], 2, 1)
    outfits = load_portraits(path)
    assert len(outfits) == 2
    chests = []
    for outfit in outfits:
        assert 2 <= len(outfit.boxes) <= VIEWS
        for view, box in enumerate(outfit.boxes):
            picture = outfit.picture(view)
            assert picture.shape == (160, 160, 3)
            assert 28 <= box[3] <= 36
            middle = (box[:2] + box[2:] / 2).astype(int)
            blue, _, red = picture[middle[1], middle[0]].astype(int)
            assert red > blue
            chests.append(picture[middle[1] + 45, middle[0]])
    own, other = np.split(np.array(chests, float), [len(outfits[0].boxes)])
    assert np.abs(np.median(own, axis=0) - np.median(other, axis=0)).max() > 20


@pytest.mark.thorough
def test_portraits_are_made_once_and_the_same_again(tmp_path):
    (path,) = make_portraits(tmp_path / 'a', [5], 1, 1)
    before = path.stat().st_mtime_ns
    assert make_portraits(tmp_path / 'a', [5], 1, 1) == [path]
    assert path.stat().st_mtime_ns == before
    (again,) = make_portraits(tmp_path / 'b', [5], 1, 1)
    for first, second in zip(load_portraits(path), load_portraits(again), strict=True):
        np.testing.assert_array_equal(first.boxes, second.boxes)
        np.testing.assert_array_equal(first.picture(0), second.picture(0))


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match='cannot write'):
        make_portraits(tmp_path / 'file' / 'below', [1], 1, 1)


@pytest.mark.parametrize('seed', range(20))
def test_cameras_see_a_face_where_the_box_says(seed):
    """A bright face before a dark wall stays the brightest thing, inside its box."""
    picture = np.full((160, 160, 3), 40, np.uint8)
    picture[32:66, 64:92] = 200
    rng = np.random.default_rng(seed)
    seen, box = PortraitCamera.draw(rng).see(picture, BOX, rng)
    left, top = np.clip(box[:2], 0, None).astype(int)
    inside = seen[top : int(box[1] + box[3]), left : int(box[0] + box[2])]
    assert seen.dtype == np.uint8
    assert inside.size
    assert np.median(inside) >= np.median(seen)


def test_batches_show_people_to_cameras_in_turn_and_come_again():
    people = [person(number) for number in range(12)]
    crops, seen_by = draw_batch(people, np.random.default_rng(1), count=6, views=4, cameras=3)
    assert crops.shape == (6, 4, 48, 48, 6)
    np.testing.assert_array_equal(seen_by, [0, 1, 2, 0, 1, 2])
    again, _ = draw_batch(people, np.random.default_rng(1), count=6, views=4, cameras=3)
    np.testing.assert_array_equal(crops, again)


def test_pairs_are_of_one_camera_and_counted_by_hand():
    """Two people before one camera; one before another, who is compared with nobody else."""
    views = np.array([[[1.0, 0], [0.8, 0.6]], [[0, 1], [1, 0]], [[1, 0], [1, 0]]])
    pairs = compare(lambda crops: crops, [(views, np.array([0, 0, 1]))])
    # The only other view is the mean of the others.
    np.testing.assert_allclose(sorted(pairs.same), [0, 0, 0.8, 0.8, 1, 1])
    np.testing.assert_allclose(sorted(pairs.different), [0.6, 0.6, 1, 1])
    assert pairs.passed(0.7) == (4 / 6, 2 / 4)
    # Twice 0.8 and twice 1 beat 0.6, and twice 1 ties with 1, which counts half.
    assert pairs.area_under_roc() == pytest.approx((8 + 4 / 2) / 24)


def test_the_threshold_keeps_95_percent_of_one_person():
    pairs = Pairs(np.linspace(0, 1, 1001), np.zeros(3))
    assert pairs.passed(pairs.threshold())[0] == pytest.approx(0.95, abs=0.002)


@pytest.mark.thorough
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    people = [person(number) for number in range(32)]
    straight = AppearanceTraining(people, tmp_path / 'straight', 3, seed=0)
    straight.run(ignore)

    def stop(share, text):
        raise KeyboardInterrupt

    stopped = AppearanceTraining(people, tmp_path / 'stopped', 3, seed=0, save_every=1)
    with pytest.raises(KeyboardInterrupt):
        stopped.run(stop)
    AppearanceTraining(people, tmp_path / 'stopped', 3, seed=0).run(ignore)
    first, second = (
        AppearanceTraining(people, tmp_path / name, 3, seed=0).network.state_dict()
        for name in ('straight', 'stopped')
    )
    for name, weights in first.items():
        torch.testing.assert_close(second[name], weights)


@pytest.mark.thorough
def test_the_command_trains_writes_and_reports(tmp_path, no_bar):
    for first in (0, 1000, 2000):
        for number in range(first, first + 16):
            two = [person(number), person(number + 5000)]
            codes = [code for each in two for code in each.codes]
            np.savez(
                tmp_path / f'portraits-{number:04d}.npz',
                codes=np.concatenate(codes),
                lengths=np.array([len(code) for code in codes]),
                boxes=np.concatenate([each.boxes for each in two]),
                outfit=np.repeat([0, 1], 3),
            )
    result = run_appearance(tmp_path, tmp_path / 'out', 16, 2, 1, no_bar)
    assert set(result) == {'likeness', 'validation', 'test'}
    assert result['validation']['same_passed'] == pytest.approx(0.95, abs=0.01)
    image = np.full((100, 100, 3), 90, np.uint8)
    (embedding,) = AppearanceEncoder(tmp_path / 'out' / 'appearance.onnx').embed(image, [BOX])
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_the_shipped_network_knows_people_again_and_takes_few_for_others(tmp_path):
    """Forty people of the test split whom nobody has seen, before any camera."""
    paths = make_portraits(tmp_path, range(2100, 2120), 2, 1)
    people = [each for path in paths for each in load_portraits(path)]
    pairs = compare(AppearanceEncoder().embed_crops, views_of(people, 4))
    same, different = pairs.passed(1 - absent.ALIKE)
    assert same > 0.9
    assert different < 0.3


@pytest.mark.parametrize('light', [0.6, 1.5])
def test_more_or_less_light_changes_nothing_much(light):
    encoder = AppearanceEncoder()
    image = np.full((160, 160, 3), 90, np.uint8)
    image[32:66, 64:92] = (100, 130, 170)
    image[75:] = (120, 60, 30)
    lit = np.clip(image * light, 0, 255).astype(np.uint8)
    first, second = encoder.embed_crops(np.stack([appearance_crops(i, BOX) for i in (image, lit)]))
    assert first @ second > 0.8
