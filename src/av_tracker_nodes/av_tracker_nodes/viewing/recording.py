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

"""Where rerun draws to: its viewer, or a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from av_tracker_nodes import InputError

if TYPE_CHECKING:
    import rerun as rr

    from av_tracker_nodes.viewing.scene import SceneView

_APPLICATION = 'av_tracker'
_PORT = 9876


def require_rerun() -> None:
    """Say what to do where rerun-sdk is missing.

    Raises
    ------
    InputError
    """
    if find_spec('rerun') is None:
        raise InputError(
            'this needs rerun-sdk (Python 3.11 and NumPy 2 or newer); run: make setup EXTRAS=view'
        )


@contextmanager
def open_recording(save: Path | None) -> Iterator[rr.RecordingStream]:
    """Open a file to draw to, or the viewer.

    Parameters
    ----------
    save : Path or None
        File (.rrd) that appears, whole, when the block is left without an exception; the viewer is
        started for None.

    Raises
    ------
    InputError
        When rerun-sdk is missing, the file cannot be written, or there is no display.
    """
    require_rerun()
    if save is None:
        with _viewer() as recording:
            yield recording
    else:
        with _file(save) as recording:
            yield recording


@contextmanager
def open_scene(save: Path | None = None) -> Iterator[SceneView]:
    """Open a file, or the viewer, to draw tracks, sound and images to; see `open_recording`."""
    with open_recording(save) as recording:
        from av_tracker_nodes.viewing.scene import SceneView

        yield SceneView(recording)


@contextmanager
def _viewer() -> Iterator[rr.RecordingStream]:
    displays = ('DISPLAY', 'WAYLAND_DISPLAY')
    if sys.platform == 'linux' and not any(os.environ.get(name) for name in displays):
        raise InputError(
            'there is no display to open the viewer on; write a recording with --save FILE.rrd '
            'and open it where there is one: rerun FILE.rrd'
        )
    # One that runs already is used again. `RecordingStream.spawn` would listen on all networks.
    command = [sys.executable, '-m', 'rerun', '--bind', '127.0.0.1', '--port', str(_PORT)]
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    subprocess.Popen(command, start_new_session=True, **quiet)
    recording = _new_recording()
    recording.connect_grpc(f'rerun+http://127.0.0.1:{_PORT}/proxy')
    try:
        yield recording
    finally:
        recording.disconnect()


@contextmanager
def _file(save: Path) -> Iterator[rr.RecordingStream]:
    partial = save.with_name(f'.{save.name}.partial')
    # What takes long comes before there is anything to remove.
    recording = _new_recording()
    try:
        partial.touch()
    except OSError as error:
        raise InputError(f'cannot write {save}: {error.strerror}') from error
    try:
        try:
            recording.save(partial)
            yield recording
        finally:
            # It writes beside this thread, and makes its file anew after one that was removed.
            recording.disconnect()
        partial.replace(save)
    finally:
        partial.unlink(missing_ok=True)


def _new_recording() -> rr.RecordingStream:
    import rerun as rr

    recording = rr.RecordingStream(_APPLICATION)
    # The stamps of the input are all the time there is.
    recording.set_log_time_enabled(False)
    recording.set_log_tick_enabled(False)
    return recording
