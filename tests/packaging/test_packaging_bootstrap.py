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

"""Decisions of the set-up: which ROS 2, what is missing, what is done again."""

import os
import re
import subprocess
import sys
from pathlib import Path

import bootstrap
import pytest
from bootstrap import SetupError, SystemPackage, Target
from workspaces import output_of

KILTED = Target('kilted', system=False)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, 'ROOT', tmp_path)
    return tmp_path


@pytest.fixture
def sourced(tmp_path):
    """Prefix of a ROS 2 installation."""
    index = tmp_path / 'opt/ros/share/ament_index/resource_index/packages'
    index.mkdir(parents=True)
    (index / 'rclpy').touch()
    return tmp_path / 'opt/ros'


def test_default_is_kilted_from_wheels():
    target = bootstrap.choose_target({})
    assert target == KILTED
    assert target.venv == bootstrap.ROOT / '.venv'
    assert target.workspace == bootstrap.ROOT / 'ros2_ws'


def test_jazzy_lies_beside_kilted():
    target = bootstrap.choose_target({'ROS_DISTRO': 'jazzy'})
    assert not target.system
    assert target.venv == bootstrap.ROOT / '.venv-jazzy'
    assert target.workspace == bootstrap.ROOT / 'ros2_ws' / 'jazzy'


def test_sourced_installation_is_used(sourced):
    environment = {'ROS_DISTRO': 'jazzy', 'AMENT_PREFIX_PATH': f'/overlay:{sourced}'}
    target = bootstrap.choose_target(environment)
    assert target == Target('jazzy', system=True)
    assert target.venv.name == '.venv-system-jazzy'


def test_installation_without_rclpy_is_not_used(tmp_path):
    environment = {'ROS_DISTRO': 'jazzy', 'AMENT_PREFIX_PATH': str(tmp_path)}
    assert not bootstrap.choose_target(environment).system


def test_own_environment_is_no_installation(sourced):
    (sourced / 'pyvenv.cfg').touch()
    environment = {'ROS_DISTRO': 'kilted', 'AMENT_PREFIX_PATH': str(sourced)}
    assert bootstrap.choose_target(environment) == KILTED


def test_unsupported_distribution_is_named():
    with pytest.raises(SetupError, match=r'humble.*kilted, jazzy'):
        bootstrap.choose_target({'ROS_DISTRO': 'humble'})


@pytest.mark.parametrize('distribution', ['lyrical', 'rolling'])
def test_distributions_without_wheels_are_used_where_they_are_installed(sourced, distribution):
    environment = {'ROS_DISTRO': distribution}
    with pytest.raises(SetupError, match=rf'no wheels of .*/opt/ros/{distribution}/setup\.bash'):
        bootstrap.choose_target(environment)
    environment['AMENT_PREFIX_PATH'] = str(sourced)
    assert bootstrap.choose_target(environment) == Target(distribution, system=True)


@pytest.mark.parametrize(
    ('distribution', 'system', 'numpy'),
    [
        ('kilted', False, 2),
        ('jazzy', False, 2),
        ('kilted', True, 1),
        ('jazzy', True, 1),
        ('lyrical', True, 2),
        ('rolling', True, 2),
    ],
)
def test_numpy_is_the_one_that_ros_is_built_against(distribution, system, numpy):
    target = Target(distribution, system)
    (pin,) = re.findall(
        r'^numpy==(\d)\S+(?:; python_version >= "3\.11")?$',
        ''.join(file.read_text() for file in bootstrap.constraint_files(target)),
        re.MULTILINE,
    )
    assert int(pin) == numpy


@pytest.mark.parametrize('version', [(3, 9), (3, 14)])
def test_unsupported_python_is_named(version):
    with pytest.raises(SetupError, match=rf'Python 3\.{version[1]} .*3\.10 to 3\.13'):
        bootstrap.check_interpreter(KILTED, version, 'x86_64')


def test_an_installation_cannot_be_given_another_python():
    lyrical = Target('lyrical', system=True)
    with pytest.raises(SetupError, match=r'Python 3\.14 .*Use a system with one'):
        bootstrap.check_interpreter(lyrical, (3, 14), 'x86_64')


