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

"""Set up what is missing, nothing twice, then run a command in that environment.

``python3 scripts/bootstrap.py [--extra train] [COMMAND ...]`` makes

* a virtual environment with pinned packages: ``.venv`` with ROS 2 Kilted from wheels;
  ``.venv-jazzy`` when ROS_DISTRO=jazzy; ``.venv-system-DISTRO`` on top of a sourced ROS 2
  installation (Jazzy, Kilted, Lyrical, Rolling), which then provides rclpy and the messages;
* the colcon workspace below ``ros2_ws``;
* ``environment.sh`` and ``bin/av-tracker`` in the virtual environment.

Each step leaves a stamp, the hash of what it was made from, and is skipped while that holds.
Only the standard library is used: this file runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes.util
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / 'requirements'
WHEELS = ('kilted', 'jazzy')
"""Distributions of ROS 2 that are on PyPI; the first is taken where none is named."""
DISTRIBUTIONS = (*WHEELS, 'lyrical', 'rolling')
"""Those that are used where they are installed."""
NUMPY_1 = ('kilted', 'jazzy')
"""Those whose installation is built against NumPy 1.26 (Ubuntu 24.04)."""
PYTHONS = ((3, 10), (3, 13))
GROUPS = ('base', 'live', 'media', 'sim', 'eval', 'test', 'build')
EXTRAS = ('train', 'gpu', 'peers', 'view', 'containers')
TESTS = ('train', 'view', 'containers')
"""What one more extra, ``tests``, stands for; it also brings system packages."""
THREAD_POOLS = (
    'OMP_NUM_THREADS',
    'OPENBLAS_NUM_THREADS',
    'MKL_NUM_THREADS',
    'NUMEXPR_NUM_THREADS',
    'NUMBA_NUM_THREADS',
)
LOG_TAIL = 30
LOG_WIDTH = 300


class SetupError(Exception):
    """Something that the user has to put right, said in one message."""


@dataclass(frozen=True)
class Target:
    """Which ROS 2 to use, and where its environment and workspace lie."""

    distribution: str
    system: bool

    @property
    def name(self) -> str:
        """Name of the environment; empty for the default one."""
        if self.system:
            return f'system-{self.distribution}'
        return '' if self.distribution == WHEELS[0] else self.distribution

    @property
    def venv(self) -> Path:
        """Folder of the virtual environment."""
        return ROOT / (f'.venv-{self.name}' if self.name else '.venv')

    @property
    def workspace(self) -> Path:
        """Folder of the colcon workspace; environments never share one."""
        return ROOT / 'ros2_ws' / self.name

    @property
    def python(self) -> Path:
        """Interpreter of the virtual environment."""
        return self.venv / 'bin' / 'python'

    def __str__(self) -> str:
        origin = 'as installed' if self.system else 'from wheels'
        return f'ROS 2 {self.distribution.capitalize()} {origin}'


@dataclass(frozen=True)
class SystemPackage:
    """A package of Debian and Ubuntu, and how to see whether what it brings is there."""

    apt: str
    purpose: str
    present: Callable[[], bool]
    essential: bool = True
    extra: str = ''
    """Extra that needs it; empty where every environment does."""

    def __str__(self) -> str:
        return f'{self.apt} ({self.purpose})'


SYSTEM_PACKAGES = (
    SystemPackage(
        'python3-venv',
        'virtual environments',
        lambda: importlib.util.find_spec('ensurepip') is not None,
    ),
    SystemPackage(
        'python3-dev',
        'message type support',
        lambda: Path(sysconfig.get_path('include'), 'Python.h').is_file(),
    ),
    SystemPackage('g++', 'message type support', lambda: shutil.which('g++') is not None),
    SystemPackage('make', 'message type support', lambda: shutil.which('make') is not None),
    SystemPackage(
        'libportaudio2',
        'microphones',
        lambda: ctypes.util.find_library('portaudio') is not None,
        essential=False,
    ),
    SystemPackage(
        'espeak-ng',
        'simulated voices',
        lambda: shutil.which('espeak-ng') is not None,
        essential=False,
    ),
    SystemPackage(
        'flite',
        'other simulated voices',
        lambda: shutil.which('flite') is not None,
        essential=False,
    ),
    SystemPackage(
        'pocketsphinx-testdata',
        'recorded voices for the simulator',
        Path('/usr/share/pocketsphinx/test/data/librivox').is_dir,
        essential=False,
    ),
    SystemPackage(
        'pulseaudio',
        'sound card of the tests',
        lambda: shutil.which('pulseaudio') is not None,
        essential=False,
        extra='tests',
    ),
    SystemPackage(
        'pulseaudio-utils',
        'sound card of the tests',
        lambda: None not in (shutil.which('pactl'), shutil.which('pacat')),
        essential=False,
        extra='tests',
    ),
    SystemPackage(
        'libasound2-plugins',
        'sound card of the tests',
        lambda: any(
            any(Path('/usr').glob(f'{folder}/alsa-lib/libasound_module_pcm_pulse.so'))
            for folder in ('lib/*', 'lib', 'lib64')
        ),
        essential=False,
        extra='tests',
    ),
)


def choose_target(environment: Mapping[str, str]) -> Target:
    """Take the sourced ROS 2 installation if there is one, else wheels.

    A virtual environment of ours on AMENT_PREFIX_PATH is no installation.
    """
    distribution = environment.get('ROS_DISTRO', '')
    prefixes = [Path(p) for p in environment.get('AMENT_PREFIX_PATH', '').split(':') if p]
    installed = any(
        (prefix / 'share/ament_index/resource_index/packages/rclpy').exists()
        and not (prefix / 'pyvenv.cfg').exists()
        for prefix in prefixes
    )
    target = Target(distribution or WHEELS[0], bool(distribution) and installed)
    if target.distribution not in DISTRIBUTIONS:
        raise SetupError(
            f'ROS_DISTRO={distribution} is not supported; use one of: ' + ', '.join(DISTRIBUTIONS)
        )
    if not target.system and distribution and distribution not in WHEELS:
        raise SetupError(
            f'There are no wheels of ROS 2 {distribution.capitalize()}: install it, source '
            f'/opt/ros/{distribution}/setup.bash and try again, or take wheels of another: '
            + ' or '.join(f'ROS_DISTRO={name}' for name in WHEELS)
        )
    return target


def check_interpreter(target: Target, version: tuple[int, int], machine: str) -> None:
    """Raise SetupError where pip would find no packages for this interpreter."""
    first, last = PYTHONS
    if not first <= version <= last:
        span = f'{first[0]}.{first[1]} to {last[0]}.{last[1]}'
        # An installation works with the Python that it was built for, and with no other.
        other = (
            'Name one: make PYTHON=python3.12' if not target.system else 'Use a system with one'
        )
        raise SetupError(
            f'Python {version[0]}.{version[1]} at {sys.executable} cannot be used: '
            f'Python {span} is needed. {other}'
        )
    if not target.system and machine != 'x86_64':
        raise SetupError(
            f'ROS 2 wheels exist for x86_64, not for {machine}: install ROS 2 '
            f'{target.distribution.capitalize()}, source its setup.bash and try again.'
        )


def install_system_packages(packages: Iterable[SystemPackage]) -> list[SystemPackage]:
    """Install missing system packages as root on Debian and Ubuntu, else name the command.

    Returns those that other systems have to do without.
    """
    missing = [package for package in packages if not package.present()]
    if not missing:
        return []
    command = ['apt-get', 'install', '-y', '--no-install-recommends']
    command += [package.apt for package in missing]
    wanted = ', '.join(map(str, missing))
    if shutil.which('apt-get') is None:
        if any(package.essential for package in missing):
            raise SetupError(f'Missing on this system, under the names of Debian: {wanted}')
        return missing
    if os.geteuid() != 0:
        raise SetupError(f'Missing system packages: {wanted}\n  sudo {shlex.join(command)}')
    say(f'installing system packages as root: {wanted}')
    apt = {'DEBIAN_FRONTEND': 'noninteractive'}
    run_logged('apt-get update', ['apt-get', 'update'], environment=apt)
    run_logged('apt-get install', command, environment=apt)
    return []


def say(text: str) -> None:
    """Print a line of progress; stdout belongs to the command that is run at the end."""
    print(f'[setup] {text}', file=sys.stderr, flush=True)


def run_logged(
    title: str,
    command: list[str],
    *,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command with one line of progress; its output is shown only when it fails."""
    started = time.monotonic()
    on_terminal = sys.stderr.isatty()
    if not on_terminal:
        say(f'{title} ...')
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if on_terminal:
                width = shutil.get_terminal_size().columns - 1
                text = f'[setup] {title}: {line.strip()}'
                print(f'\r\033[K{text[:width]}', end='', file=sys.stderr, flush=True)
    if on_terminal:
        print('\r\033[K', end='', file=sys.stderr)
    if process.returncode:
        tail = '\n'.join(line[:LOG_WIDTH] for line in lines[-LOG_TAIL:])
        raise SetupError(f'{tail}\n{title} failed: {shlex.join(command)}')
    say(f'{title}: {time.monotonic() - started:.0f} s')


