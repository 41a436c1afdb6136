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

import pickle
from dataclasses import replace

import numpy as np
import pytest

from av_tracker_nodes.association import SpeakerTracker, TrackerConfig
from av_tracker_nodes.association.track import PersonTrack
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry import Camera, RigidTransform
from av_tracker_nodes.geometry.head import face_box
from av_tracker_nodes.recordings.plausible import check_box
from av_tracker_nodes.types import Detection, DetectionFrame, Modality, TrackState, to_nanoseconds

# At the origin, looking along world x, with y to its left.
FORWARD = RigidTransform(np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]]))
CAMERA = Camera(400, 400, 180, 144, (360, 288), pose=FORWARD)


def seen(position, std=0.03, speaking=0.0, embedding=None):
    position = np.asarray(position, float)
    return Detection(
        position,
        std**2 * np.eye(3),
        Modality.VISUAL,
        box=face_box(CAMERA, position),
        speaking=speaking,
        embedding=embedding,
    )


def heard(position, std=0.2, speaking=0.9, quality=1.0):
    return Detection(
        np.asarray(position, float),
        std**2 * np.eye(3),
        Modality.AUDIO,
        quality=quality,
        speaking=speaking,
    )


def run(tracker, scene, start=0.0, rate=25):
    """Feed `scene`, one list of detections a frame, and return all frames."""
    return [
        tracker.process(
            DetectionFrame(to_nanoseconds(start + k / rate), tuple(detections)), CAMERA
        )
        for k, detections in enumerate(scene)
    ]


def test_a_face_becomes_a_confirmed_track_on_its_third_frame():
    frames = run(SpeakerTracker(), [[seen((2, 0, 0))]] * 4)
    states = [frame.tracks[0].state for frame in frames]
    assert states == [TrackState.TENTATIVE] * 2 + [TrackState.CONFIRMED] * 2
    assert {frame.tracks[0].id for frame in frames} == {1}


def test_a_single_false_alarm_is_never_confirmed():
    frames = run(SpeakerTracker(), [[seen((2, 0, 0))]] + [[]] * 30)
    assert all(t.state == TrackState.TENTATIVE for frame in frames for t in frame.tracks)
    assert frames[-1].tracks == ()


@pytest.mark.parametrize('assignment', ['optimal', 'greedy'])
@pytest.mark.parametrize('reference', ['predicted', 'previous'])
def test_two_people_who_cross_keep_their_ids(assignment, reference):
    """They pass at 0.6 m in depth; the farther one is hidden for 0.4 s."""
    tracker = SpeakerTracker(TrackerConfig(assignment=assignment, reference=reference))
    ys = np.linspace(-0.8, 0.8, 80)
    scene = [[seen((2, y, 0))] + ([] if abs(y) < 0.1 else [seen((2.6, -y, 0))]) for y in ys]
    last = run(tracker, scene)[-1]
    where = {track.id: track.position for track in last.tracks}
    assert sorted(where) == [1, 2]
    np.testing.assert_allclose(where[1], (2, 0.8, 0), atol=0.1)
    np.testing.assert_allclose(where[2], (2.6, -0.8, 0), atol=0.1)


def test_two_people_who_touch_and_hide_one_another_stay_two():
    """At 0.15 m from each other, one of them is hidden for 0.6 s."""
    both = [seen((2, 0, 0)), seen((2.15, 0.02, 0))]
    frames = run(SpeakerTracker(), [both] * 10 + [both[:1]] * 15 + [both] * 3, start=1)
    assert {t.id for t in frames[-1].tracks} == {1, 2}


def test_a_face_at_a_wrong_range_is_the_person_in_that_place_of_the_picture():
    scene = [[seen((2.5, 0, 0))]] * 10 + [[seen((3.4, 0, 0))]] * 5
    frames = run(SpeakerTracker(), scene, start=1)
    assert {t.id for frame in frames for t in frame.tracks} == {1}
    assert frames[-1].tracks[0].position[0] < 3.4