@pytest.mark.parametrize('version', [(3, 10), (3, 13)])
def test_supported_python_passes(version):
    bootstrap.check_interpreter(KILTED, version, 'x86_64')


def test_wheels_need_x86_but_an_installation_does_not():
    with pytest.raises(SetupError, match='aarch64'):
        bootstrap.check_interpreter(KILTED, (3, 12), 'aarch64')
    bootstrap.check_interpreter(Target('kilted', system=True), (3, 12), 'aarch64')


MISSING = SystemPackage('espeak-ng', 'voices', lambda: False, essential=False)
MISSING_COMPILER = SystemPackage('g++', 'messages', lambda: False)
PRESENT = SystemPackage('make', 'messages', lambda: True)


def with_system(monkeypatch, *, apt, user):
    """Pretend to be a user on a system with or without apt; return the commands that ran."""
    ran = []
    monkeypatch.setattr(bootstrap.shutil, 'which', lambda name: apt)
    monkeypatch.setattr(bootstrap.os, 'geteuid', lambda: user)
    monkeypatch.setattr(bootstrap, 'run_logged', lambda title, command, **_: ran.append(command))
    return ran


def test_user_is_told_the_command(monkeypatch):
    with_system(monkeypatch, apt='/usr/bin/apt-get', user=1000)
    with pytest.raises(SetupError) as error:
        bootstrap.install_system_packages([MISSING, PRESENT, MISSING_COMPILER])
    assert 'sudo apt-get install -y --no-install-recommends espeak-ng g++' in str(error.value)


def test_root_gets_them_installed_and_is_told(monkeypatch, capsys):
    ran = with_system(monkeypatch, apt='/usr/bin/apt-get', user=0)
    bootstrap.install_system_packages([MISSING, PRESENT])
    assert ran[-1][-1] == 'espeak-ng'
    assert 'make' not in ran[-1]
    assert 'installing system packages as root: espeak-ng (voices)' in capsys.readouterr().err


def test_other_systems_go_on_without_what_is_not_essential(monkeypatch):
    ran = with_system(monkeypatch, apt=None, user=1000)
    assert bootstrap.install_system_packages([MISSING, PRESENT]) == [MISSING]
    with pytest.raises(SetupError, match=r'g\+\+'):
        bootstrap.install_system_packages([MISSING, MISSING_COMPILER])
    assert ran == []


def test_what_is_done_without_is_said_once(checkout, capsys):
    other = SystemPackage('flite', 'other voices', lambda: False, essential=False)
    for absent in ([MISSING], [MISSING, other], [MISSING]):
        bootstrap.mention(KILTED, absent)
    assert [line.split(': ')[1] for line in capsys.readouterr().err.splitlines()] == [
        'espeak-ng (voices)',
        'flite (other voices)',
    ]


@pytest.fixture
def done(checkout, monkeypatch):
    """Steps of the set-up, of a user whose Debian lacks nothing but a package for tests."""
    done = []
    packages = [PRESENT, SystemPackage('pulseaudio', 'sound card', lambda: False, extra='tests')]
    monkeypatch.setattr(bootstrap, 'SYSTEM_PACKAGES', packages)
    with_system(monkeypatch, apt='/usr/bin/apt-get', user=1000)
    monkeypatch.setattr(bootstrap, 'choose_target', lambda environment: KILTED)
    monkeypatch.setattr(bootstrap, 'check_interpreter', lambda *_: None)
    names = ['make_venv', 'install_requirements', 'patch_wheels', 'build_workspace']
    for name in [*names, 'write_launcher']:
        monkeypatch.setattr(bootstrap, name, lambda *_, name=name: done.append(name))
    return done


def test_packages_of_an_extra_come_before_all_else_in_an_environment_that_is_there_too(
    done, monkeypatch, capsys
):
    bootstrap.set_up(KILTED)
    assert done[0] == 'make_venv'
    done.clear()
    monkeypatch.setattr(sys, 'argv', ['bootstrap.py', '--extra', 'tests', 'true'])
    assert bootstrap.main() == 2
    assert done == []
    command = 'sudo apt-get install -y --no-install-recommends pulseaudio\n'
    assert capsys.readouterr().err.endswith(command)


