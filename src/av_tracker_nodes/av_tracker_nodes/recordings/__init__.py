# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Bags and tables on disk, and the messages in them."""
