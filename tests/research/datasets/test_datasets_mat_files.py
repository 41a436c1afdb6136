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

"""MAT files, against SciPy where a file is whole, and cut off and changed where it is not."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.io import loadmat, savemat

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.research.datasets.mat_files import load_mat

NUMBERS = ['f8', 'f4', 'i1', 'u1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8']
shapes = arrays.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4)
matrices = st.sampled_from(NUMBERS).flatmap(lambda kind: arrays.arrays(kind, shapes))
names = st.text('abcXYZ', min_size=1, max_size=8)
values = st.recursive(
    matrices | st.text('abc xyz', max_size=9),
    lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3),
    max_leaves=6,
)


def same(ours, theirs):
    """Compare a value with what SciPy makes of it."""
    if hasattr(theirs, '_fieldnames'):
        assert isinstance(ours, SimpleNamespace)
        assert list(vars(ours)) == theirs._fieldnames
        for name in theirs._fieldnames:
            same(getattr(ours, name), getattr(theirs, name))
    elif isinstance(theirs, str):
        assert ours == theirs
    elif isinstance(theirs, np.ndarray) and theirs.dtype == object:
        assert ours.shape == theirs.shape
        for one, other in zip(ours.ravel(), theirs.ravel(), strict=True):
            same(one, other)
    elif np.size(theirs) == 0:
        assert len(ours) == 0
    else:
        np.testing.assert_array_equal(ours, theirs, strict=isinstance(theirs, np.ndarray))


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    return tmp_path_factory.mktemp('mat') / 'a.mat'


@settings(max_examples=60)
@given(st.dictionaries(names, values, min_size=1, max_size=3), st.booleans())
def test_level_5_is_read_as_by_scipy(path, content, packed):
    savemat(path, content, do_compression=packed)
    ours = load_mat(path)
    theirs = loadmat(path, squeeze_me=True, struct_as_record=False)
    assert set(ours) == set(content)
    for name in content:
        same(ours[name], theirs[name])


@settings(max_examples=30)
@given(
    st.dictionaries(
        names,
        st.sampled_from(['f8', 'f4', 'i4', 'i2', 'u2', 'u1']).flatmap(
            lambda kind: arrays.arrays(
                kind, arrays.array_shapes(min_dims=2, max_dims=2, max_side=4)
            )
        ),
        min_size=1,
        max_size=3,
    )
)
def test_level_4_is_read_as_by_scipy(path, content):
    savemat(path, content, format='4')
    theirs = loadmat(path, squeeze_me=True)
    for name, value in load_mat(path).items():
        np.testing.assert_array_equal(value, theirs[name])


def test_structs_and_cells_in_rows_are_arrays(path):
    rows = np.array([(1.0, 'a'), (2.0, 'b')], [('x', object), ('y', object)])
    cells = np.array([np.eye(2), 'text'], object)
    savemat(path, {'rows': rows, 'cells': cells})
    read = load_mat(path)
    assert [(row.x, row.y) for row in read['rows']] == [(1.0, 'a'), (2.0, 'b')]
    np.testing.assert_array_equal(read['cells'][0], np.eye(2))
    assert read['cells'][1] == 'text'


def whole(path):
    savemat(path, {'a': np.eye(4), 'b': {'c': np.arange(3), 'd': 'text'}})
    return bytearray(path.read_bytes())


@pytest.mark.parametrize('share', np.linspace(0.02, 0.98, 25))
def test_a_file_that_is_cut_off_is_refused(path, share):
    content = whole(path)
    second = content.index(b'MATLAB') + 128 + 8 + content[132]
    end = int(share * len(content))
    if end != second:
        refused(path, content[:end])


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match='not a readable MAT file'):
        load_mat(path)


def test_a_matrix_is_no_larger_than_what_is_there(path):
    """Dimensions that ask for 16 GB."""
    content = whole(path)
    at = content.index(np.array([4, 4], '<i4').tobytes())
    content[at : at + 8] = np.array([46_000, 46_000], '<i4').tobytes()
    refused(path, content)


def test_a_file_of_version_7_3_names_the_remedy(path):
    content = whole(path)
    content[124:126] = b'\x00\x02'
    path.write_bytes(content)
    with pytest.raises(InputError, match='save it anew with -v7'):
        load_mat(path)


def test_what_is_packed_has_a_limit(path):
    savemat(path, {'a': np.zeros(5_000_000)}, do_compression=True)
    refused(path, path.read_bytes())


@pytest.mark.parametrize('content', [b'', b'text', b'MATLAB 5.0' + bytes(118), bytes(19)])
def test_other_files_are_refused(path, content):
    refused(path, content)
