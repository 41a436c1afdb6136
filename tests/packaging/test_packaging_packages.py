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

"""What the package descriptions say agrees with what is there."""

import ast
import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import bootstrap
import pytest
from bootstrap import REQUIREMENTS, ROOT, Target
from declarations import ROS_NAME, imported, names

from av_tracker_nodes import __version__
from av_tracker_nodes.recordings.messages import message_directory

MESSAGES = ROOT / 'src/av_tracker_msgs'
PACKAGE = ROOT / 'src/av_tracker_nodes'
NODES = PACKAGE / 'av_tracker_nodes/nodes'
DATA = ('launch', 'models', 'calibration', 'rigs', 'security', 'examples')
DOCUMENTS = [*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md'), *PACKAGE.rglob('*.md')]


def declared(manifest):
    """Names of all packages that a package.xml depends on."""
    root = ElementTree.parse(manifest).getroot()
    return {element.text for element in root.iter() if element.tag.endswith('depend')}


def test_every_message_is_generated():
    listed = re.findall(r'msg/\w+\.msg', (MESSAGES / 'CMakeLists.txt').read_text())
    assert listed == sorted(f'msg/{file.name}' for file in (MESSAGES / 'msg').iterdir())


def test_the_nodes_carry_the_messages_as_they_are():
    originals = {file.name: file.read_bytes() for file in (MESSAGES / 'msg').iterdir()}
    assert {file.name: file.read_bytes() for file in message_directory().iterdir()} == originals


def test_messages_depend_on_the_packages_that_they_use():
    text = '\n'.join(file.read_text() for file in (MESSAGES / 'msg').iterdir())
    used = set(re.findall(r'^(\w+)/\w+', text, flags=re.MULTILINE))
    assert used <= declared(MESSAGES / 'package.xml')


def test_nodes_declare_the_ros_packages_that_they_import():
    used = {name for file in NODES.rglob('*.py') for name in imported(file)}
    used = {name for name in used if ROS_NAME.fullmatch(name)}
    assert used <= declared(PACKAGE / 'package.xml')


def test_every_executable_has_a_main():
    executables = re.findall(r"^    '(\w+)',$", (PACKAGE / 'setup.py').read_text(), re.MULTILINE)
    assert executables
    for name in executables:
        tree = ast.parse((NODES / f'{name}.py').read_text())
        assert any(isinstance(n, ast.FunctionDef) and n.name == 'main' for n in tree.body), name


@pytest.mark.parametrize('system', [False, True])
def test_every_requirement_is_pinned(system):
    target = Target('kilted', system=system)
    pins = set().union(*(names(file.stem) for file in bootstrap.constraint_files(target)))
    for group in (*bootstrap.GROUPS, *bootstrap.EXTRAS, 'no-deps'):
        assert names(group) <= pins, group


@pytest.mark.parametrize('distribution', bootstrap.WHEELS)
def test_ros_wheels_are_pinned(distribution):
    lines = (REQUIREMENTS / f'ros-{distribution}.txt').read_text().splitlines()
    wheels = [line for line in lines if line.startswith('ros-')]
    assert wheels
    assert all('==' in line for line in wheels)


def test_torch_is_an_extra_and_torchvision_absent():
    default = set().union(*(names(group) for group in (*bootstrap.GROUPS, 'no-deps')))
    assert 'torch' not in default
    assert all('torchvision' not in file.read_text() for file in REQUIREMENTS.iterdir())


NEWER = {
    'contextlib': {'chdir'},
    'datetime': {'UTC'},
    'enum': {'EnumCheck', 'ReprEnum', 'StrEnum', 'member', 'nonmember', 'verify'},
    'hashlib': {'file_digest'},
    'itertools': {'batched'},
    'tomllib': {'load', 'loads'},
    'typing': {'Never', 'Self', 'TypeVarTuple', 'Unpack', 'assert_never', 'override'},
}
"""What Python has since 3.11 or later."""


def test_nothing_is_imported_that_python_3_10_does_not_have():
    """Annotations, which are not evaluated, may name it."""
    for file in (*PACKAGE.rglob('*.py'), *(ROOT / 'scripts').glob('*.py')):
        unseen = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.If) and getattr(node.test, 'id', '') == 'TYPE_CHECKING':
                unseen.update(ast.walk(node))
            if isinstance(node, ast.ImportFrom) and node not in unseen:
                found = {alias.name for alias in node.names} & NEWER.get(node.module, set())
                assert not found, (file, found)


def test_sources_of_the_packages_carry_the_header_that_ament_copyright_asks_for():
    """Its own words of the licence; an SPDX line alone is not known to it."""
    licence = (ROOT / 'LICENSE').read_text()
    notice = licence[licence.index('   Licensed under the Apache') :].strip()
    for file in sorted((ROOT / 'src').rglob('*.py')):
        text = file.read_text()
        lines = itertools.takewhile(lambda line: line.startswith('#'), text.splitlines())
        header = [line.removeprefix('#').strip() for line in lines if not line.startswith('#!')]
        assert header[0] == 'Copyright 2026 The av_tracker authors', file
        assert ' '.join(header[2:]).split() == notice.split(), file


def test_folders_at_the_top_are_links_to_those_of_the_package():
    for name in DATA:
        assert os.readlink(ROOT / name) == f'src/av_tracker_nodes/{name}'
        assert not (PACKAGE / name).is_symlink()
    assert not [path for path in PACKAGE.rglob('*') if path.is_symlink()]


@pytest.fixture
def package(tmp_path):
    """A package of links to the files of this one."""
    for name in ('setup.py', 'package.xml', *DATA):
        (tmp_path / name).symlink_to(PACKAGE / name)
    return tmp_path


def describe(package):
    """Let setup.py name the package, for which it lists what it would install."""
    command = [sys.executable, 'setup.py', '--quiet', '--name', '--version']
    return subprocess.run(command, cwd=package, text=True, capture_output=True)


def test_the_package_is_described_once(package):
    version = ElementTree.parse(PACKAGE / 'package.xml').findtext('version')
    assert describe(package).stdout.split() == ['av_tracker_nodes', version]
    assert ElementTree.parse(MESSAGES / 'package.xml').findtext('version') == version
    assert __version__ == version


@pytest.mark.parametrize(
    ('folder', 'fault'),
    [*((name, 'empty') for name in DATA), *(('launch', f) for f in ('missing', 'link', 'cache'))],
)
def test_without_the_files_of_a_folder_there_is_no_installation(package, folder, fault):
    (package / folder).unlink()
    if fault == 'link':
        (package / folder).symlink_to('../../nowhere')
    elif fault != 'missing':
        (package / folder).mkdir()
    if fault == 'cache':
        (package / folder / '__pycache__').mkdir()
        (package / folder / '__pycache__' / 'left.cpython-312.pyc').touch()
    process = describe(package)
    assert process.returncode != 0
    assert f'no files to install in the folder {folder}:' in process.stderr


def test_links_of_documents_lead_to_files():
    """Not by way of a link to a folder, which web pages of repositories do not follow."""
    for document in DOCUMENTS:
        for link in re.findall(r'\]\(([^)#]+)', document.read_text()):
            if '://' not in link:
                target = Path(os.path.abspath(document.parent / link))
                assert target.exists(), (document, link)
                assert target == target.resolve(), (document, link)
