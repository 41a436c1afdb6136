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

"""The measures of the papers against their equations, written out."""

import numpy as np
import pytest
from acoustic_scenes import (
    RATE,
    RIG,
    TALKER,
    fed,
    frame_at,
    peak_pixel,
    propagate,
    seconds,
    two_circles,
    voice,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from av_tracker_nodes.acoustics import MEASURES, AcousticConfig, AcousticStage
from av_tracker_nodes.acoustics.enhancement import WeightedHistory, combine
from av_tracker_nodes.acoustics.frames import FieldCache
from av_tracker_nodes.acoustics.measures import Measure, Shown
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.head import face_box

BOX = face_box(RIG.camera, TALKER)
HOP, LENGTH = 320, 640
GRID = (6, 5)
MAPS = st.lists(
    st.lists(st.floats(-0.25, 1.0, width=32), min_size=30, max_size=30), min_size=1, max_size=6
)


# ---- V-WSWE


def written_out(maps, n=3):
    """AVCLNet eqs 3-8 for the last of the maps (oldest first), letter by letter.

    Negative weights are zero; without any weight the current map stays.
    """
    current, *past = maps[::-1]
    raw = []
    for m, values in enumerate(past[:n], start=1):
        total = 0.0
        for row in values:
            for value in row:
                total += float(value)
        theta_avg = total / (len(values) * len(values[0]))  # eq 4
        theta_max = max(float(value) for row in values for value in row)  # eq 3
        delta_t = m
        raw.append(max(theta_max, 0.0) * max(theta_avg, 0.0) / delta_t)  # eq 5 without alpha
    if sum(raw) <= 0:
        return current
    alpha = 0.5 / sum(raw)  # eq 6: the history weighs 0.5, the current frame 0.5
    enhanced = 0.5 * current  # eq 7
    for weight, values in zip(raw, past[:n], strict=False):
        enhanced = enhanced + alpha * weight * values
    return enhanced


@settings(max_examples=60)
@given(values=MAPS)
def test_vwswe_is_equations_3_to_8(values):
    maps = [np.array(v, np.float32).reshape(GRID) for v in values]
    history = WeightedHistory(3)
    for image, current in enumerate(maps):
        enhanced = history.enhance(7, image, current)
        expected = written_out(maps[: image + 1])
        np.testing.assert_allclose(enhanced, expected, rtol=1e-5, atol=1e-6)


@given(values=MAPS)
def test_vwswe_never_leaves_what_was_heard(values):
    maps = [np.array(v, np.float32).reshape(GRID) for v in values]
    past = [(age + 1, old) for age, old in enumerate(maps[1:4])]
    enhanced = combine(maps[0], past)
    assert enhanced.max() <= max(m.max() for m in maps[:4]) + 1e-6
    assert enhanced.min() >= min(m.min() for m in maps[:4]) - 1e-6


def flat(value):
    return np.full((2, 2), value, np.float32)


def test_history_is_kept_for_each_face_and_forgotten():
    history = WeightedHistory(3)
    history.enhance(1, 1, flat(0.4))
    assert history.enhance(2, 2, flat(0.1))[0, 0] == pytest.approx(0.1)
    assert history.enhance(1, 2, flat(0.2))[0, 0] == pytest.approx(0.3)
    # Image 6 lies more than 3 after both maps of face 1.
    assert history.enhance(1, 6, flat(0.2))[0, 0] == pytest.approx(0.2)
    history.forget_before(6)
    assert history.enhance(2, 6, flat(0.5))[0, 0] == pytest.approx(0.5)


def test_a_face_without_identity_has_no_history():
    history = WeightedHistory(3)
    history.enhance(0, 1, flat(0.4))
    assert history.enhance(0, 2, flat(0.2))[0, 0] == pytest.approx(0.2)


@pytest.fixture(scope='module')
def spoken():
    return propagate([(TALKER, voice(2.0))], two_circles(), noise=2e-3)


def maps_of(samples, measure, times, *boxes, **settings):
    stage = fed(AcousticStage(RIG, measure, config=AcousticConfig(**settings)), samples)
    return [stage.process(frame_at(time, *boxes)) for time in times]


def test_vwswe_enhances_vggcf_by_tracklet(spoken):
    times = np.arange(0.8, 1.3, 0.04)
    plain = maps_of(spoken, 'vggcf', times, BOX)
    enhanced = maps_of(spoken, 'vwswe', times, BOX)
    history = [m.faces[0].values for m in plain]
    for count, m in enumerate(enhanced, start=1):
        expected = written_out(history[:count])
        np.testing.assert_allclose(m.faces[0].values, expected, atol=1e-5)
        np.testing.assert_array_equal(m.values, plain[count - 1].values)


# ---- vgGCF, GCF, sGCF


def test_vggcf_is_the_field_over_the_box(spoken):
    """Somebody alone: their face has the field as it is, at the range of its peak."""
    face = maps_of(spoken, 'vggcf', [1.0], BOX)[0].faces[0]
    assert face.peak == face.values.max()
    assert face.mean == pytest.approx(face.values.mean())
    row, column = np.unravel_index(np.argmax(face.values), face.values.shape)
    pixel = BOX[:2] + BOX[2:] * (np.array([column, row]) + 0.5) / 12
    np.testing.assert_allclose(RIG.camera.project(face.position), pixel, atol=0.5)
    assert np.linalg.norm(face.position - RIG.camera.centre) == pytest.approx(face.range)


def exact_gcf(samples, end, points):
    """GCF of the frame that ends at a sample, from its definition in the frequency domain."""
    array = RIG.microphones
    frame = samples[end - LENGTH : end]
    # numpy's window is the symmetric one.
    frame = (frame - frame.mean(axis=0)) * np.hamming(LENGTH + 1)[:LENGTH, None]
    spectra = np.fft.rfft(frame, 1024, axis=0)
    frequency = np.fft.rfftfreq(1024, 1 / RATE)
    band = (frequency >= 200) & (frequency <= 7500)
    spectra, frequency = spectra[band] / np.abs(spectra[band]), frequency[band]
    travel = np.linalg.norm(points[:, None] - array.positions, axis=-1) / array.speed_of_sound
    total = np.zeros(len(points))
    pairs = array.pairs()
    for i, j in pairs:
        turn = np.exp(2j * np.pi * frequency * (travel[:, i] - travel[:, j])[:, None])
        total += (spectra[:, i] * spectra[:, j].conj() * turn).real.mean(axis=1)
    return total / len(pairs)


def image_points(shown):
    rows, columns = shown.values.shape
    v, u = (np.mgrid[:rows, :columns] + 0.5) * shown.pitch - 0.5
    return RIG.camera.back_project(np.stack([u, v], axis=-1), shown.depth)


def test_gcf_is_the_last_frame_at_the_depth_of_its_peak(spoken):
    """GCF and sGCF: the map is the slice of the exact field, and no depth has a higher peak."""
    shown = maps_of(spoken, 'gcf', [1.0])[0]
    assert shown.audio_stamp == shown.stamp
    points = image_points(shown)[::8, ::8]
    expected = exact_gcf(spoken, RATE, points.reshape(-1, 3)).reshape(points.shape[:2])
    values = shown.values[::8, ::8]
    assert np.abs(values - expected).max() < 0.06 * expected.max()
    depths = np.linspace(0.8, 4.5, 60)
    along = np.array([RIG.camera.back_project(peak_pixel(shown), depth) for depth in depths])
    best = depths[np.argmax(exact_gcf(spoken, RATE, along))]
    assert shown.depth == pytest.approx(best, abs=0.15)


# ---- stGCF


def bursts(*ends):
    """White noise that fills frames which end at these samples, louder one after the other."""
    rng = np.random.default_rng(0)
    sound = np.zeros(2 * RATE)
    for gain, end in enumerate(ends, start=1):
        sound[end - LENGTH - 200 : end] = 0.05 * gain * rng.normal(size=LENGTH + 200)
    hiss = 2e-3 * rng.normal(size=(2 * RATE, 16))
    return (propagate([(TALKER, sound)], two_circles()) + hiss).astype(np.float32)


@pytest.mark.parametrize(('age', 'found'), [(0, True), (7, True), (14, True), (17, False)])
def test_stgcf_looks_back_15_frames(age, found):
    end = RATE
    shown = maps_of(bursts(end - age * HOP), 'stgcf', [end / RATE])[0]
    assert (shown.peak > 0.5) == found
    if found:
        # The sound reaches the microphones 60 samples later, so the next frame may win.
        heard = (shown.stamp - shown.audio_stamp) / seconds(HOP / RATE)
        assert heard == pytest.approx(max(age - 0.5, 0), abs=0.6)


def test_stgcf_is_the_gcf_of_its_best_frame(spoken):
    shown = maps_of(spoken, 'stgcf', [1.0])[0]
    alone = maps_of(spoken, 'gcf', [shown.audio_stamp / 1e9])[0]
    np.testing.assert_allclose(shown.values, alone.values, atol=1e-4)
    assert shown.depth == pytest.approx(alone.depth, abs=1e-3)


def test_best_frame_has_the_highest_discounted_peak(spoken):
    ages = np.arange(15)
    peaks = [maps_of(spoken, 'gcf', [1.0 - age * HOP / RATE])[0].peak for age in ages]
    shown = maps_of(spoken, 'stgcf', [1.0])[0]
    chosen = round((shown.stamp - shown.audio_stamp) / seconds(HOP / RATE))
    discounted = np.array(peaks) * (1 - 0.0125 * ages)
    # The choice is made on the grid of the search, the peaks are those of the maps.
    assert discounted[chosen] > 0.97 * discounted.max()


def test_stgcf_of_k_best_frames_is_their_average(spoken):
    """The frames are found from the maps of one frame each; ages average, as the maps do."""
    one = maps_of(spoken, 'stgcf', [1.0])[0]
    five = maps_of(spoken, 'stgcf', [1.0], stgcf_best=5)[0]
    every = maps_of(spoken, 'stgcf', [1.0], stgcf_best=15)[0]
    assert every.stamp - every.audio_stamp == pytest.approx(seconds(7 * HOP / RATE), abs=2)
    assert one.peak >= five.peak >= every.peak
    points = image_points(every)[::12, ::12].reshape(-1, 3)
    exact = [exact_gcf(spoken, RATE - age * HOP, points) for age in range(15)]
    values = every.values[::12, ::12].ravel()
    assert np.abs(values - np.mean(exact, axis=0)).max() < 0.06 * every.peak


def test_k_best_frames_of_silence_are_nothing():
    silent = maps_of(np.zeros((2 * RATE, 16), np.float32), 'stgcf', [1.0], stgcf_best=3)[0]
    assert silent.audio_stamp == silent.stamp
    assert not silent.values.any()


def test_stgcf_surveys_a_frame_once(spoken, monkeypatch):
    """At 25 images a second two frames are new with each."""
    surveyed = []
    fields_of = FieldCache.of

    def noted(self, frames, alive, compute):
        return fields_of(self, frames, alive, lambda one: surveyed.append(one) or compute(one))

    monkeypatch.setattr(FieldCache, 'of', noted)
    stage = fed(AcousticStage(RIG, 'stgcf'), spoken)
    stage.process(frame_at(1.0))
    assert len(surveyed) == AcousticConfig().stgcf_frames
    stage.process(frame_at(1.04))
    assert len(surveyed) == AcousticConfig().stgcf_frames + 2


class Oldest(Measure):
    """The first of the last three frames."""

    name = 'oldest'
    cuts_out_faces = True

    def looks_back(self, config):
        return 3

    def show(self, heard, config):
        return Shown(heard.average(heard.frames[-3:-2]), 2.0)


def test_a_new_measure_is_a_class_and_its_name(spoken, monkeypatch):
    monkeypatch.setitem(MEASURES, 'oldest', Oldest())
    shown, then = (
        maps_of(spoken, measure, [time], BOX, context=1)[0]
        for measure, time in (('oldest', 1.0), ('gcf', 1.0 - 2 * HOP / RATE))
    )
    assert shown.measure == 'oldest'
    assert shown.audio_stamp == then.audio_stamp
    np.testing.assert_allclose(shown.values, then.values, atol=1e-6)
    np.testing.assert_allclose(shown.faces[0].values, then.faces[0].values, atol=1e-6)


def test_sgcf_is_no_measure_of_its_own():
    with pytest.raises(InputError, match="unknown measure 'sgcf'"):
        AcousticStage(RIG, 'sgcf')
