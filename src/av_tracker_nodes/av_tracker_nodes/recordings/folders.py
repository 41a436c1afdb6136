# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Folders that results are written to."""

from __future__ import annotations

from pathlib import Path

from av_tracker_nodes.errors import InputError


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in, where they are missing.

    Raises
    ------
    InputError
        It cannot be made, or a file has its name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'cannot write to {folder}: {error.strerror}') from error
