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

"""Node: writes the tracks of a run to files."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo

from av_tracker_msgs.msg import SpeakerTrackArray
from av_tracker_nodes.errors import InputError
from av_tracker_nodes.launching.player import PLAYER
from av_tracker_nodes.nodes.clock import elapsed_seconds
from av_tracker_nodes.nodes.image_input import declare_reliable_images
from av_tracker_nodes.nodes.node_base import StageNode
from av_tracker_nodes.nodes.process import run
from av_tracker_nodes.nodes.quality_of_service import REPORTS, TRACKS, images
from av_tracker_nodes.nodes.stage_reports import StageReports
from av_tracker_nodes.recordings.extent import Extent
from av_tracker_nodes.recordings.messages import from_tracks, stamp_of
from av_tracker_nodes.recordings.stamp_counter import StampCounter
from av_tracker_nodes.recordings.tracks_csv import TrackWriter
from av_tracker_nodes.recordings.usage import Usage
from av_tracker_nodes.types import to_seconds

_OUTPUTS = {
    'face_detector': 'faces',
    'acoustic_map': 'acoustic_map',
    'fusion': 'fused_detections',
    'tracker': 'speaker_tracks',
}
"""What each stage publishes."""
_REPLAY = 'replay'
_NOTE_PERIOD = 1.0


class TrackWriterNode(StageNode):
    """Writes ``tracks.csv`` and its companions; ``run.json`` at the end.

    ``run.json`` counts the images that were taken and those that were answered, says how much of
    images and sound was used, as :class:`Usage` has it, and tells the
    latency of every stage from the capture stamp to its publication, and the time of its own
    work, as the stages report them in their diagnostics. It is `complete` when a replay has been
    played to its end, and when nothing was missed while the writer itself was started again.
    """

    def __init__(self, **node_options: object) -> None:
        super().__init__('track_writer', **node_options)
        self.parameter('out', '', 'Folder to write')
        self.parameter('model', '', 'Fusion model, noted in run.json')
        self.parameter('mode', 'live', 'Kind of run, noted in run.json')
        self.parameter(
            'run',
            '',
            'Unique name of the run: a writer that is restarted after a crash appends to it; '
            'empty to begin anew',
        )
        self.parameter('sees', True, 'Images are wanted by the model')
        self.parameter('hears', True, 'Sound is wanted by the model')
        declare_reliable_images(self)

    def configure(self) -> None:
        """Listen to images, tracks and what the stages say of themselves."""
        if not self.value('out'):
            raise InputError('track_writer: parameter out is not set; give it a folder to write')
        self._writer: TrackWriter | None = None
        self._stages = StageReports()
        self._extent: Extent | None = None
        quality = images(self.value('reliable_images'), depth=10)
        self.subscribe(CameraInfo, 'camera_info', self._note_image, quality)
        self.subscribe(SpeakerTrackArray, 'speaker_tracks', self._write, TRACKS, needed=True)
        self.subscribe_always(DiagnosticArray, '/diagnostics', self._note_stage, REPORTS)
        self.add_timer(_NOTE_PERIOD, self._note)

    def activate(self) -> None:
        """Begin the files, or go on with those of a writer that has died."""
        self._writer = TrackWriter(self.value('out'), self.value('run'))
        noted = self._writer.noted
        self._answered = StampCounter.resumed(noted['answered']) if noted else StampCounter()
        self._first: int | None = noted.get('first')
        self._last: int = noted.get('last', 0)
        # Steady time is that of the machine, not of a process.
        self._began: int | None = noted.get('began')
        self._seconds: float = noted.get('seconds', 0.0)

    def deactivate(self) -> None:
        """Finish the files."""
        if self._writer is not None:
            self._writer.close(self._summary())
            self._writer = None

    def _note(self) -> None:
        """Leave behind what a writer after this one needs."""
        state = {
            'answered': self._answered.as_json(),
            'first': self._first,
            'last': self._last,
            'began': self._began,
            'seconds': self._seconds,
        }
        self._writer.note(state)

    def _note_image(self, message: CameraInfo) -> None:
        self._writer.saw(stamp_of(message.header))
        if self._began is None and self._writer.images.count > 1:
            self._began = time.monotonic_ns()

    def _write(self, message: SpeakerTrackArray) -> None:
        frame = from_tracks(message, self.leave_out)
        self._writer.write(frame)
        self.counts['in'] += 1
        self._first = frame.stamp if self._first is None else self._first
        self._last = frame.stamp
        if frame.from_image:
            self._answered.add(frame.stamp)
            if self._began is not None:
                self._seconds = elapsed_seconds(self._began)

    def _note_stage(self, message: DiagnosticArray) -> None:
        for status in message.status:
            namespace, _, name = status.name.split(':')[0].rpartition('/')
            if namespace != self.get_namespace().strip('/'):
                continue
            values = {value.key: value.value for value in status.values}
            if name in _OUTPUTS:
                self._stages.take(name, values)
            elif name == PLAYER:
                self._extent = Extent.from_values(values) or self._extent
                # Told to the player, which waits for this before it ends.
                self.facts['ended'] = self._has_all()

    def _has_all(self) -> bool:
        """Tell whether the replay has ended and all its answers have come."""
        extent = self._extent
        return extent is not None and extent.ended and self._answered.count >= extent.answered

    def _summary(self) -> dict:
        # Both from the second image to the last.
        recorded = to_seconds(self._answered.span)
        answered = self._answered.count
        taken = max(self._writer.images.count, answered)
        usage = self._usage(taken, answered)
        missing = self._missing()
        rivals = [flow.former_rivalry for flow in self.flows if flow.former_rivalry]
        return {
            'complete': not missing,
            'mode': self.value('mode'),
            'model': self.value('model'),
            'frames_in': taken,
            'frames_answered': answered,
            'lost_frames': taken - answered,
            **self._played(),
            'used': usage.as_json(),
            'summary': usage.describe(),
            'problems': [*missing, *rivals, *usage.problems()],
            'seconds': round(self._seconds, 3),
            'realtime_factor': round(recorded / self._seconds, 3) if self._seconds else 0.0,
            'latency_ms': {
                _OUTPUTS[name]: latency
                for name, latency in self._stages.percentiles('latency').items()
            },
            'work_ms': self._stages.percentiles('work'),
        }

    def _missing(self) -> list[str]:
        """Say what the files lack of the run."""
        found = []
        if self.value('mode') == _REPLAY:
            extent = self._played_as_seen()
            found.append('cut short: nothing was played' if extent is None else extent.problem())
        if missed := self._writer.images.missed:
            found.append(f'{missed} images came while the writer of the tracks was started again')
        return [problem for problem in found if problem]

    def _played(self) -> dict[str, Any]:
        extent = self._played_as_seen()
        if extent is None:
            return {}
        return {'images_asked': extent.asked, 'images_played': extent.played}

    def _played_as_seen(self) -> Extent | None:
        """Return what the player said last, with the images that have come since."""
        if self._extent is None:
            return None
        return replace(self._extent, played=max(self._extent.played, self._writer.images.count))

    def _usage(self, taken: int, answered: int) -> Usage:
        """Put together what the stages have counted."""
        seen, heard, fused = (
            partial(self._count, name) for name in ('face_detector', 'acoustic_map', 'fusion')
        )
        # What a stage does between its last report and its death is not counted: the share of
        # the answers with sound is that of its last life.
        lately = partial(self._stages.lately, 'acoustic_map')
        return Usage(
            images=taken,
            unreadable=seen('unreadable'),
            unplaced=fused('unplaced'),
            misfits=fused('misfits'),
            unanswered=taken - answered,
            passed_over=max(heard('passed over') - seen('unreadable'), 0),
            faces=seen('faces'),
            answers=round(lately('out') - lately('passed over')),
            heard=round(lately('heard')),
            span=to_seconds(self._span()),
            sound=self._stages.number('acoustic_map', 'sound (s)'),
            sound_unreadable=heard('unreadable'),
            sees=self.value('sees'),
            hears=self.value('hears'),
        )

    def _count(self, stage: str, name: str) -> int:
        return round(self._stages.number(stage, name))

    def _span(self) -> int:
        return 0 if self._first is None else self._last - self._first


def main() -> int:
    """Run the node."""
    return run(TrackWriterNode)


if __name__ == '__main__':
    sys.exit(main())
