# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Files that come with the package beside its code."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.errors import InputError

PACKAGE = 'av_tracker_nodes'


def shipped_file(name: str, folder: str = 'launch') -> Path:
    """Find a file of a folder such as ``launch``: in the installation, else beside the code.

    Raises
    ------
    InputError
        When it is in neither.
    """
    package = Path(__file__).resolve().parents[1]
    folders = [parent / 'share' / PACKAGE / folder for parent in package.parents]
    folders.append(package.parent / folder)
    for candidate in folders:
        if (candidate / name).is_file():
            return candidate / name
    raise InputError(f'{name} is not in the installation of {PACKAGE}; build it anew')