def digest(*parts: str | Path) -> str:
    """Hash texts, and files by relative name and content, folders with all their files."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            total.update(part.encode())
            continue
        files = sorted(p for p in part.rglob('*') if p.is_file()) if part.is_dir() else [part]
        for file in files:
            total.update(str(file.relative_to(part.parent)).encode())
            total.update(file.read_bytes())
    return total.hexdigest()


@contextlib.contextmanager
def step(target: Target, name: str, key: str) -> Iterator[bool]:
    """Yield whether the step is to be done; stamp it when it ends without an exception."""
    stamp = target.venv / '.stamps' / name
    due = not stamp.exists() or stamp.read_text() != key
    if due:
        stamp.unlink(missing_ok=True)
    yield due
    if due:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)


def make_venv(target: Target) -> None:
    """Make the virtual environment, from nothing if the interpreter or the folder changed."""
    key = digest(sys.version, str(target.venv))
    with step(target, 'venv', key) as due:
        if not due:
            return
        say(f'{target}, Python {platform.python_version()}, into {target.venv}')
        command = [sys.executable, '-m', 'venv', '--clear']
        command += ['--system-site-packages'] if target.system else []
        run_logged('virtual environment', [*command, str(target.venv)])
        for folder in ('build', 'install', 'log'):
            shutil.rmtree(target.workspace / folder, ignore_errors=True)


def mention(target: Target, absent: Iterable[SystemPackage]) -> None:
    """Say once which system packages this environment has to do without."""
    with contextlib.ExitStack() as steps:
        news = [p for p in absent if steps.enter_context(step(target, f'without-{p.apt}', ''))]
        if news:
            say(f'missing here, under the names of Debian: {", ".join(map(str, news))}')


def requirement_groups(target: Target, extras: Iterable[str]) -> list[str]:
    """Return the names of the files with what pip is to install.

    Tests go without rerun on a ROS 2 installation, whose NumPy is too old for it.
    """
    ros = [] if target.system else [f'ros-{target.distribution}']
    tests = [extra for extra in TESTS if not (target.system and extra == 'view')]
    chosen = [part for extra in extras for part in (tests if extra == 'tests' else [extra])]
    return list(dict.fromkeys([*GROUPS, *ros, *chosen]))


def constraint_files(target: Target) -> list[Path]:
    """Files that pin every version for this target."""
    numpy = 1 if target.system and target.distribution in NUMPY_1 else 2
    return [REQUIREMENTS / 'pins.txt', REQUIREMENTS / f'pins-numpy{numpy}.txt']


def install_requirements(target: Target, extras: Iterable[str]) -> None:
    """Install the pinned packages of every group that is new or changed, in one go."""
    groups = requirement_groups(target, extras)
    pins = constraint_files(target)
    pip = [str(target.python), '-m', 'pip', 'install', '--disable-pip-version-check']
    pip += [f'--constraint={file}' for file in pins]
    with contextlib.ExitStack() as steps:
        due = [
            group
            for group in groups
            if steps.enter_context(
                step(target, f'pip-{group}', digest(REQUIREMENTS / f'{group}.txt', *pins))
            )
        ]
        if due:
            files = [f'--requirement={REQUIREMENTS / group}.txt' for group in due]
            run_logged(f'Python packages ({", ".join(due)})', [*pip, *files])
        if 'gpu' in due:
            # Both packages fill the folder onnxruntime/; the CUDA one has to be written last.
            gpu = [*pip, '--force-reinstall', '--no-deps', 'onnxruntime-gpu']
            run_logged('ONNX Runtime for CUDA', gpu)
    with step(target, 'pip-no-deps', digest(REQUIREMENTS / 'no-deps.txt', *pins)) as due:
        if due:
            file = f'--requirement={REQUIREMENTS / "no-deps.txt"}'
            run_logged('Python packages (data)', [*pip, '--no-deps', file])


def patch_wheels(target: Target) -> None:
    """Point the CMake files of the ROS wheels to the headers of this machine.

    They name the Python and NumPy include folders of the machine that built the wheels.
    """
    key = (target.venv / '.stamps' / f'pip-ros-{target.distribution}').read_text()
    with step(target, 'cmake', key) as due:
        if not due:
            return
        numpy = ask_python(target, 'import numpy; print(numpy.get_include())')
        headers = ask_python(target, 'import sysconfig; print(sysconfig.get_path("include"))')
        for file in (target.venv / 'share').rglob('*.cmake'):
            text = file.read_text()
            patched = patch_include_folders(text, numpy, headers)
            if patched != text:
                file.write_text(patched)


def patch_include_folders(cmake: str, numpy: str, python: str) -> str:
    """Replace the include folders of a wheel builder's Python and NumPy."""
    builder = r'/opt/python/[^;"\s]*'
    cmake = re.sub(rf'{builder}/numpy/_?core/include', lambda _: numpy, cmake)
    return re.sub(rf'{builder}/include/python3\.\d+', lambda _: python, cmake)


