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

"""Bags as they lie on disk: which files they are, and how these are opened."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.errors.files import check_file
from av_tracker_nodes.errors.yaml_text import read_yaml
from av_tracker_nodes.recordings.messages.definitions import require_rosbags

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader

_METADATA = 'metadata.yaml'
_STORAGES = {'mcap': '.mcap', 'sqlite3': '.db3'}
_COMPRESSED = '.zstd'
_NEWEST_METADATA = 9
_LARGEST_METADATA = 512_000
"""Bytes: those of a bag of a thousand topics have fewer."""
_ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
"""A message of CDR begins with a zero byte."""


def open_bag(path: Path) -> BagFiles:
    """Open a bag of MCAP or SQLite storage, compressed by file or by message or not at all.

    Parameters
    ----------
    path : Path
        The directory of a bag, whole or split, or one storage file. Where ``metadata.yaml`` is
        missing or empty, the storage files themselves tell what it would say.

    Raises
    ------
    InputError
        When there is no bag, it is not whole, or it is of a kind that cannot be read; or when
        rosbags is not installed.
    """
    require_rosbags()
    try:
        if not path.exists():
            raise InputError(f'no bag at {path}')
        return _open_directory(path) if path.is_dir() else _open_files(path, [path])
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror or error}') from error


def _open_directory(path: Path) -> BagFiles:
    files = storage_files(path)
    metadata = _metadata(path)
    if metadata is None:
        return _open_files(path, _of_one_recording(path, files))
    return _open_files(path, _announced(path, metadata))


class BagFiles:
    """Storage files of one recording, read one after the other as one bag.

    It has of the reader of the library what :class:`BagReader` needs.

    Parameters
    ----------
    files : list of Path
        In the order in which they were recorded.

    Attributes
    ----------
    connections : list of Connection
        One for each topic and type, with the messages of all files.
    start_time, end_time : int
        Log time of the first message, and 1 ns after that of the last one.
    """

    def __init__(self, files: list[Path]) -> None:
        self._stack = ExitStack()
        try:
            self._readers = [self._open(file) for file in files]
        except BaseException:
            self.close()
            raise
        self.start_time = min(reader.start_time for reader in self._readers)
        self.end_time = max(reader.end_time for reader in self._readers)
        merged: dict[tuple[str, str], Connection] = {}
        for connection in (each for reader in self._readers for each in reader.connections):
            known = merged.setdefault(_channel(connection), connection._replace(msgcount=0))
            count = known.msgcount + connection.msgcount
            merged[_channel(connection)] = known._replace(id=len(merged), msgcount=count)
        self.connections = list(merged.values())

    def messages(
        self, connections: Collection[Connection] = ()
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield the messages of connections, all if there are none: connection, log time, data."""
        from av_tracker_nodes.recordings.bag.limits import unpacked_message

        wanted = {_channel(connection): connection for connection in connections}
        wanted = wanted or {_channel(connection): connection for connection in self.connections}
        for reader in self._readers:
            there = [each for each in reader.connections if _channel(each) in wanted]
            for connection, log_time, data in reader.messages(there) if there else ():
                plain = unpacked_message(data) if bytes(data[:4]) == _ZSTD_MAGIC else data
                yield wanted[_channel(connection)], log_time, plain

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def _open(self, file: Path) -> Reader:
        from rosbags.rosbag2 import Reader

        from av_tracker_nodes.recordings.bag.limits import limit_reader, unpacked_file

        if file.suffix == _COMPRESSED:
            folder = self._stack.enter_context(TemporaryDirectory())
            plain = Path(folder, file.stem)
            unpacked_file(file, plain)
            file = plain
        reader = self._stack.enter_context(Reader(file))
        limit_reader(reader)
        return reader


def _channel(connection: Connection) -> tuple[str, str]:
    return connection.topic, connection.msgtype


def _open_files(path: Path, files: list[Path]) -> BagFiles:
    for file in files:
        _refuse_foreign(check_file(file, 'bag'))
        _refuse_unmerged(file)
    try:
        return BagFiles(files)
    except InputError:
        raise
    except Exception as error:  # the library lets parsing errors of every kind through
        raise damaged(path, error) from error


def storage_files(directory: Path) -> list[Path]:
    """Find the storage files of a directory, in the order of the numbers in their names."""
    files = [file for file in directory.iterdir() if _kind(file) in _STORAGES.values()]
    return sorted(files, key=lambda file: (*_name_and_number(file), file.name))


def _kind(file: Path) -> str:
    """Suffix of a storage file, without that of its compression."""
    return Path(file.stem).suffix if file.suffix == _COMPRESSED else file.suffix


