# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Stand-ins for ROS's launch, which ROS from wheels does not have."""

import importlib.util
import sys
from types import ModuleType

_MODULES = (
    'launch',
    'launch.actions',
    'launch.event_handlers',
    'launch.events',
    'launch.events.process',
    'launch.launch_description_sources',
    'launch.substitutions',
    'launch_ros',
    'launch_ros.actions',
)


class Recorded:
    """Any class of the launch packages: keeps what it was made of."""

    def __init__(self, *arguments, **keywords):
        self.arguments, self.keywords = arguments, keywords

    def perform(self, context):
        return context.values[self.arguments[0]]


def load_launch_file(path, monkeypatch):
    """Import a launch file on the stand-ins."""
    for name in _MODULES:
        module = ModuleType(name)
        module.__getattr__ = lambda attribute: type(attribute, (Recorded,), {})
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location(path.stem.replace('.', '_'), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
