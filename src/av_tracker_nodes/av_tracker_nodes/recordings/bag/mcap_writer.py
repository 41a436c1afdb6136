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

"""MCAP as rosbag2 writes it, whose channels tell the hash of their type."""

from __future__ import annotations

from io import BytesIO
from typing import ClassVar

from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.storage_mcap import McapWriter, write_channel, write_string

_TYPE_HASH = 'topic_type_hash'
"""Key of the hash (RIHS01) in the metadata of a channel, after rosbag2_storage_mcap."""


class _HashingMcapWriter(McapWriter):
    """Adds the hash, which the library writes to ``metadata.yaml`` alone.

    A file that has lost that one keeps it so, as through ``ros2 bag reindex``.
    """

    def add_connection(self, connection: Connection, offered_qos_profiles: str) -> None:
        """Add a channel."""
        records = self.chunk.bio
        start = records.tell()
        super().add_connection(connection, offered_qos_profiles)
        metadata = BytesIO()
        write_string(metadata, _TYPE_HASH)
        write_string(metadata, connection.digest)
        channel = self.channels.pop()
        channel = channel._replace(metadata=channel.metadata + metadata.getvalue())
        self.channels.append(channel)
        # All records of a channel must be alike: this one takes the place of the library's.
        records.seek(start)
        records.truncate()
        write_channel(records, channel, self.schemas)


class McapBagWriter(Writer):
    """Writes a bag of MCAP storage."""

    STORAGE_PLUGINS: ClassVar = {**Writer.STORAGE_PLUGINS, StoragePlugin.MCAP: _HashingMcapWriter}
