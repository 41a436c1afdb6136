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

"""Sound cards of this machine, by the sounddevice library (PortAudio)."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from av_tracker_nodes.errors import InputError, how_to_install

_ALSA_CARDS = Path('/proc/asound')
_ALSA_ID = re.compile(r'(?:plug)?hw:(?:CARD=)?(?P<card>[^,]+)(?:,(?:DEV=)?(?P<device>\d+))?$')


class MissingCardError(InputError):
    """No sound card is there that could be meant; one may be plugged in."""


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
            f'the Python package sounddevice is not installed: {how_to_install("sounddevice")}'
        ) from error
    except OSError as error:
        raise InputError(
            'PortAudio is not installed: sudo apt-get install libportaudio2'
        ) from error
    return sounddevice


def rescan(library: ModuleType) -> None:
    """Look for sound cards anew: PortAudio lists them once, and no stream may be open."""
    library._terminate()
    library._initialize()


def find_input(
    devices: list[dict], wanted: str, channels: int, alsa_cards: Path = _ALSA_CARDS
) -> int:
    """Find a sound card.

    Parameters
    ----------
    devices : list of dict
        As ``sounddevice.query_devices`` gives them: ``name`` and ``max_input_channels``.
    wanted : str
        Index, part of the name whatever the case, ALSA id (``hw:1,0`` or
        ``hw:CARD=ArrayUAC10,DEV=0``, which stays the same when cards are plugged in another
        order), or empty for the only one with enough channels.
    channels : int
        Needed.
    alsa_cards : Path
        Where the kernel tells the numbers of cards by their ids.

    Returns
    -------
    int
        Index of the device.

    Raises
    ------
    MissingCardError
        When none has the name or, without a name, enough channels.
    InputError
        When several fit, or the one of the name has too few channels.

    Notes
    -----
    Both messages list what there is.
    """
    able = _named(devices, channels)
    fitting = _fitting(able, wanted, alsa_cards)
    exact = [i for i in fitting if able[i] == wanted]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    problem = 'several sound cards fit' if fitting else 'no sound card fits'
    others = wanted and _fitting(_named(devices, 1), wanted, alsa_cards)
    raise (InputError if fitting or others else MissingCardError)(
        f"{problem} '{wanted}' with {channels} channels; "
        f'set parameter device to one of: {describe_inputs(devices) or "there are none"}'
    )


def describe_inputs(devices: list[dict]) -> str:
    """List the devices that record, with index and channels, in one line."""
    return '; '.join(
        f'{i}: {d["name"]} ({d["max_input_channels"]} channels)'
        for i, d in enumerate(devices)
        if d['max_input_channels'] > 0
    )


def _named(devices: list[dict], channels: int) -> dict[int, str]:
    """Names of the devices with enough channels, by index."""
    return {i: d['name'] for i, d in enumerate(devices) if d['max_input_channels'] >= channels}


def _fitting(able: dict[int, str], wanted: str, alsa_cards: Path) -> list[int]:
    if wanted.isdigit():
        return [int(wanted)] if int(wanted) in able else []
    part = _alsa_address(wanted, alsa_cards) or wanted.lower()
    return [i for i, name in able.items() if part in name.lower()]


def _alsa_address(wanted: str, alsa_cards: Path) -> str | None:
    """Translate an ALSA id to the address at the end of the names of PortAudio: ``(hw:1,0)``."""
    match = _ALSA_ID.match(wanted)
    if match is None:
        return None
    card, device = match['card'], match['device']
    if not card.isdigit():
        card = (alsa_cards / card).resolve().name.removeprefix('card')
    return f'(hw:{card},' if device is None else f'(hw:{card},{device})'