def ask_python(target: Target, code: str) -> str:
    """Return what a line of code prints in the virtual environment.

    Beside wheels, packages of another workspace that this shell has sourced do not count.
    """
    isolated = () if target.system else ('-I',)
    process = subprocess.run(
        [target.python, *isolated, '-c', code], check=True, text=True, stdout=subprocess.PIPE
    )
    return process.stdout.strip()


def link_sources(target: Target) -> None:
    """Fill the workspace with links to the packages.

    The fallback of tf2_msgs is linked only where the real package is absent.
    """
    sources = [ROOT / 'src/av_tracker_msgs', ROOT / 'src/av_tracker_nodes']
    code = 'import importlib.util as u; print(u.find_spec("tf2_msgs") is None)'
    if ask_python(target, code) == 'True':
        sources.append(ROOT / 'ros2_ws/fallback/tf2_msgs')
    folder = target.workspace / 'src'
    folder.mkdir(parents=True, exist_ok=True)
    for link in folder.iterdir():
        if link.is_symlink():
            link.unlink()
    for source in sources:
        (folder / source.name).symlink_to(os.path.relpath(source, folder))


def build_workspace(target: Target) -> None:
    """Build the messages and the nodes with colcon."""
    nodes = ROOT / 'src/av_tracker_nodes'
    folders = ('launch', 'models', 'calibration', 'rigs', 'security', 'examples')
    installed = [nodes / name for name in folders]
    files = [p for folder in installed for p in sorted(folder.rglob('*')) if p.is_file()]
    names = [str(file) for file in files if file.suffix != '.pyc']
    key = digest(
        (target.venv / '.stamps' / 'venv').read_text(),
        ROOT / 'src/av_tracker_msgs',
        ROOT / 'ros2_ws/fallback',
        *(nodes / name for name in ('package.xml', 'setup.py', 'setup.cfg')),
        *names,
    )
    with step(target, 'workspace', key) as due:
        if not due:
            return
        link_sources(target)
        command = [str(target.venv / 'bin' / 'colcon'), 'build', '--base-paths', 'src']
        command += ['--merge-install', '--symlink-install', '--cmake-args']
        command += [f'-DPython3_EXECUTABLE={target.python}', '--no-warn-unused-cli']
        command += ['-DCMAKE_BUILD_TYPE=Release', '-DBUILD_TESTING=OFF']
        environment = {'PATH': f'{target.venv / "bin"}:{os.environ["PATH"]}'}
        if not target.system:
            prefix = str(target.venv)
            environment |= {'AMENT_PREFIX_PATH': prefix, 'CMAKE_PREFIX_PATH': prefix}
            environment |= {'COLCON_PREFIX_PATH': '', 'PYTHONPATH': ''}
        title = 'messages and nodes (colcon build)'
        run_logged(title, command, cwd=target.workspace, environment=environment)


