#!/usr/bin/env bash
# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

# Runs a command where it finds ROS 2 and this package.
ros="/opt/ros/${ROS_DISTRO}/setup.bash"
if [ -f "$ros" ]; then
  # shellcheck disable=SC1090
  . "$ros"
fi
# shellcheck disable=SC1090
. "$(dirname "$0")"/../.venv*/environment.sh
exec "$@"
