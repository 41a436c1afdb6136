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

"""The files of a run, and how much of it was used."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders import make_track
from hypothesis import given
from hypothesis import strategies as st

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.recordings.folders import make_folder
from av_tracker_nodes.recordings.json_files import write_json
from av_tracker_nodes.recordings.tracks_csv import TrackWriter, parse_stamp, read_run, read_tracks
from av_tracker_nodes.recordings.usage import Usage
from av_tracker_nodes.types import TrackFrame, TrackState

COVARIANCE = np.diag([0.01, 0.02, 0.03, 1, 1, 1])
COVARIANCE[0, 1] = COVARIANCE[1, 0] = 0.005


def track(number, state=TrackState.CONFIRMED, box=(10, 20, 30, 40.5)):
    parts = {'covariance': COVARIANCE, 'speaking': 0.25, 'existence': 0.9}
    return make_track(number, (1.0, -2.0, 0.5), box=box, state=state, **parts)


def write(directory):
    writer = TrackWriter(directory)
    writer.write(TrackFrame(10_000_000_000, ()))
    writer.write(TrackFrame(10_040_000_000, (track(1), track(2, TrackState.TENTATIVE))))
    writer.write(TrackFrame(10_060_000_001, (track(1),), from_image=False))
    writer.write(TrackFrame(10_080_000_000, (track(1, TrackState.COASTING), track(3, box=None))))
    return writer


def test_file_to_the_letter(tmp_path):
    write(tmp_path).close({'frames_in': 3})
    assert (tmp_path / 'tracks.csv').read_text().splitlines() == [
        'stamp,frame,id,u,v,w,h,x,y,z,speaking,confidence',
        '10.040000000,1,1,10.000,20.000,30.000,40.500,1.00000,-2.00000,0.50000,0.2500,0.9000',
        '10.060000001,-1,1,10.000,20.000,30.000,40.500,1.00000,-2.00000,0.50000,0.2500,0.9000',
        '10.080000000,2,1,10.000,20.000,30.000,40.500,1.00000,-2.00000,0.50000,0.2500,0.9000',
        '10.080000000,2,3,,,,,1.00000,-2.00000,0.50000,0.2500,0.9000',
    ]
    assert (tmp_path / 'tracks_covariance.csv').read_text().splitlines()[:2] == [
        'stamp,id,state,xx,xy,xz,yy,yz,zz',
        '10.040000000,1,confirmed,0.01,0.005,0,0.02,0,0.03',
    ]
    assert json.loads((tmp_path / 'run.json').read_text()) == {
        'frames_answered': 3,
        'frames_in': 3,
    }


def test_an_image_that_was_not_answered_leaves_a_gap_in_the_numbers(tmp_path):
    stamps = [10_000_000_000 + k * 40_000_000 for k in range(10)]
    writer = TrackWriter(tmp_path)
    for k, stamp in enumerate(stamps):
        writer.saw(stamp)
        if k >= 3 and k - 3 not in (2, 5):
            # Answers come three images later, and two never.
            writer.write(TrackFrame(stamps[k - 3], (track(1),)))
        if k == 5:
            writer.write(TrackFrame(stamp + 1, (track(1),), from_image=False))
    writer.close({})
    assert read_tracks(tmp_path).frame.tolist() == [0, 1, -1, 3, 4, 6]
    assert read_run(tmp_path)['frames_answered'] == 5
    assert writer.images.count == 10


def test_an_answer_to_an_image_that_nobody_told_of_is_the_next(tmp_path):
    writer = TrackWriter(tmp_path)
    writer.saw(10_000_000_000)
    for stamp in (10_040_000_000, 10_080_000_000):
        writer.write(TrackFrame(stamp, (track(1),)))
    writer.close({})
    assert read_tracks(tmp_path).frame.tolist() == [1, 2]


def test_read_back(tmp_path):
    write(tmp_path / 'run').close({'model': 'vggcf'})
    table = read_tracks(tmp_path / 'run')
    assert table.stamp.tolist() == [10_040_000_000, 10_060_000_001, 10_080_000_000, 10_080_000_000]
    assert table.frame.tolist() == [1, -1, 2, 2]
    assert table.id.tolist() == [1, 1, 1, 3]
    assert np.isnan(table.box[3]).all()
    np.testing.assert_allclose(table.covariance, np.broadcast_to(COVARIANCE[:3, :3], (4, 3, 3)))
    assert read_run(tmp_path / 'run')['model'] == 'vggcf'


def test_a_long_and_narrow_covariance_is_read_back_as_one(tmp_path):
    """3 cm across, 100 m along a direction that is no axis."""
    writer = TrackWriter(tmp_path)
    for k in range(50):
        along = np.array([np.cos(k), np.sin(k), 0.3]) / np.hypot(1, 0.3)
        covariance = np.eye(6)
        covariance[:3, :3] = 0.03**2 * np.eye(3) + 100.0**2 * np.outer(along, along)
        person = replace(track(1), covariance=covariance)
        writer.write(TrackFrame(10_000_000_000 + k * 40_000_000, (person,)))
    writer.close({})
    assert np.linalg.eigvalsh(read_tracks(tmp_path).covariance).min() > 0


def test_read_without_covariances_or_rows(tmp_path):
    write(tmp_path).close({})
    (tmp_path / 'tracks_covariance.csv').unlink()
    assert np.isnan(read_tracks(tmp_path / 'tracks.csv').covariance).all()
    TrackWriter(tmp_path).close({})
    assert len(read_tracks(tmp_path)) == 0
    assert read_tracks(tmp_path).position.shape == (0, 3)


def test_nothing_half_written_looks_whole(tmp_path):
    write(tmp_path).close({})
    write(tmp_path)
    assert not any((tmp_path / name).exists() for name in ('tracks.csv', 'run.json'))
    with pytest.raises(InputError, match=r'no tracks\.csv in'):
        read_tracks(tmp_path)


def test_malformed_file(tmp_path):
    (tmp_path / 'tracks.csv').write_text('time,id\n')
    with pytest.raises(InputError, match='does not begin with'):
        read_tracks(tmp_path)


@pytest.mark.parametrize(
    ('text', 'stamp'),
    [
        ('1790000000.123456789', 1_790_000_000_123_456_789),
        ('10', 10_000_000_000),
        ('0.5', 500_000_000),
        ('-0.040000000', -40_000_000),
    ],
)
def test_stamps_are_exact(text, stamp):
    assert parse_stamp(text) == stamp


HEADER = 'stamp,frame,id,u,v,w,h,x,y,z,speaking,confidence'
GOOD = '10.04,1,1,10,20,30,40,1,-2,0.5,0.25,0.9'


def row(**changed):
    return ','.join(
        {**dict(zip(HEADER.split(','), GOOD.split(','), strict=True)), **changed}.values()
    )


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([GOOD, GOOD], 'line 3: this id has a row at this time already'),
        ([GOOD, row(stamp='10.040')], 'line 3: this id has a row at this time already'),
        *(([row(id=text)], 'line 2: id must be a whole') for text in ('nan', '-1', '1.5', 'inf')),
        *(([row(frame=text)], 'line 2: frame must be') for text in ('', '-2', '1e300')),
        *(([row(stamp=text)], 'line 2: stamp must be') for text in ('abc', '', 'nan', '9' * 10)),
        ([row(w='-1')], 'width and height must be 0 or more'),
        ([row(u='')], 'u, v, w, h must be finite'),
        ([row(h='inf')], 'u, v, w, h must be finite'),
        ([row(x='')], 'x, y, z must be finite'),
        ([row(x='1e300')], 'x, y, z must be finite'),
        ([row(speaking='1.5')], 'speaking must be within 0 and 1'),
        ([row(confidence='nan')], 'confidence must be within 0 and 1'),
        ([row(id='x')], 'line 2: not numbers'),
        ([row(id='\u00e9')], 'line 2: not numbers'),
        (['1,2'], 'line 2: 2 fields instead of 12'),
        (['"' + 'x' * 200_000], 'line 2: '),
    ],
)
def test_wrong_rows_are_refused_by_line(tmp_path, rows, message):
    (tmp_path / 'tracks.csv').write_text('\n'.join([HEADER, *rows]) + '\n')
    with pytest.raises(InputError, match=message):
        read_tracks(tmp_path)


@pytest.mark.parametrize('content', [b'\xe9', b'\xff\xfe', b'\0' * 100])
def test_no_text_is_no_table(tmp_path, content):
    (tmp_path / 'tracks.csv').write_bytes(HEADER.encode() + b'\n' + content)
    with pytest.raises(InputError, match=r'tracks\.csv'):
        read_tracks(tmp_path)


def test_wrong_covariances_are_refused(tmp_path):
    write(tmp_path).close({})
    file = tmp_path / 'tracks_covariance.csv'
    file.write_text(file.read_text().replace('0.02', 'inf'))
    with pytest.raises(InputError, match=r'covariance\.csv, line 2: covariances must be finite'):
        read_tracks(tmp_path)


@pytest.mark.parametrize('text', ['', '{', '[]', 'null', '[' * 10_000, f'{{"a": {"1" * 5000}}}'])
def test_a_summary_that_is_none_is_refused(tmp_path, text):
    (tmp_path / 'run.json').write_text(text)
    with pytest.raises(InputError, match=r'summary .*run\.json'):
        read_run(tmp_path)


def test_a_full_disk_is_told(tmp_path):
    (tmp_path / '.tracks.csv.partial').symlink_to('/dev/full')
    with pytest.raises(InputError, match=r'cannot write to .*: No space left on device'):
        write(tmp_path).close({})


def killed(folder):
    """Leave files as SIGKILL does, amid a line."""
    for path in folder.glob('.*.partial'):
        with path.open('a') as file:
            file.write('10.08')


def seen(writer, numbers):
    for k in numbers:
        stamp = 10_000_000_000 + k * 40_000_000
        writer.saw(stamp)
        writer.write(TrackFrame(stamp, (track(1), track(2))))


@pytest.fixture
def died(tmp_path):
    """Let a writer die after it has noted 20 images, or a few later; return the one after it."""

    def start_again(run='run', later=0):
        first = TrackWriter(tmp_path, 'run')
        seen(first, range(20))
        first.note({'since': 7})
        seen(first, range(20, 20 + later))
        killed(tmp_path)
        return TrackWriter(tmp_path, run)

    return start_again


@pytest.mark.parametrize('told_again', [0, 3, 20])
def test_a_writer_that_is_started_again_goes_on_with_the_files(tmp_path, died, told_again):
    second = died(later=3)
    assert second.noted == {'since': 7}
    seen(second, range(23 - told_again, 40))
    second.close({})
    table = read_tracks(tmp_path)
    assert table.frame.tolist() == [k for k in range(40) for _ in range(2)]
    assert not np.isnan(table.covariance).any()
    assert second.images.count == 40
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *('run.json', 'tracks.csv', 'tracks_covariance.csv')
    ]


def test_images_that_came_while_nobody_wrote_are_counted_by_their_stamps(tmp_path, died):
    second = died()
    seen(second, range(50, 60))
    second.close({})
    assert sorted(set(read_tracks(tmp_path).frame)) == [*range(20), *range(50, 60)]
    assert (second.images.count, second.images.missed) == (60, 30)


@pytest.mark.parametrize('run', ['another', ''])
def test_another_run_begins_anew(tmp_path, died, run):
    second = died(run)
    assert second.noted == {}
    seen(second, range(5))
    second.close({})
    assert len(read_tracks(tmp_path)) == 10


@pytest.mark.parametrize('notes', ['', '[]', '{"run": "run"}', '{"run": "run", "images": 1}'])
def test_notes_that_are_none_begin_anew(tmp_path, notes):
    seen(TrackWriter(tmp_path, 'run'), range(20))
    killed(tmp_path)
    (tmp_path / '.run.notes.json').write_text(notes)
    second = TrackWriter(tmp_path, 'run')
    seen(second, range(5))
    second.close({})
    assert read_tracks(tmp_path).frame.tolist() == [k for k in range(5) for _ in range(2)]


def test_what_is_written_is_in_the_file_at_once(tmp_path):
    writer = TrackWriter(tmp_path)
    seen(writer, range(3))
    assert len((tmp_path / '.tracks.csv.partial').read_text().splitlines()) == 7
    writer.close({})


@pytest.mark.parametrize('error', [KeyboardInterrupt, SystemExit, ValueError])
def test_a_run_that_is_broken_off_leaves_nothing(tmp_path, error):
    writer = write(tmp_path)
    with pytest.raises(error), writer:
        raise error
    assert not list(tmp_path.iterdir())


def test_a_block_that_ends_well_leaves_the_run_to_be_closed(tmp_path):
    with write(tmp_path) as writer:
        pass
    writer.close({})
    assert read_tracks(tmp_path / 'tracks.csv')


# ---- files of JSON, and folders


def test_a_file_is_replaced_by_a_whole_one(tmp_path):
    path = tmp_path / 'run.json'
    path.write_text('{"old": 1}')
    write_json(path, {'lags': [1, 2.5]})
    assert path.read_text() == '{\n  "lags": [\n    1,\n    2.5\n  ]\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_json_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / 'run.json'
    write_json(path, {'old': 1})
    with pytest.raises(TypeError):
        write_json(path, {'new': object()})
    assert path.read_text() == '{\n  "old": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_made_with_those_that_it_lies_in_and_may_be_there(tmp_path):
    folder = tmp_path / 'a' / 'b'
    for _ in range(2):
        make_folder(folder)
    assert folder.is_dir()


@pytest.mark.parametrize('make', [make_folder, TrackWriter])
@pytest.mark.parametrize(('below', 'reason'), [('', 'File exists'), ('folder', 'Not a directory')])
def test_where_a_file_lies_there_can_be_no_folder(tmp_path, make, below, reason):
    file = tmp_path / 'file'
    file.touch()
    with pytest.raises(InputError, match=f'cannot write to {file / below}: {reason}'):
        make(file / below)


# ---- how much of a run was used


WELL = Usage(images=100, faces=80, answers=100, heard=100, span=4.0, sound=4.0)


@pytest.mark.parametrize(
    ('lost', 'reason'),
    [
        ('unreadable', '6 could not be read'),
        ('unplaced', '6 came while the place of the camera was not known'),
        ('misfits', '6 have another size than their calibration'),
        ('unanswered', '6 were not answered'),
    ],
)
def test_images_that_went_unused_are_told_with_the_reason(lost, reason):
    usage = replace(WELL, **{lost: 6})
    assert usage.problems() == [f'6% of the images were not used: {reason}']
    assert reason in usage.describe()
    assert usage.as_json()['images'] | {'used': 94, lost: 6} == usage.as_json()['images']
    assert replace(WELL, **{lost: 5}).problems() == []


@pytest.mark.parametrize(
    ('changes', 'problems'),
    [
        ({}, []),
        # The sound is on another clock.
        ({'heard': 0}, ['100% of the sound was not used']),
        # It begins late: half of the answers have no sound since none had come by then.
        ({'heard': 50, 'sound': 2.0}, []),
        ({'heard': 0, 'sound': 0.0}, ['no sound came']),
    ],
)
def test_sound_that_was_not_used_is_a_problem(changes, problems):
    assert replace(WELL, **changes).problems() == problems


def test_what_nobody_wants_is_no_problem():
    deaf = replace(WELL, heard=0, sound=0.0, hears=False)
    assert deaf.problems() == []
    assert deaf.as_json()['sound'] is None
    blind = replace(WELL, images=0, faces=0, sees=False)
    assert blind.problems() == []
    assert 'images' not in blind.describe()
    assert WELL.describe() == 'used 100 of 100 images, 80 faces, 100% of 4.0 s of sound'


COUNTS = ('images', 'unreadable', 'unplaced', 'misfits', 'unanswered', 'answers', 'heard')


@given(
    st.builds(
        Usage,
        **dict.fromkeys(COUNTS, st.integers(0, 1000)),
        **dict.fromkeys(('span', 'sound'), st.floats(0, 1e4)),
    )
)
def test_shares_are_shares(usage):
    assert 0 <= usage.images_unused <= 1
    assert 0 <= usage.sound_unused <= 1
    assert usage.describe()
