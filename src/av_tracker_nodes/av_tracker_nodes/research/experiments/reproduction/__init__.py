# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""The tables of publications, with our rows in them."""