def test_tests_bring_the_extras_that_they_need():
    groups = bootstrap.requirement_groups(KILTED, ['train', 'tests'])
    assert {*bootstrap.GROUPS, 'ros-kilted', *bootstrap.TESTS} == set(groups)
    assert len(set(groups)) == len(groups)
    assert set(groups) <= {file.stem for file in bootstrap.REQUIREMENTS.glob('*.txt')}
    installed = bootstrap.requirement_groups(Target('jazzy', system=True), ['tests'])
    assert set(groups) - set(installed) == {'ros-kilted', 'view'}


def test_step_is_done_once_and_again_when_its_key_changes(checkout):
    done = []
    for key in ('a', 'a', 'b'):
        with bootstrap.step(KILTED, 'x', key) as due:
            done.append(due)
    assert done == [True, False, True]


def test_failed_step_is_done_again(checkout):
    with bootstrap.step(KILTED, 'x', 'a'):
        pass
    with pytest.raises(SetupError), bootstrap.step(KILTED, 'x', 'b'):
        raise SetupError
    with bootstrap.step(KILTED, 'x', 'a') as due:
        assert due


def test_digest_sees_content_names_and_new_files(tmp_path):
    folder = tmp_path / 'msg'
    folder.mkdir()
    (folder / 'A.msg').write_text('int8 a')
    digests = [bootstrap.digest(folder)]
    (folder / 'A.msg').write_text('int8 b')
    digests.append(bootstrap.digest(folder))
    (folder / 'A.msg').rename(folder / 'B.msg')
    digests.append(bootstrap.digest(folder))
    (folder / 'C.msg').touch()
    digests.append(bootstrap.digest(folder))
    assert len(set(digests)) == len(digests)
    assert bootstrap.digest(folder) == digests[-1]


def test_failing_command_shows_its_output():
    with pytest.raises(SetupError, match=r'(?s)no such wheel.*installing failed: .*-c'):
        bootstrap.run_logged('installing', [sys.executable, '-c', 'exit("no such wheel")'])


def test_wheel_include_folders_become_those_of_this_machine():
    cmake = (
        'INTERFACE_INCLUDE_DIRECTORIES "${_IMPORT_PREFIX}/include/std_msgs;'
        '/opt/python/cp312-cp312/include/python3.12;'
        '/opt/python/cp312-cp312/lib/python3.12/site-packages/numpy/_core/include"'
    )
    assert bootstrap.patch_include_folders(cmake, '/venv/numpy', '/usr/include/py') == (
        'INTERFACE_INCLUDE_DIRECTORIES "${_IMPORT_PREFIX}/include/std_msgs;'
        '/usr/include/py;/venv/numpy"'
    )


def source(target, recorded, inherited):
    """Source environment.sh; return the process, which has printed the environment."""
    script = bootstrap.ROOT / 'environment.sh'
    script.write_text(bootstrap.environment_script(target, recorded))
    return subprocess.run(
        ['sh', '-uc', '. "$0"; env', script], env=inherited, text=True, capture_output=True
    )


def printed(process):
    """The environment that a process has printed."""
    return dict(line.split('=', 1) for line in process.stdout.splitlines())


def sourced_environment(target, recorded, inherited):
    """Return the environment of a process that sources environment.sh."""
    process = source(target, recorded, inherited)
    assert process.returncode == 0, process.stderr
    return printed(process)


BARE = {'PATH': '/usr/bin:/bin'}
OTHER = {
    **BARE,
    'ROS_DISTRO': 'humble',
    'PYTHONPATH': '/opt/ros/humble/python',
    'AMENT_PREFIX_PATH': '/opt/ros/humble',
    'LD_LIBRARY_PATH': '/opt/ros/humble/lib',
}


