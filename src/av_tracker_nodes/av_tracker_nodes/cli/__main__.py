# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""``python -m av_tracker_nodes.cli``."""

from av_tracker_nodes.cli.main import main

main(prog_name='av-tracker')
