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

"""When a cycle of the chain is complete: an image with its faces and its sound, or sound alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from av_tracker_nodes.synchronisation.clocks import SharedClock
from av_tracker_nodes.synchronisation.lateness import MAX_LATENESS, Lateness
from av_tracker_nodes.synchronisation.rounds import Arrival, Rounds
from av_tracker_nodes.types import JUMP, FaceFrame, to_nanoseconds

_FOREVER = 1e9


@dataclass(frozen=True)
class Cycle:
    """One turn of the chain: the faces of an image, or an instant of sound alone.

    An image `is_passed_over` if the detector has gone on to a later one: it is answered by what is
    known already, at no cost.
    """

    faces: FaceFrame
    from_image: bool
    is_passed_over: bool = False


@dataclass
class _Image:
    """An image that awaits its cycle; `announced` is the stream time at which it was met."""

    size: tuple[int, int]
    announced: int
    faces: FaceFrame | None = None
    passed_over: bool = False


class CycleTrigger:
    """Decides when the acoustic map fires: once an image, in the order of stamps.

    It is told of three streams, in whatever order they arrive: images (stamp only), faces, and
    how far the audio has come. Each call returns the cycles that are now complete. *Stream time*
    is the newest stamp of audio or image.

    An image is complete when

    * its faces have come; or the detector has passed it over, which the faces of an image that
      arrived after it prove; or stream time has gone `faces_timeout` past the image (or past the
      moment it was announced, where that is later). Without faces the cycle has an empty frame;
    * and the audio reaches its stamp; or the audio lags: it is `audio_timeout` behind the newest
      image, or has not begun by then. A microphone that is unplugged holds nothing up.

    `audio_only_after` past the last image without another one, and every `audio_only_period`
    from there on, the sound makes cycles of its own, until the next image. Without any image
    they count from the first audio. Audio that skips more than `JUMP` ahead makes no cycles for
    the time it skipped.

    A stream that was late of late is waited for longer (see :class:`Lateness`), up to
    `max_lateness`: faces and audio each by their own lateness, and cycles of sound alone until
    the next image, late as images are, would have come. What is punctual is not waited for.

    `patience` is added to all the waiting. Zero, for a robot, answers at the earliest; a second,
    for replaying a recording, is longer than any hitch of transport, so that nothing recorded
    is taken for lost. In either case the cycles are those of the stamps; patience changes when
    they come, and only late input can tell the difference.

    Faces that come after the cycle of their image, or a later one, has fired are counted in
    `late` and not used. A stream that falls back by more than `JUMP` (a recording that loops)
    resets everything; what other streams still deliver from before the jump is ignored. Sound
    whose clock is not that of the images (see :class:`SharedClock`) is not used either: the
    images are answered without it.

    Parameters
    ----------
    faces_timeout, audio_timeout, audio_only_after, audio_only_period, patience : float
        Seconds; an infinite `faces_timeout` waits for ever.
    hears : bool
        False where no sound is wanted: images do not wait for any.
    max_lateness : float
        Streams that are later than this (s) are not waited for.

    Attributes
    ----------
    late : int
        Face frames that came too late for their cycle.
    late_images : int
        Images that came after a cycle of a later stamp, and got none.
    resets : int
        Jumps back seen.
    """

    def __init__(
        self,
        faces_timeout: float = 0.08,
        audio_timeout: float = 0.2,
        audio_only_after: float = 0.2,
        audio_only_period: float = 0.04,
        patience: float = 0.0,
        hears: bool = True,
        max_lateness: float = MAX_LATENESS,
    ) -> None:
        self._hears = hears
        self.late = self.late_images = 0
        self.resets = 0
        self._images_late, self._faces_late, self._audio_late = (Lateness(0) for _ in range(3))
        self.wait_for(faces_timeout, audio_timeout, patience, max_lateness)
        self._audio_only_after = to_nanoseconds(audio_only_after)
        self._audio_only_period = to_nanoseconds(audio_only_period)
        self._image_size = (0, 0)
        self._rounds = Rounds()
        self._clock = SharedClock()
        self._forget()

    def wait_for(
        self,
        faces_timeout: float,
        audio_timeout: float,
        patience: float,
        max_lateness: float = MAX_LATENESS,
    ) -> None:
        """Set how long (s) is waited."""
        self._patience = to_nanoseconds(patience)
        self._faces_timeout = to_nanoseconds(min(faces_timeout, _FOREVER)) + self._patience
        self._audio_timeout = to_nanoseconds(audio_timeout) + self._patience
        for lateness in (self._images_late, self._faces_late, self._audio_late):
            lateness.limit = to_nanoseconds(max_lateness)

    def reset(self) -> None:
        """Start anew, as for another recording; how late the streams are is remembered."""
        self._rounds.forget()
        self._clock = SharedClock()
        self._forget()

    @property
    def waiting(self) -> int:
        """Images whose cycle has not fired."""
        return len(self._images)

    @property
    def awaits_faces(self) -> int | None:
        """Stamp of the next image if all of its cycle has come but the faces, else None."""
        first = min(self._images, default=None)
        return None if first is None or self._audio_until < first else first

    def image(self, stamp: int, image_size: tuple[int, int] | None = None) -> list[Cycle]:
        """Add an image and its size (width, height); a repeated stamp is ignored."""
        if not self._accept('image', stamp):
            return []
        self._announce(stamp, image_size or self._image_size)
        return self._fire()

    def faces(self, frame: FaceFrame) -> list[Cycle]:
        """Tell of the faces of an image, announced before or not."""
        if not self._accept('faces', frame.stamp):
            return []
        self._faces_late.note(self._now - frame.stamp, self._now)
        self._announce(frame.stamp, frame.image_size)
        if frame.stamp not in self._images:
            self.late += 1
            return []
        for stamp, image in self._images.items():
            if stamp == frame.stamp:
                image.faces = frame
                break
            image.passed_over = True
        return self._fire()

    def audio_until(self, stamp: int) -> list[Cycle]:
        """Tell that all samples taken before `stamp` have come."""
        heard = self._rounds.newest.get('audio')
        if not self._accept('audio', stamp):
            return []
        self._audio_late.note(self._now - stamp, self._now)
        if heard is None or not heard - JUMP <= stamp <= heard + JUMP:
            self._audio_since = stamp
        if self._next_audio_only is None and not self._images:
            self._next_audio_only = stamp + self._audio_only_after
        return self._fire()

    def flush(self) -> list[Cycle]:
        """Return every cycle that still waits: the recording has ended or the input stopped."""
        return self._fire(force=True)

    # ---- arrivals

    def _forget(self) -> None:
        self._images: dict[int, _Image] = {}
        self._last_images: tuple[int, ...] = ()
        self._first_image: int | None = None
        self._fired: int | None = None
        self._fired_image: int | None = None
        self._next_audio_only: int | None = None
        self._audio_since = 0

    def _accept(self, stream: str, stamp: int) -> bool:
        """Note the stamp of a stream; False for what is from before a jump or another clock."""
        is_sound = stream == 'audio'
        was_apart = self._clock.is_apart
        if is_sound and was_apart:
            self._clock.hear(stamp)
            if self._clock.is_apart:
                return False
            if not self._clock.has_image:
                # The images of the other clock have stopped.
                self.resets += 1
                self._rounds.forget()
                self._forget()
        arrival = self._rounds.arrive(stream, stamp)
        if arrival is Arrival.LEFT_OVER:
            return False
        if arrival is Arrival.JUMPS_BACK:
            self.resets += 1
            self._clock.restart()
            self._forget()
        (self._clock.hear if is_sound else self._clock.see)(stamp)
        if self._clock.is_apart and not was_apart:
            self._forget_sound()
        return not (is_sound and self._clock.is_apart)

    def _forget_sound(self) -> None:
        """Go on with the images, also where sound has made cycles of later stamps."""
        self._rounds.forget('audio')
        if self._fired != self._fired_image:
            self.resets += 1
        self._fired = self._fired_image
        self._next_audio_only = None

    def _announce(self, stamp: int, size: tuple[int, int]) -> None:
        """Take an image, the first time that it is told of."""
        if stamp in self._images:
            return
        if self._fired_image is None or stamp > self._fired_image:
            self._measure_images(stamp)
        if self._has_passed(stamp):
            return
        self._image_size = size
        self._images[stamp] = _Image(size, self._now)
        if self._first_image is None:
            self._first_image = stamp

    def _measure_images(self, stamp: int) -> None:
        """Note how long after an image the next one came."""
        self._last_images = (*self._last_images, stamp)[-3:]
        intervals = [b - a for a, b in pairwise(self._last_images)]
        # The shorter of two: a single gap is no interval. Rare images keep no sound waiting.
        interval = max(min([*intervals, JUMP]), 0) if intervals else 0
        self._images_late.note(self._now - stamp + interval, self._now)

    def _has_passed(self, stamp: int) -> bool:
        """Tell whether cycles are beyond an image; if so, it still shows that images come."""
        if self._fired is None or stamp > self._fired:
            return False
        if self._fired_image is None or stamp > self._fired_image:
            self.late_images += 1
        if self._next_audio_only is not None:
            # Sound alone is faster than images, and would outrun them for ever.
            held = stamp + self._audio_only_after
            self._next_audio_only = max(self._next_audio_only, held)
        return True

    # ---- cycles

    @property
    def _now(self) -> int:
        return self._rounds.now

    @property
    def _audio_until(self) -> int:
        return self._rounds.newest.get('audio', -1)

    def _fire(self, force: bool = False) -> list[Cycle]:
        cycles = []
        while (cycle := self._next_cycle(force)) is not None:
            cycles.append(cycle)
        return cycles

    def _next_cycle(self, force: bool) -> Cycle | None:
        first = min(self._images, default=None)
        alone = self._next_audio_only
        if alone is not None:
            alone = max(alone, self._audio_since)
        if alone is not None and (first is None or alone < first):
            # The next image, once known, proves that none comes before it.
            needed = alone + (self._hold_of_sound() if first is None and not force else 0)
            if self._audio_until >= needed:
                self._fired = alone
                self._next_audio_only = alone + self._audio_only_period
                return Cycle(_unsearched(alone, self._image_size), from_image=False)
        if first is None or not (force or self._is_complete(first)):
            return None
        self._fired = self._fired_image = first
        self._next_audio_only = first + self._audio_only_after
        image = self._images.pop(first)
        if image.faces is not None:
            return Cycle(image.faces, from_image=True)
        return Cycle(_unsearched(first, image.size), True, image.passed_over)

    def _hold_of_sound(self) -> int:
        """Tell for how long (ns) sound alone waits for an image that would come before it."""
        due = self._images_late.wait(self._now)
        return max(due - self._audio_only_after, 0) + self._patience

    def _is_complete(self, stamp: int) -> bool:
        image = self._images[stamp]
        seen = image.faces is not None or image.passed_over or self._now >= self._deadline(stamp)
        heard = not self._hears or self._audio_until >= stamp or self._audio_lags()
        return seen and heard

    def _deadline(self, stamp: int) -> int:
        """Tell until which stream time (ns) the faces of an image are waited for."""
        late = stamp + self._faces_late.wait(self._now) + self._patience
        return max(self._images[stamp].announced + self._faces_timeout, late)

    def _audio_lags(self) -> bool:
        if self._clock.is_apart:
            return True
        newest = self._rounds.newest
        newest_image = max(newest.get('image', 0), newest.get('faces', 0))
        heard = newest.get('audio', self._first_image)
        late = self._audio_late.wait(self._now) + self._patience
        return newest_image - heard >= max(self._audio_timeout, late)


def _unsearched(stamp: int, image_size: tuple[int, int]) -> FaceFrame:
    return FaceFrame(stamp, image_size, is_searched=False)
