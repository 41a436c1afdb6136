# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Sound cards, by the sounddevice library (PortAudio)."""

from __future__ import annotations

from types import ModuleType

from av_tracker_nodes.errors import InputError


def load_sounddevice() -> ModuleType:
    """Import sounddevice.

    Raises
    ------
    InputError
        When the library or PortAudio is not installed.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise InputError(
            'the Python package sounddevice is not installed: pip install sounddevice'
        ) from error
    except OSError as error:
        raise InputError('PortAudio is not installed: apt-get install libportaudio2') from error
    return sounddevice


def find_input(devices: list[dict], wanted: str, channels: int) -> int:
    """Find a sound card.

    Parameters
    ----------
    devices : list of dict
        As ``sounddevice.query_devices`` gives them: ``name`` and ``max_input_channels``.
    wanted : str
        Index, part of the name, or empty for the only one with enough channels.
    channels : int
        Needed.

    Returns
    -------
    int
        Index of the device.

    Raises
    ------
    InputError
        When none or several fit; the message lists what there is.
    """
    able = {i: d['name'] for i, d in enumerate(devices) if d['max_input_channels'] >= channels}
    if wanted.isdigit():
        fitting = [int(wanted)] if int(wanted) in able else []
    else:
        fitting = [i for i, name in able.items() if wanted.lower() in name.lower()]
    exact = [i for i in fitting if able[i] == wanted]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    there = '; '.join(
        f'{i}: {d["name"]} ({d["max_input_channels"]} channels)'
        for i, d in enumerate(devices)
        if d['max_input_channels'] > 0
    )
    problem = 'several sound cards fit' if fitting else 'no sound card fits'
    raise InputError(
        f"{problem} '{wanted}' with {channels} channels; "
        f'set parameter device to one of: {there or "there are none"}'
    )