def test_a_voice_of_somebody_known_is_no_second_person():
    frames = run(SpeakerTracker(), [[seen((2, 0, 0)), heard((2.2, 0.1, 0))]] * 30)
    assert all(len(frame.tracks) == 1 for frame in frames)


def test_a_sound_never_takes_a_track_from_its_face():
    """Where the track is expected, a sound fits better than a face a little aside."""
    still = [[seen((2, 0, 0))]] * 10
    frames = run(SpeakerTracker(), still + [[seen((2, 0.12, 0)), heard((2, 0, 0))]] * 5)
    assert all(len(frame.tracks) == 1 for frame in frames)
    assert frames[-1].tracks[0].modalities == Modality.VISUAL


def test_a_sound_beside_a_visible_person_is_not_the_hidden_one():
    """Who is hidden 0.5 m behind would accept the sound, but it comes from the one in front."""
    front, behind = seen((2, 0, 0)), seen((2.5, 0, 0))
    hidden = [front, heard((2.05, 0, 0), std=0.3)]
    frames = run(SpeakerTracker(), [[front, behind]] * 10 + [hidden] * 10)
    assert frames[-1].tracks[1].position[0] == pytest.approx(2.5, abs=0.02)
    assert frames[-1].tracks[1].modalities == Modality.NONE


@pytest.mark.parametrize(('weight', 'swapped'), [(0.0, True), (1.0, False)])
def test_looks_decide_where_places_do_not(weight, swapped):
    """Two people come out of a crossing nearer to each other's place than to their own."""
    red, blue = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    apart = [seen((2, 0.3, 0), embedding=red), seen((2, -0.3, 0), embedding=blue)]
    crossed = [seen((2, -0.05, 0), embedding=red), seen((2, 0.05, 0), embedding=blue)]
    tracker = SpeakerTracker(TrackerConfig(appearance=weight))
    frames = run(tracker, [apart] * 10 + [[]] * 15 + [crossed] * 3)
    first, second = frames[-1].tracks
    assert (first.id, second.id) == (1, 2)
    assert (first.position[1] > second.position[1]) == swapped


def test_looks_are_averaged_over_their_memory():
    red, blue = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    config = TrackerConfig(appearance_memory=2.0)
    track = PersonTrack(1, seen((2, 0, 0), embedding=red), 0, config, np.zeros(3))
    track.remember_face(seen((2, 0, 0)), 0.04)
    for _ in range(1000):
        track.remember_face(seen((2, 0, 0), embedding=blue), 0.001)
    assert np.linalg.norm(track.embedding) == pytest.approx(1)
    assert 0.5 < track.embedding[1] / track.embedding[0] < 1.0


def test_a_face_taken_where_people_meet_draws_no_track_along_when_they_part():
    """One face of the two is found as they pass; it goes on with the one who comes out.

    The body of the other one is still in the picture and lends it half of the looks.
    """
    red, blue = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    mixed = (red + blue) / np.linalg.norm(red + blue)

    def still(tracklet=1):
        return replace(seen((2, 0, 0), embedding=red), tracklet=tracklet)

    def walker(y, embedding=blue, tracklet=2):
        return replace(seen((2.5, y, 0), embedding=embedding), tracklet=tracklet)

    apart = [[still(), walker(y)] for y in np.arange(0.6, 0.16, -0.04)]
    met = [[]] * 5 + [[still(tracklet=3)]] + [[]] * 2
    parting = [[walker(y, mixed, tracklet=3)] for y in np.arange(-0.2, -0.4, -0.04)]
    first, second = run(SpeakerTracker(), apart + met + parting)[-1].tracks
    np.testing.assert_allclose(first.position, (2, 0, 0), atol=0.05)
    np.testing.assert_allclose(second.position, (2.5, -0.36, 0), atol=0.05)