def environment_script(target: Target, environment: Mapping[str, str]) -> str:
    """Return the shell lines that let any process find the packages of this target.

    Executables of the workspace ask for the description of their package, which colcon leaves in
    its build folder.

    An installation stays what other programs of the shell see first: all of ours comes behind it.
    What was sourced of it during the set-up is recorded, so that nobody has to source it again.
    `ros2 launch` runs on the interpreter of the system: it is told where the packages of the
    virtual environment are.

    Wheels and another ROS 2 cannot share a shell; one that has sourced another is left as it is.
    The wheels start Python a second time to set LD_LIBRARY_PATH, in no fixed order; it is complete
    here, and the guard variable tells them so.
    """
    install = target.workspace / 'install'
    modules = sorted(install.glob('**/python*/*-packages'))
    described = target.workspace / 'build/av_tracker_nodes'
    own = {
        'PATH': [target.venv / 'bin'],
        'AMENT_PREFIX_PATH': [install],
        'PYTHONPATH': [ROOT / 'src/av_tracker_nodes', *modules, described],
        'LD_LIBRARY_PATH': [install / 'lib'],
    }
    fixed = {'ROS_DISTRO': target.distribution, 'ROS_VERSION': '2', 'ROS_PYTHON_VERSION': '3'}
    lines = ['# Written by scripts/bootstrap.py: source it to use what was set up there.']
    if target.system:
        own['PYTHONPATH'] += sorted((target.venv / 'lib').glob('python*/site-packages'))
        recorded = {name: environment.get(name, '') for name in own.keys() - {'PATH'}}
        paths = [behind(name, recorded.get(name, ''), folders) for name, folders in own.items()]
    else:
        own['AMENT_PREFIX_PATH'] += [target.venv]
        own['LD_LIBRARY_PATH'] += [target.venv / 'lib']
        own['LD_LIBRARY_PATH'] += sorted((target.venv / 'lib').glob('python*/*/ros_*.libs'))
        fixed |= {'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp', '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1'}
        lines += refusal_of_others(target)
        kept = ('PATH', 'LD_LIBRARY_PATH')
        paths = [before(name, folders, keep=name in kept) for name, folders in own.items()]
    lines += [f'export {name}={value}' for name, value in fixed.items()]
    defaults = dict.fromkeys(THREAD_POOLS, '1') | {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    lines += paths
    lines += [f'export {name}="${{{name}:-{value}}}"' for name, value in defaults.items()]
    lines += [
        'if [ -z "${ROS_DOMAIN_ID:-}" ]; then',
        f'  export ROS_DOMAIN_ID={domain_id(target)}',
        '  echo "ROS_DOMAIN_ID=$ROS_DOMAIN_ID, discovery range $ROS_AUTOMATIC_DISCOVERY_RANGE:'
        ' nodes of other shells are seen where both are the same" >&2',
        'fi',
    ]
    return '\n'.join(lines) + '\n'


def before(name: str, folders: Iterable[Path], *, keep: bool) -> str:
    """Return the shell line that puts folders before a search path, or in its place."""
    ours = shlex.quote(':'.join(map(str, folders)))
    return f'export {name}={ours}' + (f'"${{{name}:+:${name}}}"' if keep else '')


def behind(name: str, recorded: str, folders: Iterable[Path]) -> str:
    """Return the shell line that puts folders behind a search path and what is recorded of it."""
    ours = shlex.quote(':'.join([*filter(None, [recorded]), *map(str, folders)]))
    return f'export {name}="${{{name}:+${name}:}}"{ours}'


def refusal_of_others(target: Target) -> list[str]:
    """Return the shell lines that leave a shell alone in which another ROS 2 is sourced."""
    ours, command = (shlex.quote(str(target.venv / name)) for name in ('', 'bin/av-tracker'))
    return [
        'case ":${AMENT_PREFIX_PATH:-}:" in',
        f'  :: | *:{ours}:*) ;;',
        '  *)',
        '    echo "This shell has sourced another ROS 2, beside which wheels cannot be used:" >&2',
        f'    echo "open a new one, or call "{command}" instead." >&2',
        '    return 1',
        '    ;;',
        'esac',
    ]


def sourcing(target: Target) -> str:
    """Return the shell line with which programs of ours source environment.sh.

    Whatever ROS 2 the shell has sourced beside wheels is put away, for this program alone; nobody
    needs to be told the domain.
    """
    script = shlex.quote(str(target.venv / 'environment.sh'))
    others = '' if target.system else 'unset AMENT_PREFIX_PATH; '
    return f'{others}export ROS_DOMAIN_ID="${{ROS_DOMAIN_ID:-{domain_id(target)}}}"; . {script}'


def domain_id(target: Target) -> str:
    """Return a ROS domain of this checkout's own, within what Linux leaves free (1..100)."""
    return str(1 + int(digest(str(target.venv))[:8], 16) % 100)


def write_launcher(target: Target) -> None:
    """Write environment.sh and bin/av-tracker, which runs the package from its sources."""
    script = target.venv / 'environment.sh'
    script.write_text(environment_script(target, os.environ))
    launcher = target.venv / 'bin' / 'av-tracker'
    python = shlex.quote(str(target.python))
    command = f'#!/bin/sh\n{sourcing(target)}\nexec {python} -m av_tracker_nodes.cli "$@"\n'
    launcher.write_text(command)
    launcher.chmod(0o755)


def in_environment(target: Target, command: list[str]) -> list[str]:
    """Return the command line that runs a command where the environment and its programs are."""
    first = f'PATH={shlex.quote(str(target.venv / "bin"))}:$PATH'
    return ['/bin/sh', '-c', f'{sourcing(target)} && {first} exec "$@"', 'sh', *command]


def set_up(target: Target, extras: Collection[str] = ()) -> None:
    """Bring the environment of a target up to date, one process at a time."""
    check_interpreter(target, sys.version_info[:2], platform.machine())
    with open(__file__, 'rb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        packages = [p for p in SYSTEM_PACKAGES if p.extra in ('', *extras)]
        absent = install_system_packages(packages)
        make_venv(target)
        mention(target, absent)
        install_requirements(target, extras)
        if not target.system:
            patch_wheels(target)
        build_workspace(target)
        write_launcher(target)


def main() -> int:
    """Set up, then become the command that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--extra', action='append', default=[], choices=(*EXTRAS, 'tests'))
    parser.add_argument('command', nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        target = choose_target(os.environ)
        set_up(target, arguments.extra)
    except SetupError as error:
        print(f'[setup] error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if not arguments.command:
        say(f'ready: {os.path.relpath(target.venv / "bin" / "av-tracker")}')
        return 0
    command = in_environment(target, arguments.command)
    os.execv(command[0], command)


if __name__ == '__main__':
    sys.exit(main())
