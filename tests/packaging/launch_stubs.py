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

"""Stand-ins for ROS's launch, which ROS from wheels does not have."""

import importlib.util
import sys
from types import ModuleType

_MODULES = (
    'launch',
    'launch.actions',
    'launch.events',
    'launch.events.process',
    'launch.launch_description_sources',
    'launch.substitutions',
    'launch_ros',
    'launch_ros.actions',
    'launch_ros.utilities',
)


class Recorded:
    """Any class of the launch packages: keeps what it was made of."""

    def __init__(self, *arguments, **keywords):
        self.arguments, self.keywords = arguments, keywords

    def perform(self, context):
        return context.values[self.arguments[0]]


def prefix_namespace(outer, given):
    """Join two namespaces, as launch_ros does."""
    return given if given.startswith('/') or not outer else '/'.join(filter(None, (outer, given)))


def make_namespace_absolute(name):
    """Put the slash before a namespace, as launch_ros does."""
    return name and '/' + name.lstrip('/')


def load_launch_file(path, monkeypatch):
    """Import a launch file on the stand-ins."""
    for name in _MODULES:
        module = ModuleType(name)
        module.__getattr__ = lambda attribute: type(attribute, (Recorded,), {})
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
    for function in (prefix_namespace, make_namespace_absolute):
        setattr(sys.modules['launch_ros.utilities'], function.__name__, function)
    spec = importlib.util.spec_from_file_location(path.stem.replace('.', '_'), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
