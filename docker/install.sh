#!/usr/bin/env bash
# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

# The install steps of everybody, in an image: what package.xml asks of an installed ROS 2, then
# `make setup`. Arguments are its EXTRAS.
set -euo pipefail
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive

ros="/opt/ros/${ROS_DISTRO}/setup.bash"
if [ -f "$ros" ]; then
  set +u # the files of ROS use variables that are not set
  # shellcheck disable=SC1090
  . "$ros"
  set -u
  rosdep update --rosdistro "$ROS_DISTRO"
  # What apt does not have is in the virtual environment of `make setup`.
  from_pip=$(grep -oh 'python3-[a-z0-9-]*-pip' src/*/package.xml | sort -u | tr '\n' ' ')
  rosdep install --from-paths src --ignore-src --rosdistro "$ROS_DISTRO" -y --skip-keys "$from_pip"
fi
make setup EXTRAS="$*"

# ONNX Runtime falls back to the processor, silently, where CUDA is of another major version.
if [ -n "${CUDA_VERSION:-}" ]; then
  built_for=$(python3 scripts/bootstrap.py python -c \
    'from onnxruntime.capi import build_and_package_info as b; print(b.cuda_version)')
  if [ "${built_for%%.*}" != "${CUDA_VERSION%%.*}" ]; then
    echo "ONNX Runtime is for CUDA $built_for, the base image has $CUDA_VERSION" >&2
    exit 1
  fi
fi