def test_environment_of_wheels(checkout):
    install = checkout / 'ros2_ws/install'
    (install / 'lib/python3.11/site-packages').mkdir(parents=True)
    got = sourced_environment(KILTED, {}, {**BARE, 'LD_LIBRARY_PATH': '/cuda/lib'})
    assert got['AMENT_PREFIX_PATH'] == f'{install}:{checkout}/.venv'
    assert got['PYTHONPATH'].split(':') == [
        f'{checkout}/src/av_tracker_nodes',
        f'{install}/lib/python3.11/site-packages',
        f'{checkout}/ros2_ws/build/av_tracker_nodes',
    ]
    assert got['LD_LIBRARY_PATH'] == f'{install}/lib:{checkout}/.venv/lib:/cuda/lib'
    assert got['PATH'] == f'{checkout}/.venv/bin:/usr/bin:/bin'
    assert got['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 1 <= int(got['ROS_DOMAIN_ID']) <= 100
    assert {got[name] for name in bootstrap.THREAD_POOLS} == {'1'}
    again = sourced_environment(KILTED, {}, got)
    assert again['AMENT_PREFIX_PATH'] == got['AMENT_PREFIX_PATH']


def test_a_shell_with_another_ros_is_left_as_it_is(checkout):
    process = source(KILTED, {}, OTHER)
    got = printed(process)
    assert {name: got[name] for name in OTHER} == OTHER
    assert 'ROS_DOMAIN_ID' not in got
    assert f'call {checkout}/.venv/bin/av-tracker instead' in process.stderr


@pytest.mark.parametrize('target', [KILTED, Target('jazzy', system=True)])
def test_programs_of_ours_run_beside_any_ros_and_come_first(checkout, target):
    (target.venv / 'bin').mkdir(parents=True)
    (target.venv / 'environment.sh').write_text(bootstrap.environment_script(target, {}))
    command = bootstrap.in_environment(target, ['env'])
    process = subprocess.run(command, env=OTHER, text=True, capture_output=True)
    assert (process.returncode, process.stderr) == (0, '')
    got = printed(process)
    assert got['PATH'].startswith(f'{target.venv}/bin:')
    assert got['ROS_DISTRO'] == target.distribution
    assert ('/opt/ros/humble' in got['AMENT_PREFIX_PATH'].split(':')) == target.system


def test_environment_respects_what_the_user_set(checkout):
    mine = {'PATH': '/bin:/usr/bin', 'OMP_NUM_THREADS': '4', 'ROS_DOMAIN_ID': '7'}
    process = source(KILTED, {}, mine)
    assert {'OMP_NUM_THREADS': '4', 'ROS_DOMAIN_ID': '7'}.items() <= printed(process).items()
    assert process.stderr == ''


def test_the_domain_that_is_set_is_told(checkout):
    process = source(KILTED, {}, BARE)
    domain = bootstrap.domain_id(KILTED)
    assert process.stderr.startswith(f'ROS_DOMAIN_ID={domain}, discovery range LOCALHOST')
    assert f'ROS_DOMAIN_ID={domain}' in process.stdout.splitlines()


def test_environment_of_an_installation_works_without_sourcing_it(checkout):
    recorded = {'AMENT_PREFIX_PATH': '/opt/ros/jazzy', 'PYTHONPATH': '/opt/ros/jazzy/py'}
    system = Target('jazzy', system=True)
    install = checkout / 'ros2_ws/system-jazzy/install'
    packages = checkout / '.venv-system-jazzy/lib/python3.12/site-packages'
    packages.mkdir(parents=True)
    got = sourced_environment(system, recorded, BARE)
    assert got['AMENT_PREFIX_PATH'] == f'/opt/ros/jazzy:{install}'
    own = f'{checkout}/src/av_tracker_nodes'
    described = f'{checkout}/ros2_ws/system-jazzy/build/av_tracker_nodes'
    assert got['PYTHONPATH'] == f'/opt/ros/jazzy/py:{own}:{described}:{packages}'
    assert 'RMW_IMPLEMENTATION' not in got


def test_nothing_comes_before_what_a_shell_has_sourced(checkout):
    mine = {
        name: f'/overlay/{name}:/opt/ros/jazzy/{name}'
        for name in ('AMENT_PREFIX_PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH')
    }
    mine['PATH'] = '/opt/ros/jazzy/bin:/usr/bin:/bin'
    got = sourced_environment(Target('jazzy', system=True), mine, mine)
    for name, value in mine.items():
        assert got[name].startswith(f'{value}:'), name
        assert str(checkout) in got[name], name


def test_domains_of_two_distributions_differ_from_each_other():
    assert bootstrap.domain_id(KILTED) == bootstrap.domain_id(KILTED)
    assert bootstrap.domain_id(KILTED) != bootstrap.domain_id(Target('jazzy', system=False))


@pytest.mark.parametrize('tf2_msgs_is_absent', [True, False])
def test_fallback_is_linked_only_where_the_real_package_is_absent(
    checkout, monkeypatch, tf2_msgs_is_absent
):
    for folder in ('src/av_tracker_msgs', 'src/av_tracker_nodes', 'ros2_ws/fallback/tf2_msgs'):
        (checkout / folder).mkdir(parents=True)
    for absent in (True, tf2_msgs_is_absent):
        monkeypatch.setattr(bootstrap, 'ask_python', lambda *_, absent=absent: str(absent))
        bootstrap.link_sources(KILTED)
    links = {link.name: link.resolve() for link in (checkout / 'ros2_ws/src').iterdir()}
    assert links.pop('av_tracker_msgs') == checkout / 'src/av_tracker_msgs'
    assert links.pop('av_tracker_nodes') == checkout / 'src/av_tracker_nodes'
    assert list(links) == ['tf2_msgs'] * tf2_msgs_is_absent


@pytest.mark.parametrize('system', [True, False])
def test_packages_of_a_sourced_workspace_count_beside_an_installed_ros_only(
    tmp_path, monkeypatch, system
):
    (tmp_path / 'somebody_elses.py').touch()
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setattr(Target, 'python', Path(sys.executable))
    code = 'import importlib.util as u; print(u.find_spec("somebody_elses") is not None)'
    assert bootstrap.ask_python(Target('jazzy', system), code) == str(system)


in_own_environment = pytest.mark.skipif(
    Path(sys.prefix) != bootstrap.choose_target(os.environ).venv,
    reason='this interpreter was not set up by scripts/bootstrap.py',
)


@in_own_environment
def test_second_set_up_does_nothing():
    command = [sys.executable, bootstrap.__file__, 'sh', '-c', 'command -v av-tracker']
    process = subprocess.run(command, check=True, text=True, capture_output=True)
    assert process.stderr == ''
    assert process.stdout.strip() == str(Path(sys.prefix) / 'bin/av-tracker')


@in_own_environment
def test_command_line_works_anywhere_without_sourcing(tmp_path):
    bare = {**BARE, 'HOME': str(Path.home())}
    command = [Path(sys.prefix) / 'bin/av-tracker', '--help']
    assert 'Usage: av-tracker' in output_of(command, cwd=tmp_path, env=bare)


@in_own_environment
def test_executables_of_the_workspace_start_where_the_environment_is_sourced(tmp_path):
    """By their entry points, which need the description of the package to be found."""
    target = bootstrap.choose_target(os.environ)
    folder = target.workspace / 'install/lib/av_tracker_nodes'
    found = sorted(path for path in folder.iterdir() if path.suffix != '.py')
    assert len(found) > 10
    loading = (
        'import runpy, sys\n'
        'for path in sys.argv[1:]:\n'
        '    load = runpy.run_path(path)["load_entry_point"]\n'
        '    name = path.rpartition("/")[2]\n'
        '    print(callable(load("av-tracker-nodes", "console_scripts", name)))'
    )
    for command, expected in (
        ([folder / 'av-tracker', 'models'], 'avclnet'),
        ([target.python, '-c', loading, *found], 'True\n' * len(found)),
    ):
        sourced = ['sh', '-c', f'. {target.venv}/environment.sh && exec "$@"', 'sh', *command]
        bare = {**BARE, 'HOME': str(Path.home())}
        assert expected in output_of(sourced, cwd=tmp_path, env=bare)
