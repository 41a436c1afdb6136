# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How sensors see, where they sit, and how far apart their clocks are."""
