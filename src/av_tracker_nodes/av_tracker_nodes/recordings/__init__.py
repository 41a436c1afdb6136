# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Bags and tables on disk, and the messages in them."""

from av_tracker_nodes.errors.files import check_file, read_bytes, read_text
from av_tracker_nodes.errors.images import read_image

__all__ = ['check_file', 'read_bytes', 'read_image', 'read_text']
