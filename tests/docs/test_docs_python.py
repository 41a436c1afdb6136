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

"""The page for Python users, its notebook, and the docstring of the package."""

import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest
from tiny_recording import write_bag
from write_notebook import NOTEBOOK, PAGE, ROOT, code_of, notebook_of

import av_tracker_nodes

pytestmark = pytest.mark.thorough

TEXT = PAGE.read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    """Folder with a bag where `make demo` leaves one."""
    folder = tmp_path_factory.mktemp('root')
    write_bag(folder / 'out/demo/bag', image_seconds=2.0)
    return folder


@pytest.fixture(scope='module')
def printed(demo):
    """Run the code of the page, block by block as a reader would; what each block printed."""
    lines = []
    names = {'print': lambda *texts: lines[-1].append(' '.join(texts))}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(demo)
        for block in code_of(TEXT):
            lines.append([])
            exec(compile(block, PAGE.name, 'exec'), names)
    return lines


def test_every_block_of_the_page_shows_something(printed):
    assert len(printed) >= 5
    assert all(printed)


def test_the_pipeline_finds_who_talks(printed):
    assert any(line.endswith('talks') for line in printed[0])


def test_another_robots_bag_is_tracked_as_its_sources_say(printed):
    (line,) = printed[1]
    frames, heard = map(int, re.findall(r'\d+', line))
    assert frames >= heard > 40


def test_noise_is_nobody(printed):
    assert printed[2] == ['25 frames, 0 people']


def test_sound_alone_tells_the_direction(printed):
    # The voice is at 1.2 m, 0.6 m from the centre of the arrays.
    azimuths = [int(re.search(r'from (-?\d+) degrees', line)[1]) for line in printed[3]]
    assert len(azimuths) > 5
    assert sum(abs(azimuth - 27) <= 10 for azimuth in azimuths) > 0.8 * len(azimuths)


def test_the_pipeline_works_without_a_camera(printed):
    assert printed[4] == ['1 tracks by sound alone']


def test_the_tracker_alone_tells_the_velocity(printed):
    # 0.02 m every 40 ms along y.
    (line,) = printed[5]
    velocity = np.array(re.search(r'\[(.*)\]', line)[1].split(), float)
    np.testing.assert_allclose(velocity, [0, 0.5, 0], atol=0.05)


def test_stage_after_stage_finds_the_voice(printed):
    assert printed[6] == ['1 people at the end']


def test_docstring_of_the_package_and_readme_show_the_first_example_in_ten_lines():
    example = code_of(TEXT)[0]
    assert len(example.splitlines()) <= 10
    assert textwrap.indent(example, '    ') in av_tracker_nodes.__doc__
    assert code_of((ROOT / 'README.md').read_text(encoding='utf-8')) == [example]


def test_the_notebook_is_the_page():
    """Made anew by `python3 scripts/write_notebook.py`."""
    assert json.loads(NOTEBOOK.read_text(encoding='utf-8')) == notebook_of(TEXT)


def test_the_notebook_finds_the_demo_from_its_own_folder(demo, monkeypatch):
    (demo / 'examples').mkdir()
    monkeypatch.chdir(demo / 'examples')
    first = next(c for c in notebook_of(TEXT)['cells'] if c['cell_type'] == 'code')
    exec(''.join(first['source']), {})
    assert Path.cwd() == demo