def _name_and_number(file: Path) -> tuple[str, int]:
    """Part a name such as ``talk_2.mcap`` has into what the files of a bag share, and the rest."""
    stem = file.name.partition(_kind(file))[0]
    name, number = re.fullmatch(r'(.*?)(?:_(\d+))?', stem).groups()
    return name, int(number or 0)


def _metadata(directory: Path) -> dict[str, Any] | None:
    """Read ``metadata.yaml``; a recording that was killed leaves it out, or empty."""
    file = directory / _METADATA
    if not file.exists() or file.stat().st_size == 0:
        return None
    try:
        content = read_yaml(file, _METADATA, _LARGEST_METADATA)
        if content is None:
            return None
        return dict(content['rosbag2_bagfile_information'])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f'{file} is damaged: write it anew with `ros2 bag reindex {directory.name}`, '
            'or remove it'
        ) from error


def _announced(directory: Path, metadata: dict[str, Any]) -> list[Path]:
    """Return the files that metadata name; refuse what they say if no reader can follow them."""
    storage, version = metadata.get('storage_identifier'), metadata.get('version')
    if storage not in _STORAGES:
        raise InputError(
            f"{directory} is stored as '{storage}', which cannot be read: make it mcap with "
            '`ros2 bag convert`'
        )
    if not isinstance(version, int) or version > _NEWEST_METADATA:
        raise InputError(
            f'{directory} has metadata of version {version}, newer than {_NEWEST_METADATA}: '
            f'update rosbags, or remove its {_METADATA}'
        )
    if metadata.get('compression_format') not in (None, '', 'zstd'):
        raise InputError(
            f"{directory} is compressed as '{metadata['compression_format']}', which cannot be "
            'read: decompress it with `ros2 bag convert`'
        )
    listed = metadata.get('relative_file_paths')
    if not isinstance(listed, list) or not listed:
        raise InputError(f'{directory / _METADATA} names no files: remove it')
    names = [Path(str(name)).name for name in listed]
    missing = [name for name in names if not (directory / name).is_file()]
    if missing:
        raise InputError(
            f'{directory} is not a whole bag: {", ".join(missing)} of its {_METADATA} are not '
            f'there; `ros2 bag reindex {directory.name}` makes do with the others'
        )
    return [directory / name for name in names]


def _of_one_recording(directory: Path, files: list[Path]) -> list[Path]:
    """Refuse a directory without metadata unless its files can be one recording."""
    for file in directory.glob('*.bag'):
        _refuse_foreign(file)
    if not files:
        raise InputError(
            f'{directory} is not a whole bag: {_METADATA} is missing in it, and there is no .mcap '
            'or .db3 file'
        )
    names = sorted({_name_and_number(file)[0] + _kind(file) for file in files})
    if len(names) > 1:
        raise InputError(
            f'{directory} has no {_METADATA} and files of several recordings '
            f'({", ".join(names)}): give one of the files, or run `ros2 bag reindex` on a '
            'directory of one recording'
        )
    return files


def _refuse_foreign(file: Path) -> None:
    if file.suffix == '.bag':
        raise InputError(
            f'{file} is a bag of ROS 1: convert it with '
            f'`rosbags-convert --src {file.name} --dst {file.stem}`'
        )
    if _kind(file) not in _STORAGES.values():
        raise InputError(
            f'{file} is no bag: give the directory of a bag, or a file {" or ".join(_kinds())}'
        )


def _kinds() -> list[str]:
    return [*_STORAGES.values(), *(suffix + _COMPRESSED for suffix in _STORAGES.values())]


def _refuse_unmerged(file: Path) -> None:
    """Refuse a database whose last messages are still in its log: SQLite was not closed."""
    log = file.with_name(f'{file.name}-wal')
    if log.is_file() and log.stat().st_size:
        raise InputError(
            f'{file} was not closed, its last messages are in {log.name}: merge them with '
            f"`sqlite3 {file.name} 'PRAGMA wal_checkpoint(TRUNCATE)'`"
        )


def damaged(path: Path, error: Exception | str) -> InputError:
    """Say that a bag cannot be read, and how to save what is in it."""
    reason = ' '.join(str(error).split()) or type(error).__name__
    files = storage_files(path) if path.is_dir() else [path]
    cures = {
        '.mcap': '`mcap recover {0} -o recovered.mcap`',
        '.db3': '`sqlite3 {0} .recover | sqlite3 recovered.db3`',
    }
    file = files[-1] if files else path
    cure = cures.get(file.suffix)
    hint = f' (to save what is in it: {cure.format(file.name)})' if cure else ''
    reason = reason.replace(str(file), file.name)
    return InputError(f'{path} is not a whole bag, or is damaged: {reason}{hint}')
