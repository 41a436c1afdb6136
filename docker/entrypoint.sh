#!/usr/bin/env bash
# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

# Runs a command where it finds ROS 2 and this package.
ros="/opt/ros/${ROS_DISTRO}/setup.bash"
if [ -f "$ros" ]; then
  # shellcheck disable=SC1090
  . "$ros"
fi
root="$(dirname "$0")/.."
# shellcheck disable=SC1090
. "$root"/.venv*/environment.sh
for workspace in "$root"/ros2_ws/install "$root"/ros2_ws/*/install; do
  if [ -f "$workspace/local_setup.bash" ]; then
    # shellcheck disable=SC1091
    . "$workspace/local_setup.bash"
  fi
done
exec "$@"
