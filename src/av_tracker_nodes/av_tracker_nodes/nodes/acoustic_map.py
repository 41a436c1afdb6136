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

"""Node: sound and faces in, acoustic maps out."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from std_msgs.msg import Bool

from av_tracker_msgs import msg as av
from av_tracker_nodes.acoustics.backend import BACKENDS, choose_backend
from av_tracker_nodes.acoustics.config import AcousticConfig
from av_tracker_nodes.acoustics.measures import MEASURES
from av_tracker_nodes.acoustics.own_voice import HOLD, OwnVoice
from av_tracker_nodes.acoustics.sound_mapper import SoundMapper
from av_tracker_nodes.geometry import Rig
from av_tracker_nodes.nodes.acoustic_views import AcousticViews
from av_tracker_nodes.nodes.clock import InputWatch
from av_tracker_nodes.nodes.control import ControlledNode
from av_tracker_nodes.nodes.conversions import from_faces, to_acoustic_map
from av_tracker_nodes.nodes.image_input import ImageInput
from av_tracker_nodes.nodes.losses import RecentLoss
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import AUDIO, LATCHED, RESULTS
from av_tracker_nodes.nodes.rig_listener import RigListener
from av_tracker_nodes.nodes.waiting import WAITING, declare_audio_offset, declare_waiting
from av_tracker_nodes.recordings.messages import from_audio
from av_tracker_nodes.recordings.plausible import checked_face_sound, checked_peak, usable
from av_tracker_nodes.synchronisation import (
    MAX_RATE,
    ClockCheck,
    Cycle,
    CycleTrigger,
    RateLimit,
    shift_sound,
)
from av_tracker_nodes.types import (
    AcousticMap,
    AudioBlock,
    to_nanoseconds,
    to_seconds,
)

_PREPARATION_PERIOD = 0.1
_WATCH_PERIOD = 1.0
_QUIET = 1.0
"""Input that stopped for so long (s) does not go on: what waits is answered."""

_STEP_SHOWN = 60.0
"""The diagnostics show for this long (s) that a clock was set."""

_LONGEST_LAG = to_nanoseconds(2.0)
"""Sound that lags farther behind the ROS clock (ns) has another clock."""


class AcousticMapNode(ControlledNode):
    """Publishes a map for every image, and at 25 Hz while there are none.

    Images are known by their camera_info; :class:`CycleTrigger` says when one is complete. While
    the robot itself talks, as ``robot_speaking`` says, the maps are those of silence. Where the
    fusion model does not hear, every image is answered by a blank map, whatever sounds.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('acoustic_map', **node_options)
        self.parameter('measure', 'vggcf', 'What the maps show', choices=tuple(MEASURES))
        self.parameter(
            'backend',
            'auto',
            'What computes: auto takes the fastest that is installed',
            choices=BACKENDS,
        )
        self.declare(AcousticConfig)
        self._declare_times()
        RigListener.declare(self)
        ImageInput.declare(self)

    def _declare_times(self) -> None:
        declare_waiting(self)
        self.parameter(
            'audio_timeout', 0.2, 'Wait this long for sound that lags (s)', 0.0, 10.0, live=True
        )
        declare_audio_offset(self)
        self.parameter(
            'max_rate',
            MAX_RATE,
            'As that of the face detector: no sound is prepared for images it passes over (Hz)',
            0.0,
            240.0,
            live=True,
        )
        self.parameter(
            'robot_speaking_hold',
            HOLD,
            'Sound is ignored for this long after robot_speaking has become false (s): the room '
            'echoes, and maps look back',
            0.0,
            10.0,
            live=True,
        )

    def check(self, values: Mapping[str, Any]) -> None:
        """Hold the numbers of the stage against each other."""
        self.settings_of(AcousticConfig, values)

    def configure(self) -> None:
        """Create the topics; the stage is made when the geometry is known."""
        self._audio_offset = self.value('audio_offset')
        self._hears: bool = self.value('hears')
        if self._hears:
            # What cannot be used is refused now, not when the geometry is known.
            choose_backend(self.value('backend'))
        self._trigger = CycleTrigger(hears=self._hears)
        self._own_voice = OwnVoice()
        self._losses = RecentLoss()
        self._clocks = ClockCheck()
        self._sound = SoundMapper(
            self.value('measure'),
            backend=self.value('backend'),
            config=self.settings_of(AcousticConfig),
            rehearses=True,
        )
        self._looks = RateLimit()
        self._next_sample: int | None = None
        self._prepared: int | None = None
        self._heard_until = 0
        self._duration = 0
        self._announced, self._infos_go_on = 0, False
        self._input = InputWatch(self.clock, _QUIET)
        self._has_begun = False
        self.facts['ready'] = not self._hears
        self._sensors = RigListener(self, self.guarded(self._announce))
        self._maps = self.advertise(av.AcousticMap, 'acoustic_map')
        self._views = AcousticViews(self)
        if self._hears:
            self.hold_until(self._is_prepared)
            self.subscribe(av.AudioBlock, 'audio', self._hear, AUDIO, needed=True)
        if self.value('sees'):
            self.subscribe(av.FaceArray, 'faces', self._see)
        # Some publish it latched, some do not: one subscription cannot have both.
        for quality in (RESULTS, LATCHED):
            self.subscribe_always(Bool, 'robot_speaking', self._note_robot_speaking, quality)
        self.add_timer(_QUIET / 4, self._answer_the_rest)
        self.add_timer(_PREPARATION_PERIOD, self._prepare)
        self.add_timer(_WATCH_PERIOD, self._watch)

    def adapt(self) -> None:
        """Give the stage its numbers, and set the times; sound at other stamps is other sound."""
        self._sound.reconfigure(self.settings_of(AcousticConfig))
        names = (*WAITING, 'audio_timeout')
        self._trigger.wait_for(**{name: self.value(name) for name in names})
        self._clocks = ClockCheck(
            self.value('max_lateness'),
            audio_offset=self.value('audio_offset'),
            memory=_STEP_SHOWN,
        )
        self._looks.rate = self.value('max_rate')
        self._own_voice.hold = self.value('robot_speaking_hold')
        if self._audio_offset != self.value('audio_offset'):
            self._audio_offset = self.value('audio_offset')
            self.reset()

    def reset(self) -> None:
        """Forget all sound; images that still wait for theirs are not answered."""
        self._trigger.reset()
        self._sound.reset()
        self._next_sample = self._prepared = None
        self._own_voice.reset()

    # ---- input

    def _announce(self, stamp: int, size: tuple[int, int]) -> None:
        if stamp == 0:
            # Images of drivers that do not stamp their camera_info are known by their faces.
            return
        self._infos_go_on |= self._announced not in (0, stamp)
        self._announced = stamp
        self.in_time(stamp, partial(self._meet, stamp, size))

    def _meet(self, stamp: int, size: tuple[int, int]) -> None:
        self._clocks.note('images', stamp)
        self._fire(self._trigger.image(stamp, size))

    def _see(self, message: av.FaceArray) -> None:
        faces = from_faces(message, self.leave_out)
        self._has_begun = True
        self._looks.take(faces.stamp)
        if not self._infos_go_on:
            # Drivers that send a single camera_info, or none with a stamp.
            self._clocks.note('images', faces.stamp)
        self._fire(self._trigger.faces(faces))

    def _hear(self, message: av.AudioBlock) -> None:
        block = shift_sound(self.readable(partial(from_audio, message)), self._audio_offset)
        self.counts['in'] += 1
        self._has_begun = True
        if self.readable(partial(self._sound.hear, block)):
            self._next_sample = None
        self._duration += block.duration
        self.facts['sound (s)'] = round(to_seconds(self._duration), 3)
        self._count_lost(block)
        self._heard_until = block.end
        self._clocks.note('audio', block.end)
        self._fire(self._trigger.audio_until(block.end))

    def _note_robot_speaking(self, message: Bool) -> None:
        self._own_voice.tell(message.data, self._stream_time())
        self.facts['robot speaks'] = message.data

    def _stream_time(self) -> int:
        """Now, by the ROS clock if it agrees with the stamps of the sound, else by these."""
        now = self.clock.now()
        agrees = now is not None and 0 <= now - self._heard_until < _LONGEST_LAG
        return now if agrees else self._heard_until

    def _count_lost(self, block: AudioBlock) -> None:
        if self._next_sample is not None and block.first_sample > self._next_sample:
            self.counts['lost samples'] += block.first_sample - self._next_sample
        self._next_sample = block.next_sample

    def _watch(self) -> None:
        self.note('loss', self._losses.recent(self.counts['lost samples']))
        self.note('clocks', self._clocks.problem, is_fault=True)
        intruders = self._sound.intruders()
        self.note('channels', '; '.join(f'channel {c} {why}' for c, why in intruders.items()))

    def _answer_the_rest(self) -> None:
        # A player sends the first camera_info ahead: nothing has stopped that has not begun.
        if self._has_begun and self._input.has_stopped():
            self._fire(self._trigger.flush())

    # ---- output

    def _fire(self, cycles: list[Cycle]) -> None:
        self._input.note()
        if self._trigger.resets > self.counts['resets']:
            self._own_voice.reset()
        for cycle in cycles:
            self._answer(cycle)
        self._prepare_next()
        self.counts['late faces'] = self._trigger.late
        self.counts['late images'] = self._trigger.late_images
        self.counts['resets'] = self._trigger.resets

    def _prepare_next(self) -> None:
        """Listen while the faces of the next image are still being detected."""
        stamp = self._trigger.awaits_faces
        if self._sound.stage is None or stamp is None or stamp == self._prepared:
            return
        self._prepared = stamp
        if not self._looks.chooses(stamp):
            return
        self._use(self._sensors.rig(stamp))
        self._sound.prepare(stamp)

    def _answer(self, cycle: Cycle) -> None:
        began = time.monotonic_ns()
        rig = self._sensors.rig(cycle.faces.stamp)
        sound = self._map_or_blank(cycle, rig)
        self.counts['heard'] += sound.is_heard
        self.counts['passed over'] += cycle.is_passed_over
        self._maps.publish(to_acoustic_map(sound, self._sensors.array_frame))
        self.answered(sound.stamp, began, sound.from_image)
        if rig is not None and not cycle.is_passed_over:
            self._views.publish(sound, rig, self._sensors.array_frame, cycle.faces.faces)

    def _map_or_blank(self, cycle: Cycle, rig: Rig | None) -> AcousticMap:
        """Map the sound of a cycle; whatever goes wrong, the image is answered."""
        if cycle.is_passed_over:
            return AcousticMap.blank(cycle.faces.stamp, self.value('measure'), cycle.from_image)
        try:
            sound = self._map(cycle, rig)
            return replace(
                sound,
                peaks=usable(sound.peaks, checked_peak, self.leave_out),
                faces=usable(sound.faces, checked_face_sound, self.leave_out),
            )
        except Exception as error:
            self._report(error)
            return AcousticMap.blank(cycle.faces.stamp, self.value('measure'), cycle.from_image)

    def _map(self, cycle: Cycle, rig: Rig | None) -> AcousticMap:
        """Map the sound of a cycle; nothing while the sensors have no place, or nobody listens."""
        self._use(rig)
        sound = self._sound.map(cycle.faces, cycle.from_image)
        if rig is None or not self._hears:
            return sound
        if self._own_voice.is_heard(sound.stamp):
            sound = sound.silenced()
            self.counts['muted'] += 1
        self.facts['coverage'] = round(sound.coverage, 3)
        self.facts['dead channels'] = ' '.join(map(str, sound.dead_channels))
        return sound

    def _prepare(self) -> None:
        """Make the stage as soon as the geometry is known, before the first image needs it."""
        if self._sound.stage is None:
            self._use(self._sensors.rig(None))

    def _is_prepared(self) -> bool:
        self._prepare()
        return self._sound.stage is not None

    def _use(self, rig: Rig | None) -> None:
        """Take over where the sensors are; the first time, tell of the stage."""
        if not self._hears:
            return
        is_first = self._sound.stage is None
        self._sound.use(rig)
        if not is_first or rig is None:
            return
        for reason in self._sound.refused:
            self.leave_out(reason)
        self.facts['backend'] = self._sound.stage.backend
        self.facts['ready'] = True
        if rig.ambiguity:
            self.get_logger().info(f'{rig.microphones.name}: {rig.ambiguity}')


def main() -> int:
    """Run the node."""
    return run(AcousticMapNode)


if __name__ == '__main__':
    sys.exit(main())