def test_a_voice_out_of_view_becomes_a_track_without_a_box():
    frames = run(SpeakerTracker(), [[heard((-1, 1, 0))]] * 20)
    (track,) = frames[-1].tracks
    assert track.state == TrackState.CONFIRMED
    assert track.box is None
    assert track.is_speaking
    assert track.last_visual == 0


def test_a_hidden_talker_is_followed_by_ear():
    ys = np.linspace(-0.5, 0.5, 100)
    scene = [[seen((2, y, 0)) if k < 25 else heard((2, y, 0))] for k, y in enumerate(ys)]
    frames = run(SpeakerTracker(), scene)
    (track,) = frames[-1].tracks
    assert track.id == 1
    np.testing.assert_allclose(track.position, (2, 0.5, 0), atol=0.15)


def test_a_hidden_talker_is_the_strong_voice_rather_than_an_echo_nearby():
    hidden = [heard((2, 0.4, 0)), heard((2, -0.3, 0), quality=0.4)]
    frames = run(SpeakerTracker(), [[seen((2, 0, 0))]] * 10 + [hidden] * 25)
    assert frames[-1].tracks[0].position[1] == pytest.approx(0.4, abs=0.1)


def test_somebody_who_returns_keeps_the_id_and_a_stranger_elsewhere_does_not():
    tracker = SpeakerTracker()
    first = run(tracker, [[seen((2, 0, 0))]] * 10 + [[]] * 150)
    assert first[-1].tracks == ()
    returned = run(tracker, [[seen((2, 0.5, 0))]] * 10, start=7)
    assert returned[-1].tracks[0].id == first[5].tracks[0].id
    stranger = run(tracker, [[seen((2, 0.5, 0)), seen((5, -2, 0))]] * 10, start=8)
    assert {t.id for t in stranger[-1].tracks} - {t.id for t in first[5].tracks}


@pytest.mark.parametrize(
    ('looks', 'id'),
    [((1.0, 0.0), 1), ((0.8, 0.6), 1), ((0.28, 0.96), 2), ((0.0, 1.0), 2), ((-0.6, 0.8), 2)],
)
def test_somebody_else_who_comes_in_the_same_way_is_a_newcomer(looks, id):
    """One walks out of the picture at 1 m/s; 10 s later one walks in there."""
    red = np.array([1.0, 0.0])
    out = [[seen((2, -0.04 * k, 0), embedding=red)] for k in range(20)]
    back = [[seen((2, -0.8 + 0.04 * k, 0), embedding=np.array(looks))] for k in range(5)]
    frames = run(SpeakerTracker(), out + [[]] * 250 + back, start=1)
    assert frames[-10].tracks == ()
    assert [track.id for track in frames[-1].tracks] == [id]


def test_without_looks_who_comes_back_is_known_by_the_place():
    """Looks are switched off at the face detector, or of another kind than they were."""
    other_kind = np.array([1.0, 0.0, 0.0])
    out = [[seen((2, -0.04 * k, 0))] for k in range(20)]
    for looks in (None, other_kind):
        back = [[seen((2, -0.8 + 0.04 * k, 0), embedding=looks)] for k in range(5)]
        frames = run(SpeakerTracker(), out + [[]] * 250 + back, start=1)
        assert [track.id for track in frames[-1].tracks] == [1]


def test_memory_ends():
    """Neither the id is given again, nor are the looks anywhere in the memory of the tracker."""
    looks = np.array([0.6, 0.8])
    scene = [[seen((2, 0, 0), embedding=looks)]] * 10
    tracker = SpeakerTracker(TrackerConfig(memory=5.0))
    run(tracker, scene + [[]] * 120)
    assert looks.tobytes() in pickle.dumps(tracker)
    run(tracker, [[]] * 10, start=11)
    assert looks.tobytes() not in pickle.dumps(tracker)
    later = run(tracker, scene, start=20)
    assert later[-1].tracks[0].id != 1


