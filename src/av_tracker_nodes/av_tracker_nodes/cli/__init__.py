# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The command line."""
