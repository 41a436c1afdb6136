#!/usr/bin/env python3
# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Node: turns a base or a pan joint towards whoever speaks.

A base gets velocities on ``cmd_vel``::

    ros2 run av_tracker_nodes turn_to_speaker.py --ros-args -p command:=twist

A pan joint gets trajectories of one point on ``joint_trajectory``, beginning at its angle on
``joint_states``. Its axis is z of `base_frame`, and at angle 0 it looks along x::

    ros2 run av_tracker_nodes turn_to_speaker.py --ros-args -p command:=joint_trajectory \
        -p joint:=head_pan_joint -r joint_trajectory:=/head_controller/joint_trajectory

Tracks in `base_frame` need no TF. Tracks in another frame are taken to `base_frame` by the newest
transforms; while there are none, nothing turns. Give a base tracks in a frame that stays where it
is while the base turns: start the tracker with ``target_frame:=odom``.
"""

from __future__ import annotations

import math
import signal
import sys
import time

import rclpy
from builtin_interfaces.msg import Duration as DurationMessage
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from turn_law import Limits, TurnLaw, reachable, wrap

from av_tracker_msgs.msg import SpeakerTrackStamped
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.frame_tree import StaleTransformError, UnconnectedError
from av_tracker_nodes.nodes.conversions import xyz
from av_tracker_nodes.nodes.frames import FrameListener
from av_tracker_nodes.types import NANOSECONDS

PERIOD = 0.05
"""Seconds from one command to the next."""
LONGEST_FAREWELL = 1.0
"""Seconds to wait at the end until the last command has arrived."""
LONGEST_STEP = 2 * PERIOD
"""Seconds that a command is counted for, however late the next one is."""


class Base:
    """A base that takes velocities, stamped or not."""

    def __init__(self, node: Node, frame: str, stamped: bool) -> None:
        self._node, self._frame, self._stamped = node, frame, stamped
        self.commands = node.create_publisher(TwistStamped if stamped else Twist, 'cmd_vel', 1)

    def error(self, bearing: float) -> float:
        """Return the angle to turn by (rad), the shorter way round."""
        return wrap(bearing)

    def move(self, speed: float, _: float) -> None:
        """Turn at a speed (rad/s) from now on."""
        twist = Twist()
        twist.angular.z = speed
        if not self._stamped:
            self.commands.publish(twist)
            return
        message = TwistStamped(twist=twist)
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = self._frame
        self.commands.publish(message)


class PanJoint:
    """A joint that takes positions; nothing is commanded before its angle is known."""

    def __init__(self, node: Node, name: str, lower: float, upper: float) -> None:
        if not name:
            raise InputError('parameter joint is not set; give it the name of the pan joint')
        if lower >= upper:
            raise InputError(f'parameter lower ({lower}) must be below upper ({upper})')
        self._name, self._lower, self._upper = name, lower, upper
        self._angle: float | None = None
        self._moving = False
        self.commands = node.create_publisher(JointTrajectory, 'joint_trajectory', 1)
        node.create_subscription(JointState, 'joint_states', self._hear, 10)

    def error(self, bearing: float) -> float | None:
        """Return the angle to turn by (rad), None before the angle of the joint is known."""
        if self._angle is None:
            return None
        return reachable(bearing, self._angle, self._lower, self._upper) - self._angle

    def move(self, speed: float, seconds: float) -> None:
        """Go on from the last commanded angle at a speed (rad/s) for so long (s)."""
        self._moving = speed != 0
        self._angle += speed * seconds
        goal = JointTrajectoryPoint(
            positions=[self._angle],
            velocities=[speed],
            time_from_start=DurationMessage(nanosec=round(seconds * NANOSECONDS)),
        )
        self.commands.publish(JointTrajectory(joint_names=[self._name], points=[goal]))

    def _hear(self, message: JointState) -> None:
        """While it rests, the joint is where it says, and not where it was told to be."""
        if self._name in message.name and not self._moving:
            self._angle = message.position[list(message.name).index(self._name)]


class TurnToSpeaker(Node):
    """Listens to ``active_speaker``; sends commands while it turns, then rest, then nothing."""

    def __init__(self) -> None:
        super().__init__('turn_to_speaker')
        limits = Limits(
            speed=self._positive('max_speed', Limits.speed),
            acceleration=self._positive('max_acceleration', Limits.acceleration),
            dead_band=self._positive('dead_band', Limits.dead_band),
            gain=self._positive('gain', Limits.gain),
        )
        self._law = TurnLaw(limits)
        self._timeout = self._positive('timeout', 0.5)
        self._base_frame = self.declare_parameter('base_frame', 'base_link').value
        self._actuator = self._declared_actuator()
        self._frames = FrameListener(self.create_subscription)
        self._bearing: float | None = None
        self._resting = True
        self._heard_at = self._stepped_at = time.monotonic()
        self.create_subscription(SpeakerTrackStamped, 'active_speaker', self._hear, 10)
        # Steady time: a robot has to stop even while the ROS clock stands still.
        self.create_timer(PERIOD, self._step, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def stop(self) -> None:
        """Command rest at once, for when the node ends."""
        if not self._resting:
            self._actuator.move(0.0, PERIOD)
            # A publisher that is gone sends nothing any more.
            self._actuator.commands.wait_for_all_acked(Duration(seconds=LONGEST_FAREWELL))

    def _positive(self, name: str, default: float) -> float:
        value = self.declare_parameter(name, default).value
        if value <= 0:
            raise InputError(f'parameter {name} must be positive, got {value}')
        return value

    def _declared_actuator(self) -> Base | PanJoint:
        command = self.declare_parameter('command', 'twist').value
        joint = self.declare_parameter('joint', '').value
        lower = self.declare_parameter('lower', -math.pi / 2).value
        upper = self.declare_parameter('upper', math.pi / 2).value
        if command == 'joint_trajectory':
            return PanJoint(self, joint, lower, upper)
        if command in ('twist', 'twist_stamped'):
            return Base(self, self._base_frame, command == 'twist_stamped')
        raise InputError(
            f"parameter command is '{command}'; it must be twist, twist_stamped or "
            'joint_trajectory'
        )

    def _hear(self, message: SpeakerTrackStamped) -> None:
        self._heard_at = time.monotonic()
        self._bearing = self._bearing_of(message) if message.track.id else None

    def _bearing_of(self, message: SpeakerTrackStamped) -> float | None:
        """Azimuth of the mouth in `base_frame`, from x towards y; None where it is not known."""
        frame = message.header.frame_id
        now = self.get_clock().now().nanoseconds
        try:
            base_from_track = self._frames.look_up(self._base_frame, frame, now)
        except UnconnectedError:
            self._warn(
                f"tracks are in '{frame}' and no transform takes them to '{self._base_frame}': "
                'publish it, or set base_frame or the target_frame of the tracker'
            )
            return None
        except StaleTransformError as error:
            self._warn(str(error))
            return None
        x, y, _ = base_from_track @ xyz(message.track.pose.pose.position)
        return math.atan2(y, x)

    def _warn(self, problem: str) -> None:
        self.get_logger().warning(problem, throttle_duration_sec=5.0)

    def _step(self) -> None:
        now = time.monotonic()
        seconds = min(now - self._stepped_at, LONGEST_STEP)
        self._stepped_at = now
        if now - self._heard_at > self._timeout:
            self._bearing = None
        error = None if self._bearing is None else self._actuator.error(self._bearing)
        speed = self._law.step(error, seconds)
        # Rest is said once: whoever else commands the robot has it to himself afterwards.
        if speed != 0 or not self._resting:
            self._actuator.move(speed, seconds)
        self._resting = speed == 0


def main() -> int:
    """Run the node until it is told to end, and leave the robot at rest."""
    # Handlers of rclpy would end the context before rest can be commanded.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        node = TurnToSpeaker()
    except InputError as error:
        print(f'turn_to_speaker: {error}', file=sys.stderr)
        return 2
    try:
        rclpy.spin(node)
    except KeyboardInterrupt:
        pass
    finally:
        node.stop()
        node.destroy_node()
        rclpy.shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
