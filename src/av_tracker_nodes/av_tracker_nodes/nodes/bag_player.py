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

"""Node: plays a recording to the other nodes and waits for their answers.

A stand-in for ``ros2 bag play`` that needs no rosbag2, and that knows when the last frame has
been answered. The services ``~/pause`` and ``~/resume`` stop the time of the replay and let it go
on.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from itertools import count

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from av_tracker_msgs.msg import SpeakerTrackArray
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.player import PLAYER, PROGRESS
from av_tracker_nodes.nodes.clock import elapsed_seconds
from av_tracker_nodes.nodes.conversions import message_class, time_message
from av_tracker_nodes.nodes.markers import TrackMarkers
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import (
    LATCHED,
    PLAYED_AUDIO,
    PLAYED_IMAGES,
    PLAYED_INFOS,
    REPORTS,
    RESULTS,
    STATIC_TRANSFORMS,
    TRANSFORMS,
)
from av_tracker_nodes.nodes.source_parameters import SourceParameters
from av_tracker_nodes.nodes.unanswered import Unanswered
from av_tracker_nodes.recordings.bag import BagReader, stamp_of_cdr
from av_tracker_nodes.recordings.bag.playback import IMAGES, Playback, Played
from av_tracker_nodes.recordings.extent import Extent
from av_tracker_nodes.recordings.messages import from_tracks, stamp_of
from av_tracker_nodes.recordings.usage import MOST_UNUSED
from av_tracker_nodes.types import NANOSECONDS, to_nanoseconds

_QUALITIES = {
    '/audio': PLAYED_AUDIO,
    '/audio/array_info': LATCHED,
    '/image_raw': PLAYED_IMAGES,
    '/image_raw/compressed': PLAYED_IMAGES,
    '/camera_info': PLAYED_INFOS,
    '/depth/image': PLAYED_IMAGES,
    '/ground_truth': RESULTS,
    '/robot_speaking': LATCHED,
    '/tf': TRANSFORMS,
    '/tf_static': STATIC_TRANSFORMS,
}
_GLOBAL = ('/tf', '/tf_static')
"""Topics that no namespace is put before."""
_FALLS_BEHIND = to_nanoseconds(0.5)
_LONGEST_LEAD = to_nanoseconds(1.0)
"""The replay stops while the oldest image that is not answered was sent so long ago, at its rate;
and never runs ahead farther, however fast it is: queues are 2 s of the stream deep."""
_ABSENCE = 2.5
"""A node that says nothing of itself for so long (s) has died: it does so once a second."""
_HOLDING = 0.02
_WRITER = 'track_writer'
_CLOCK_PERIOD, _PROGRESS_PERIOD = to_nanoseconds(0.04), to_nanoseconds(0.2)
_SETTLING = 0.3
"""Seconds between everybody being there and the beginning: connections are made both ways."""
_FAREWELL = 1.3
"""Seconds without an answer before the end: the last diagnostics come once a second."""


class BagPlayer(StageNode):
    """Publishes what a bag holds at the times at which the bag logged it, and ``/clock``.

    It begins when its own topics and the nodes in `wait_for` are connected, at the latest after
    `start_timeout`, and ends when the tracker has answered every image, or is silent for
    `answer_timeout`, and who writes the tracks knows. Topics are those that our nodes listen to,
    whatever they are called in the recording; see
    :class:`~av_tracker_nodes.recordings.bag.playback.Playback`. The exit status is 0 when every
    image was answered, or when there is no tracker, and 1 when it was ended before.

    With `loops` it begins again when everything has been answered: the stamps jump back, and who
    listens starts anew.

    Should the tracker fall more than half a second behind, as on a computer that is too slow, the
    time of the replay stands still until it has caught up: a recording is never cut short. The
    real-time factor then says so. When nothing is answered for `answer_timeout` it goes on until
    the next answer. A stage that has died is sent the last second again once it is back.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__(PLAYER, **node_options)
        self.parameter('bag', '', 'Recording to play')
        self.parameter('rate', 1.0, 'Speed of the replay', 0.01, 100.0)
        self.parameter(
            'loops', 1, 'How often the recording is played; 0 for again and again', 0, 1_000_000
        )
        SourceParameters.declare(self)
        self.parameter(
            'wait_for', '', 'Nodes to wait for before the beginning, separated by commas'
        )
        self.parameter(
            'start_timeout', 30.0, 'Begin after this, even if nodes are missing (s)', 0.0, 600.0
        )
        self.parameter(
            'answer_timeout', 5.0, 'End when no answer comes for this long (s)', 0.0, 600.0
        )
        self.parameter(
            'respawn',
            False,
            'Nodes that have died are started again: it waits for them as at the beginning',
        )
        self.parameter(
            'progress', False, f"Write lines of '{PROGRESS.strip()}' and JSON to standard output"
        )
        self._is_paused = self._is_cut_short = False
        self.create_service(Trigger, '~/pause', lambda _, answer: self._pause(True, answer))
        self.create_service(Trigger, '~/resume', lambda _, answer: self._pause(False, answer))

    def configure(self) -> None:
        """Advertise what the bag holds."""
        path = self.value('bag')
        if not path:
            raise InputError(f'{PLAYER}: parameter bag is not set; give it the path of a bag')
        names = self.value('wait_for').split(',')
        self._expected = {name.strip() for name in names if name.strip()}
        self._rate = self.value('rate')
        self._loops = self.value('loops')
        self._start_timeout = self.value('start_timeout')
        self._answer_timeout = self.value('answer_timeout')
        self._shows_progress = self.value('progress')
        self._outputs: dict[str, Publisher] = {}
        self._unconnected: dict[str, set[str]] = {}
        self._unready: set[str] = set()
        self._heard_of: dict[str, int] = {}
        self._absent_at = 0
        self._unplaced = 0, ''
        self._is_known_to_writer = False
        self._time = self.advertise(Clock, '/clock', QoSProfile(depth=10))
        self._truth_markers = self.advertise(MarkerArray, 'ground_truth/markers')
        with self._open() as bag:
            self._advertise(self._playback(bag))
        self.subscribe_always(DiagnosticArray, '/diagnostics', self._note_connections, REPORTS)
        self.subscribe(SpeakerTrackArray, 'speaker_tracks', self._note_answer)
        self._player: threading.Thread | None = None

    def activate(self) -> None:
        """Begin to play, as soon as everybody is there."""
        self._bag = self._open()
        self._truth = TrackMarkers('ground_truth/', grey=True)
        self._answered = self._lost = 0
        lead = min(_FALLS_BEHIND * self._rate, _LONGEST_LEAD)
        self._unanswered = Unanswered(round(lead))
        images = len(self._bag.image_stamps) if self.value('sees') else 0
        self._asked = images * self._loops if self._loops else None
        self._is_cut_short = self._asked is not None
        self._has_ended = self._is_known_to_writer = False
        self._began = self._answered_at = self._told_at = time.monotonic_ns()
        self._next_tick = self._next_progress = 0
        self._stopped = threading.Event()
        self._player = threading.Thread(target=self._run, name='player', daemon=True)
        self._player.start()

    def deactivate(self) -> None:
        """Stop playing."""
        if self._player is not None:
            self._stopped.set()
            self._player.join(timeout=2.0)
            self._bag.close()

    def close(self) -> None:
        """Stop playing; to be ended amid a recording is no success."""
        super().close()
        if self.exit_status is None and self._is_cut_short:
            self.exit_status = 1

    def diagnose(self) -> DiagnosticStatus:
        """Say how far it has come, too."""
        if self.is_active:
            sent = self._unanswered.sent
            extent = Extent(self._asked, sent, self._has_ended, self._answered)
            self.facts |= extent.as_values()
        return super().diagnose()

    # ---- who listens

    def _open(self) -> BagReader:
        return BagReader(self.value('bag'), SourceParameters.read(self))

    def _playback(self, bag: BagReader) -> Playback:
        return Playback(bag, self.value('sees'), self.value('hears'), self.value('depth'))

    def _advertise(self, playback: Playback) -> None:
        for topic, message_type in playback.channels.items():
            name = topic if topic in _GLOBAL else topic.lstrip('/')
            self._outputs[topic] = self.advertise(
                message_class(message_type), name, _QUALITIES[topic]
            )
        if playback.left_out:
            self.get_logger().info(f'not played: {", ".join(playback.left_out)}')

    def _note_connections(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.split(':')[0].rpartition('/')[2]
            values = {value.key: value.value for value in status.values}
            if name == 'fusion':
                self._unplaced = int(values.get('unplaced', 0)), status.message
            if name == _WRITER:
                self._is_known_to_writer = values.get('ended') == 'True'
            if values.get('state') == 'active':
                self._unconnected[name] = set(values['inputs without publisher'].split())
                self._unready -= {name}
                self._unready |= {name} if values.get('ready') == 'False' else set()
                self._heard_of[name] = time.monotonic_ns()

    def _missing(self) -> list[str]:
        """Return what has to be connected before the beginning and is not."""
        absent = sorted(self._expected - set(self._unconnected))
        unconnected = sorted(
            f'{topic} to {name}'
            for name in self._expected & set(self._unconnected)
            for topic in self._unconnected[name]
            if self.count_publishers(topic) > 0
        )
        return absent + unconnected

    def _wait_for(self, what_is_missing: Callable[[], list[str]]) -> None:
        began = time.monotonic_ns()
        while (missing := what_is_missing()) and not self._stopped.wait(0.05):
            if elapsed_seconds(began) > self._start_timeout:
                self.get_logger().warning(
                    f'beginning after {self._start_timeout:.0f} s without {", ".join(missing)}'
                )
                break

    # ---- playing

    def _run(self) -> None:
        status = 1
        try:
            self._wait_for(self._missing)
            self._stopped.wait(_SETTLING)
            self._announce()
            self._wait_for(lambda: sorted(self._expected & self._unready))
            for _ in range(self._loops) if self._loops else count():
                self._play()
                self._wait_for_answers()
                if self._stopped.is_set():
                    return
            self._tell_the_end()
            status = self._conclude()
            self._is_cut_short = False
        except InputError as error:
            self.get_logger().error(str(error))
            status = 2
        except Exception:
            # What fails because the process is being ended is not worth a word.
            if self.context.ok():
                raise
        finally:
            # The end of the recording is that of the node; its deactivation, and an interruption
            # that this thread noticed first, are not.
            if not self._stopped.is_set() and self.context.ok():
                self.exit_status = status

    def _announce(self) -> None:
        """Send what describes the sensors ahead, so that the first image finds it known."""
        for message in self._playback(self._bag).announcement():
            self._outputs[message.topic].publish(message.data)

    def _play(self) -> None:
        self._began = time.monotonic_ns()
        for message in self._playback(self._bag):
            self._tick_until(message.time)
            if self._stopped.is_set():
                return
            self._hold_back(message.time)
            self._send(message)
        for line in self._bag.unusable.describe():
            self.get_logger().warning(line)

    def _hold_back(self, now: int) -> None:
        """Stop the time of the replay while the tracker is behind."""
        began = time.monotonic_ns()

        def waits() -> bool:
            behind = self._unanswered.waits and self._unanswered.is_behind(now)
            if not (behind and self._is_answered_by_somebody()):
                return False
            silent_since = max(began, self._answered_at)
            if self._is_given_up(silent_since):
                silent = elapsed_seconds(silent_since)
                self.get_logger().warning(
                    f'the tracker has not answered for {silent:.0f} s: playing on until it does'
                )
                self._unanswered.give_up()
            return self._unanswered.waits

        self._stand_still(now, waits)

    def _is_given_up(self, silent_since: int) -> bool:
        """Tell whether there was time enough since a steady time (ns) to come back and answer."""
        heard_of = [self._heard_of[name] for name in self._expected & set(self._heard_of)]
        silent = any(elapsed_seconds(at) > _ABSENCE for at in heard_of)
        if self.value('respawn') and (silent or self._unready):
            self._absent_at = time.monotonic_ns()
            return elapsed_seconds(silent_since) > self._start_timeout
        return elapsed_seconds(max(silent_since, self._absent_at)) > self._answer_timeout

    def _stand_still(self, now: int, holds: Callable[[], bool]) -> None:
        """Stop the time of the replay at a stream time (ns) as long as something holds."""
        began = time.monotonic_ns()
        while holds() and not self._stopped.wait(_HOLDING):
            self._time.publish(Clock(clock=time_message(now)))
        self._began += time.monotonic_ns() - began

    def _pause(self, is_paused: bool, answer: Trigger.Response) -> Trigger.Response:
        self._is_paused = is_paused
        answer.success = True
        answer.message = 'paused' if is_paused else 'playing'
        return answer

    def _send(self, message: Played) -> None:
        if message.topic in IMAGES:
            self._unanswered.send(stamp_of_cdr(message.data), message.time)
        self._outputs[message.topic].publish(message.data)
        self.counts['out'] += 1
        if message.topic == '/ground_truth' and self._truth_markers.get_subscription_count() > 0:
            truth = deserialize_message(message.data, SpeakerTrackArray)
            self._truth_markers.publish(
                self._truth.draw(from_tracks(truth, self.leave_out), truth.header.frame_id)
            )

    def _tick_until(self, stream: int) -> None:
        """Sleep until a stream time (ns), keeping the clock and the progress going."""
        while not self._stopped.is_set():
            if self._is_paused:
                now = self._stream_time(time.monotonic_ns())
                self._stand_still(now, lambda: self._is_paused)
            now = time.monotonic_ns()
            due = self._began + (stream - self._bag.start_time) / self._rate
            if now >= self._next_tick:
                self._time.publish(Clock(clock=time_message(self._stream_time(now))))
                self._next_tick = max(self._next_tick + _CLOCK_PERIOD, now)
            if now >= self._next_progress:
                self._show_progress(now)
                self._next_progress = now + _PROGRESS_PERIOD
            if now >= due:
                return
            time.sleep((min(due, self._next_tick) - now) / NANOSECONDS)

    def _stream_time(self, steady: int) -> int:
        return self._bag.start_time + round((steady - self._began) * self._rate)

    def _show_progress(self, steady: int) -> None:
        if self._shows_progress:
            done = (self._stream_time(steady) - self._bag.start_time) / NANOSECONDS
            share = min(done / max(self._bag.duration, 1e-9), 1.0)
            state = {'share': round(share, 4), 'answered': self._answered}
            print(f'{PROGRESS}{json.dumps(state)}', flush=True)

    # ---- answers

    def _note_answer(self, message: SpeakerTrackArray) -> None:
        self._told_at = time.monotonic_ns()
        if message.from_image:
            self._answered += 1
            self._answered_at = now = time.monotonic_ns()
            self._unanswered.answer(stamp_of(message.header), self._stream_time(now))

    def _wait_for_answers(self) -> None:
        self._answered_at = time.monotonic_ns()
        while len(self._unanswered) and self._is_answered_by_somebody():
            self._tick_for(_CLOCK_PERIOD)
            if self._stopped.is_set() or self._is_given_up(self._answered_at):
                break
        else:
            # Sound that goes on after the last image is answered, too.
            self._told_at = time.monotonic_ns()
            while elapsed_seconds(self._told_at) < _FAREWELL and not self._stopped.is_set():
                self._tick_for(_CLOCK_PERIOD)
        self._lost += self._unanswered.lost()

    def _tell_the_end(self) -> None:
        """Let who writes the tracks know that nothing is missing."""
        self._has_ended = self.facts['ended'] = True
        began = time.monotonic_ns()
        while _WRITER in self._expected and not self._is_known_to_writer:
            self._tick_for(_CLOCK_PERIOD)
            if self._stopped.is_set() or elapsed_seconds(began) > self._answer_timeout:
                return

    def _tick_for(self, steady: int) -> None:
        """Keep the clock going for some nanoseconds."""
        self._tick_until(self._stream_time(time.monotonic_ns() + steady))

    def _is_answered_by_somebody(self) -> bool:
        return self.count_publishers('speaker_tracks') > 0

    def _conclude(self) -> int:
        sent = self._unanswered.sent
        if not self._is_answered_by_somebody():
            self.get_logger().info(f'played {sent} images; no tracker answers')
            return 0
        unplaced, reason = self._unplaced
        if unplaced > MOST_UNUSED * max(sent, 1):
            self.get_logger().error(
                f'{unplaced} of {sent} images came while it was not known where the sensors '
                f'are: {reason}'
            )
            return 1
        log = self.get_logger().error if self._lost else self.get_logger().info
        log(f'played {sent} images, {self._lost} of them not answered')
        return 1 if self._lost else 0


def main() -> int:
    """Run the node."""
    return run(BagPlayer)


if __name__ == '__main__':
    sys.exit(main())