def test_other_numbers_hold_for_those_who_are_known():
    scene = [[seen((2, 0.04 * k, 0))] for k in range(20)]
    coasting, forgetting = SpeakerTracker(), SpeakerTracker()
    for tracker in (coasting, forgetting):
        run(tracker, scene)
    forgetting.reconfigure(TrackerConfig(patience=0.2, velocity_memory=0.1))
    (kept,) = run(coasting, [[]] * 3, start=0.8)[-1].tracks
    (slowed,) = run(forgetting, [[]] * 3, start=0.8)[-1].tracks
    assert np.linalg.norm(slowed.velocity) < 0.5 * np.linalg.norm(kept.velocity)
    assert len(run(coasting, [[]], start=1.2)[-1].tracks) == 1
    assert run(forgetting, [[]], start=1.2)[-1].tracks == ()


def test_a_backward_jump_starts_anew_and_ids_go_on():
    tracker = SpeakerTracker()
    run(tracker, [[seen((2, 0, 0))]] * 10, start=100)
    again = run(tracker, [[seen((2, 0, 0))]] * 10, start=10)
    assert again[0].tracks[0].state == TrackState.TENTATIVE
    assert again[-1].tracks[0].id == 2


def test_slight_disorder_is_no_jump():
    tracker = SpeakerTracker()
    run(tracker, [[seen((2, 0, 0))]] * 10, start=100)
    (late,) = run(tracker, [[seen((2, 0, 0))]], start=100.31)
    assert late.tracks[0].id == 1
    assert late.tracks[0].state == TrackState.CONFIRMED


def test_every_cycle_is_answered_with_its_own_stamp():
    frames = run(SpeakerTracker(), [[]] * 3)
    assert [frame.stamp for frame in frames] == [0, 40_000_000, 80_000_000]
    assert all(frame.tracks == () for frame in frames)


def test_without_a_camera_there_are_tracks_but_no_boxes():
    tracker = SpeakerTracker()
    for k in range(5):
        frame = tracker.process(DetectionFrame(k * 40_000_000, (heard((2, 0, 0)),)))
    assert frame.tracks[0].box is None


@pytest.mark.parametrize(
    'wrong', [{'beta': 1.5}, {'assignment': 'best'}, {'speaking_on': 0.2, 'speaking_off': 0.5}]
)
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(InputError):
        TrackerConfig(**wrong)


@pytest.mark.parametrize(
    'covariance',
    [
        np.zeros((3, 3)),
        np.diag([1.0, 1.0, 0.0]),
        np.diag([1.0, 1.0, -0.1]),
        np.full((3, 3), np.nan),
        np.diag([1.0, np.inf, 1.0]),
        1e-30 * np.eye(3),
        np.array([[1.0, 2, 0], [2, 1, 0], [0, 0, 1]]),
    ],
)
def test_a_covariance_that_is_none_is_refused_and_costs_its_frame_alone(covariance):
    tracker, other = SpeakerTracker(), SpeakerTracker()
    wrong = Detection(np.ones(3), covariance, Modality.VISUAL)
    for step in range(5):
        frame = DetectionFrame(to_nanoseconds(step / 25), (seen((2, 0, 0)),))
        expected = other.process(frame, CAMERA)
        with pytest.raises(InputError, match='not positive definite'):
            tracker.process(replace(frame, detections=(*frame.detections, wrong)), CAMERA)
        (track,), (alike,) = tracker.process(frame, CAMERA).tracks, expected.tracks
        np.testing.assert_array_equal(track.covariance, alike.covariance)
        assert track.state == alike.state


@pytest.mark.parametrize('deviations', [(1e-3, 1e-3, 1e-3), (0.01, 0.01, 100.0)])
def test_precise_and_vague_detections_at_one_place_are_taken(deviations):
    tracker = SpeakerTracker()
    alike = Detection(np.array([2.0, 0, 0]), np.diag(deviations) ** 2, Modality.VISUAL)
    for step in (0, 0, 1, 1, 2):
        frame = DetectionFrame(to_nanoseconds(step / 25), (alike, alike))
        (track, *_) = tracker.process(frame, CAMERA).tracks
    assert np.linalg.eigvalsh(track.covariance[:3, :3]).min() > 0


