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

"""How a package that is missing is installed, in a command that works on this machine."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from pathlib import Path


def how_to_install(package: str, apt: str = '') -> str:
    """Return the command that installs a Python package for this interpreter.

    Debian and Ubuntu refuse ``pip install`` outside of a virtual environment (PEP 668): there the
    system's own package is named, or, where it has none, the option by which pip goes on.

    Parameters
    ----------
    package : str
        As pip names it.
    apt : str
        As Debian and Ubuntu name it; empty where they do not have it.
    """
    in_environment = sys.prefix != sys.base_prefix
    managed = Path(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED').is_file()
    if in_environment or not managed:
        return f'{shlex.quote(sys.executable)} -m pip install {package}'
    if apt:
        return f'sudo apt-get install {apt}'
    return f'{shlex.quote(sys.executable)} -m pip install --user --break-system-packages {package}'
