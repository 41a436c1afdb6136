# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What is measured: accuracy, models side by side, published tables."""