@pytest.mark.parametrize('k1', [-0.2, -0.35, -0.6, 0.3])
def test_who_leaves_the_view_sideways_has_a_box_only_within_it(k1):
    """Beyond the fold of its polynomial, the lens would draw them into the picture again."""
    camera = replace(CAMERA, distortion=np.array([k1, 0.05, 1e-3, 0, 0]))
    tracker = SpeakerTracker()
    angles = np.deg2rad(np.linspace(0, 88, 200))
    edge = np.deg2rad(35)
    for k, angle in enumerate(angles):
        place = 1.5 * np.array([np.cos(angle), np.sin(angle), 0.1])
        frame = tracker.process(
            DetectionFrame(to_nanoseconds(k / 25), (heard(place, 0.1),)), camera
        )
        for track in frame.tracks:
            if angle > edge:
                assert track.box is None
            if track.box is not None:
                check_box('a track', track.box)


@pytest.mark.parametrize('place', [(2.5, -1.0, 0.0), (2.4, -0.9, 0.0), (1.5, -1.4, 0.0)])
@pytest.mark.parametrize('range_std', [0.4, 0.7])
def test_a_voice_that_was_there_before_is_not_somebody_who_leaves(place, range_std):
    """A television talks on while a silent person walks past it, and out of view."""
    tracker, rng, scene = SpeakerTracker(), np.random.default_rng(0), []
    along = np.array(place) / np.linalg.norm(place)
    covariance = 0.05**2 * np.eye(3) + range_std**2 * np.outer(along, along)
    for k in range(250):
        y = -0.3 - 0.5 * max(k / 25 - 3, 0)
        voice = replace(
            heard(place + 0.2 * rng.normal() * along + 0.03 * rng.normal(size=3)),
            covariance=covariance,
        )
        scene.append([voice] + ([seen((2, y, 0))] if y > -0.85 else []))
    frames = run(tracker, scene)
    left = [k for k, detections in enumerate(scene) if len(detections) == 1]
    (seen_first,) = {t.id for t in frames[20].tracks if t.modalities & Modality.VISUAL}
    person = [t for k in left for t in frames[k].tracks if t.id == seen_first]
    assert person
    assert not any(t.is_speaking or t.modalities & Modality.AUDIO for t in person)
    assert max(abs(t.velocity[1]) for t in person) < 0.8
    voices = [t for t in frames[-1].tracks if t.id != seen_first]
    assert len(voices) == 1
    assert voices[0].is_speaking


def test_a_voice_that_begins_beside_somebody_unseen_is_theirs():
    tracker = SpeakerTracker()
    run(tracker, [[seen((2, 0, 0))]] * 25)
    frames = run(tracker, [[]] * 25 + [[heard((2.0, 0.2, 0.0))]] * 25, start=1.0)
    (track,) = frames[-1].tracks
    assert track.id == 1
    assert track.is_speaking


def test_elevation_that_a_flat_array_hardly_tells_does_not_become_a_range():
    """Somebody who was seen talks on unseen, and sounds from 30 degrees too high, by 2 sigma."""
    where, elevation, distance = np.array([2.5, 0.4, 0.2]), np.radians(35), 3.2
    level = np.array([*where[:2], 0.0]) / np.linalg.norm(where[:2])
    upright = np.array([0, 0, 1.0])
    ray = np.cos(elevation) * level + np.sin(elevation) * upright
    across = np.cos(elevation) * upright - np.sin(elevation) * level
    aside = np.cross(ray, across)
    stds = 1.5, distance * np.radians(15), distance * np.radians(4)
    wide = sum(
        std**2 * np.outer(axis, axis) for std, axis in zip(stds, (ray, across, aside), strict=True)
    )
    voice = Detection(distance * ray, wide, Modality.AUDIO, speaking=0.9)
    frame = run(SpeakerTracker(), [[seen(where)]] * 50 + [[voice]] * 200)[-1]
    assert np.linalg.norm(frame.tracks[0].position - where) < 0.3


