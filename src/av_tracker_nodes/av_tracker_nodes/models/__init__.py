# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""Networks as files: those that are shipped, and those that other packages carry."""
