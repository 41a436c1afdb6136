# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""How exact the measurements are, on simulated scenes that nothing was chosen on."""
