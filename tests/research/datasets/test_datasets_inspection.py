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

import mini_cav3d
import mini_corpus
import numpy as np
import pytest
import soundfile
from mini_corpus import NAME

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.inspection import inspect_corpus


def problems(root):
    return [problem for _, problem in inspect_corpus(root).problems]


def test_a_whole_corpus_has_no_problems(av163):
    found = inspect_corpus(av163)
    assert found.corpus == 'AV16.3'
    assert found.sequences == (NAME,)
    assert found.problems == ()
    assert found.lacking['stnet-mot'] == ('seq25', 'seq30')
    assert found.lacking['stnet-sot'] == ('seq08', 'seq11', 'seq12')
    assert 'cav3d-mot' not in found.lacking


def test_stand_ins_are_inspected_as_what_they_stand_for(tmp_path):
    mini_corpus.write_sequence(tmp_path, name='seq24-2p-cav3d')
    found = inspect_corpus(tmp_path)
    assert found.corpus == 'CAV3D'
    assert set(found.lacking) == {'cav3d-sot', 'cav3d-mot'}


@pytest.mark.parametrize(
    ('pattern', 'lacking'),
    [
        ('*_array?_mic?.wav', ('seq24',)),
        ('*_array2_mic3.wav', ('seq24',)),
        ('*.avi', ('seq24',)),
        ('*_timings_cam?', ('seq24',)),
        ('*_timings_cam2', ('seq24 (camera 2)',)),
        ('*_cam[13]_divx_audio.avi', ('seq24 (cameras 1, 3)',)),
        ('*.3dmouthgt.missing', ()),
    ],
)
def test_annotations_without_sound_or_video_are_no_recording(corpus, pattern, lacking):
    for path in (corpus / NAME).glob(pattern):
        path.unlink()
    assert inspect_corpus(corpus).lacking['stnet-mot'] == (*lacking, 'seq25', 'seq30')


def test_a_video_that_cannot_be_read_is_none(corpus):
    (corpus / NAME / f'{NAME}_cam1_divx_audio.avi').write_bytes(b'nothing')
    assert inspect_corpus(corpus).lacking['stnet-mot'][0] == 'seq24 (camera 1)'


def test_everything_that_is_wrong_is_listed(corpus):
    folder = corpus / NAME
    (folder / f'{NAME}_array2_mic3.wav').unlink()
    (folder / f'{NAME}_cam1_divx_audio.avi').write_bytes(b'nothing')
    (folder / f'{NAME}_timings_cam2').unlink()
    (folder / f'{NAME}-person2-interpolated.3dmouthgt').write_text('')
    (folder / f'{NAME}_cam3_divx_audio.avi.part').write_bytes(b'half')
    found = '\n'.join(problems(corpus))
    for text in (
        'array2_mic3.wav missing',
        'cam1_divx_audio.avi is not a readable video',
        'timings_cam2 of camera 2 missing',
        'person2-interpolated.3dmouthgt is empty',
        'person 2 is annotated at none',
        'avi.part is an unfinished download',
    ):
        assert text in found


def test_files_that_break_off(corpus):
    folder = corpus / NAME
    path = folder / f'{NAME}_array1_mic5.wav'
    samples, rate = soundfile.read(path, dtype='int16')
    soundfile.write(path, samples[:-321], rate, 'PCM_16')
    mini_corpus.write_video(folder / f'{NAME}_cam1_divx_audio.avi', 1, frames=12)
    found = '\n'.join(problems(corpus))
    assert 'array1_mic5.wav is 321 samples shorter than the longest' in found
    assert 'camera 1: 12 pictures, 30 are listed' in found


def test_what_all_share_is_listed_once(corpus):
    (corpus / 'session10' / 'rigid010203.mat').unlink()
    assert len(problems(corpus)) == 1


def test_cav3d(tmp_path):
    folder = mini_cav3d.write_sequence(tmp_path)
    found = inspect_corpus(tmp_path)
    assert (found.corpus, found.problems) == ('CAV3D', ())
    assert found.lacking['cav3d-mot'] == ('seq23', 'seq24', 'seq25', 'seq26')
    (folder / 'cam5' / '000012.jpg').unlink()
    np.savetxt(folder / 'seq22_id1.3dmouthgt', np.zeros((30, 5)))
    found = '\n'.join(problems(tmp_path))
    assert 'camera 5: pictures are missing after number 11' in found
    assert 'person 1 is annotated at none of the pictures' in found


def test_no_corpus(tmp_path):
    with pytest.raises(InputError, match=r'holds no sequence of AV16\.3 or CAV3D'):
        inspect_corpus(tmp_path)
    with pytest.raises(InputError, match='no directory'):
        inspect_corpus(tmp_path / 'nowhere')
