# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What the package descriptions say agrees with what is there."""

import ast
import re
import xml.etree.ElementTree as ElementTree

import bootstrap
import pytest
from bootstrap import REQUIREMENTS, ROOT, Target

MESSAGES = ROOT / 'src/av_tracker_msgs'
PACKAGE = ROOT / 'src/av_tracker_nodes'
NODES = PACKAGE / 'av_tracker_nodes/nodes'
ROS_NAME = re.compile(r'\w+_(msgs|interfaces)|rclpy|tf2_\w+|message_filters|launch\w*|ament_\w+')


def declared(manifest):
    """Names of all packages that a package.xml depends on."""
    root = ElementTree.parse(manifest).getroot()
    return {element.text for element in root.iter() if element.tag.endswith('depend')}


def imported(file):
    """Top-level names that a Python file imports anywhere."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split('.')[0]


def names(group):
    """Names of the packages in a requirements file."""
    lines = (REQUIREMENTS / f'{group}.txt').read_text().splitlines()
    return {re.match(r'[\w.-]+', line)[0] for line in lines if re.match(r'\w', line)}


def test_every_message_is_generated():
    listed = re.findall(r'msg/\w+\.msg', (MESSAGES / 'CMakeLists.txt').read_text())
    assert listed == sorted(f'msg/{file.name}' for file in (MESSAGES / 'msg').iterdir())


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


@pytest.mark.parametrize('distribution', bootstrap.DISTRIBUTIONS)
def test_ros_wheels_are_pinned(distribution):
    lines = (REQUIREMENTS / f'ros-{distribution}.txt').read_text().splitlines()
    wheels = [line for line in lines if line.startswith('ros-')]
    assert wheels
    assert all('==' in line for line in wheels)


def test_torch_is_an_extra_and_torchvision_absent():
    default = set().union(*(names(group) for group in (*bootstrap.GROUPS, 'no-deps')))
    assert 'torch' not in default
    assert all('torchvision' not in file.read_text() for file in REQUIREMENTS.iterdir())