def test_a_bearing_that_is_well_known_still_moves_somebody_unseen():
    scene = [[seen((2.5, 0.4, 0.2))]] * 50
    for image in range(100):
        aside = 0.4 + 0.6 * min(image / 50, 1.0)
        voice = heard((2.5, aside, 0.5))
        scene.append([replace(voice, covariance=np.diag([1.5, 0.1, 0.8]) ** 2)])
    frame = run(SpeakerTracker(), scene)[-1]
    assert frame.tracks[0].position[1] == pytest.approx(1.0, abs=0.15)


def test_a_tracker_that_follows_another_goes_on_with_its_ids():
    left, right, newcomer = (seen([2.0, y, 0.0]) for y in (0.6, -0.6, 0.0))
    instants = [to_nanoseconds(0.04 * k) for k in range(60)]
    first, second = SpeakerTracker(), SpeakerTracker()
    for stamp in instants[:40]:
        before = first.process(DetectionFrame(stamp, (left, right)), CAMERA)
    second.resume(first.people(), first.next_id)
    # In another order, some of it once more, and with somebody who was not there.
    for stamp in instants[20:]:
        after = second.process(DetectionFrame(stamp, (right, newcomer, left)), CAMERA)
    places = {track.id: track.position for track in after.tracks}
    assert len(places) == 3
    for track in before.tracks:
        np.testing.assert_allclose(places[track.id], track.position, atol=0.02)
    (new,) = set(places) - {track.id for track in before.tracks}
    assert new >= first.next_id


def test_where_neither_sense_tells_anything_tracks_are_predicted_and_nothing_else_changes():
    """Nobody looks at every other image, or there is none; later the person has gone."""
    rare, all_images = SpeakerTracker(), SpeakerTracker()
    for k in range(48):
        place = np.array([2.0, 0.3 - 0.02 * k, 0.0])
        looked = DetectionFrame(to_nanoseconds(1 + 2 * k / 25), (seen(place), heard(place)))
        looked = replace(looked, detections=looked.detections if k < 40 else ())
        (former,) = all_images.process(looked, CAMERA).tracks
        (expected,) = rare.process(looked, CAMERA).tracks
        assert (former.id, former.state) == (expected.id, expected.state)
        assert former.existence == pytest.approx(expected.existence, abs=1e-6)
        assert former.speaking == pytest.approx(expected.speaking, abs=1e-6)
        np.testing.assert_allclose(former.position, expected.position, atol=0.01)
        between = DetectionFrame(looked.stamp + 40_000_000, without=Modality.BOTH)
        (predicted,) = all_images.process(between, CAMERA).tracks
        assert (predicted.state, predicted.modalities) == (former.state, former.modalities)
        if 20 < k < 40:
            np.testing.assert_allclose(predicted.position, place - [0, 0.01, 0], atol=0.02)


@pytest.mark.parametrize('without', [Modality.NONE, Modality.VISUAL])
def test_only_an_image_that_was_looked_at_shows_that_somebody_has_gone(without):
    tracker = SpeakerTracker()
    run(tracker, [[seen([2.0, 0, 0])]] * 50)
    for k in range(50, 90):
        frame = DetectionFrame(to_nanoseconds(k / 25), without=without)
        tracks = tracker.process(frame, CAMERA).tracks
    assert bool(tracks) == (without == Modality.VISUAL)


@pytest.mark.parametrize('without', [Modality.NONE, Modality.AUDIO])
def test_only_sound_that_came_shows_that_a_voice_is_silent(without):
    tracker = SpeakerTracker()
    run(tracker, [[heard([2.0, 0, 0])]] * 50)
    existence = [
        tracker.process(DetectionFrame(to_nanoseconds(k / 25), without=without), CAMERA)
        .tracks[0]
        .existence
        for k in (50, 60)
    ]
    assert (existence[1] < 0.99 * existence[0]) == (without == Modality.NONE)
