# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

"""What belongs together in time: a buffer by stamp, and when a cycle is complete.

Nothing here reads a clock. Time passes only with the stamps of the input, so a recording gives
the same cycles however fast it is replayed, live or offline.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from av_tracker_nodes.types import JUMP, AudioBlock, FaceFrame, ImageFrame, to_nanoseconds

_FOREVER = 1e9

Value = TypeVar('Value')


def shift_sound(record: AudioBlock | ImageFrame, seconds: float) -> AudioBlock | ImageFrame:
    """Add the audio offset (s) to the stamp of a block of sound; images stay as they are.

    It makes up for a constant difference between the clocks of sound and images, as
    ``av-tracker check sync`` measures it.
    """
    if isinstance(record, ImageFrame) or seconds == 0:
        return record
    return replace(record, stamp=record.stamp + to_nanoseconds(seconds))


class StampedBuffer(Generic[Value]):
    """Values by stamp, in order, none older than `span` before the newest.

    Parameters
    ----------
    span : int
        How long values are kept (ns).
    """

    def __init__(self, span: int) -> None:
        self.span = span
        self._stamps: list[int] = []
        self._values: list[Value] = []

    def __len__(self) -> int:
        return len(self._stamps)

    @property
    def newest(self) -> int | None:
        """Stamp of the newest value (ns), None when there is none."""
        return self._stamps[-1] if self._stamps else None

    def add(self, stamp: int, value: Value) -> None:
        """Insert a value; one of the same stamp is replaced, a jump back clears the rest."""
        if self._stamps and stamp < self._stamps[-1] - JUMP:
            self.clear()
        index = bisect_left(self._stamps, stamp)
        if index < len(self._stamps) and self._stamps[index] == stamp:
            self._values[index] = value
            return
        self._stamps.insert(index, stamp)
        self._values.insert(index, value)
        expired = bisect_left(self._stamps, self._stamps[-1] - self.span)
        del self._stamps[:expired], self._values[:expired]

    def at(self, stamp: int) -> Value | None:
        """Return the value of exactly this stamp, None when there is none."""
        index = bisect_left(self._stamps, stamp)
        found = index < len(self._stamps) and self._stamps[index] == stamp
        return self._values[index] if found else None

    def around(self, stamp: int) -> tuple[tuple[int, Value] | None, tuple[int, Value] | None]:
        """Return the last item not after `stamp` and the first not before it, None for neither."""
        before = bisect_right(self._stamps, stamp) - 1
        after = bisect_left(self._stamps, stamp)
        return self._item(before), self._item(after)

    def between(self, start: int, end: int) -> list[tuple[int, Value]]:
        """Return the items with ``start <= stamp < end``, in order."""
        first, last = bisect_left(self._stamps, start), bisect_left(self._stamps, end)
        return list(zip(self._stamps[first:last], self._values[first:last], strict=True))

    def clear(self) -> None:
        """Forget everything."""
        self._stamps.clear()
        self._values.clear()

    def _item(self, index: int) -> tuple[int, Value] | None:
        if 0 <= index < len(self._stamps):
            return self._stamps[index], self._values[index]
        return None


def drop_before_jump(queues: Iterable[dict[int, Any]], newest: int, jumped_to: int) -> None:
    """Drop from queues by stamp what is from before a jump.

    Parameters
    ----------
    queues : iterable of dict
        Values by stamp (ns).
    newest, jumped_to : int
        The newest stamp before the jump and the first after it (ns). What is nearer to the latter
        is kept: one stream jumps earlier than another.
    """
    for queue in queues:
        for stamp in [s for s in queue if abs(s - newest) < abs(s - jumped_to)]:
            del queue[stamp]


@dataclass(frozen=True)
class Cycle:
    """One turn of the chain: the faces of an image, or an instant of sound alone."""

    faces: FaceFrame
    from_image: bool


@dataclass
class _Image:
    """An image that awaits its cycle; `deadline` is the stream time to wait for its faces."""

    size: tuple[int, int]
    deadline: int
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

    `patience` is added to all the waiting. Zero, for a robot, answers at the earliest; a second,
    for replaying a recording, is longer than any hitch of transport, so that nothing recorded
    is taken for lost. In either case the cycles are those of the stamps; patience changes when
    they come, and only late input can tell the difference.

    Faces that come after the cycle of their image, or a later one, has fired are counted in
    `late` and not used. A stream that falls back by more than `JUMP` (a recording that loops)
    resets everything; what other streams still deliver from before the jump is ignored.

    Parameters
    ----------
    faces_timeout, audio_timeout, audio_only_after, audio_only_period, patience : float
        Seconds; an infinite `faces_timeout` waits for ever.
    hears : bool
        False where no sound is wanted: images do not wait for any.

    Attributes
    ----------
    late : int
        Face frames that came too late for their cycle.
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
    ) -> None:
        self._hears = hears
        self.late = 0
        self.resets = 0
        self.wait_for(faces_timeout, audio_timeout, patience)
        self._audio_only_after = to_nanoseconds(audio_only_after)
        self._audio_only_period = to_nanoseconds(audio_only_period)
        self._image_size = (0, 0)
        self._before_jump: int | None = None
        self._forget()

    def wait_for(self, faces_timeout: float, audio_timeout: float, patience: float) -> None:
        """Set how long (s) is waited, for images that come from now on."""
        self._patience = to_nanoseconds(patience)
        self._faces_timeout = to_nanoseconds(min(faces_timeout, _FOREVER)) + self._patience
        self._audio_timeout = to_nanoseconds(audio_timeout) + self._patience

    def reset(self) -> None:
        """Start anew, as for another recording."""
        self._before_jump = None
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
        """Tell of an image and its size (width, height); a repeated stamp changes nothing."""
        if not self._accept('image', stamp):
            return []
        self._announce(stamp, image_size or self._image_size)
        return self._fire()

    def faces(self, frame: FaceFrame) -> list[Cycle]:
        """Tell of the faces of an image, announced before or not."""
        if not self._accept('faces', frame.stamp):
            return []
        if self._has_passed(frame.stamp):
            self.late += 1
            return []
        self._announce(frame.stamp, frame.image_size)
        for stamp, image in self._images.items():
            if stamp == frame.stamp:
                image.faces = frame
                break
            image.passed_over = True
        return self._fire()

    def audio_until(self, stamp: int) -> list[Cycle]:
        """Tell that all samples taken before `stamp` have come."""
        if not self._accept('audio', stamp):
            return []
        heard = self._newest.get('audio')
        if heard is None or stamp > heard + JUMP:
            self._audio_since = stamp
        if self._next_audio_only is None and not self._images:
            self._next_audio_only = stamp + self._audio_only_after
        self._newest['audio'] = max(stamp, heard or stamp)
        return self._fire()

    def flush(self) -> list[Cycle]:
        """Return every cycle that still waits: the recording has ended or the input stopped."""
        return self._fire(force=True)

    def _forget(self) -> None:
        self._images: dict[int, _Image] = {}
        self._newest: dict[str, int] = {}
        self._first_image: int | None = None
        self._fired: int | None = None
        self._next_audio_only: int | None = None
        self._audio_since = 0

    def _accept(self, stream: str, stamp: int) -> bool:
        """Note the stamp of a stream; False for what is left over from before a jump."""
        if self._is_left_over(stamp):
            return False
        if stamp < self._newest.get(stream, stamp) - JUMP:
            self.resets += 1
            self._before_jump = self._stream_time
            self._forget()
        if stream != 'audio':
            self._newest[stream] = max(stamp, self._newest.get(stream, stamp))
        return True

    def _is_left_over(self, stamp: int) -> bool:
        """Nearer to the time before the jump than to the time now, and not well beyond it."""
        now = self._stream_time
        if self._before_jump is None or now is None:
            return False
        caught_up = now > self._before_jump - JUMP
        if caught_up or stamp > self._before_jump + JUMP:
            self._before_jump = None
            return False
        return abs(stamp - self._before_jump) < abs(stamp - now)

    @property
    def _stream_time(self) -> int | None:
        return max(self._newest.values(), default=None)

    @property
    def _audio_until(self) -> int:
        return self._newest.get('audio', -1)

    def _announce(self, stamp: int, size: tuple[int, int]) -> None:
        if stamp in self._images or self._has_passed(stamp):
            return
        self._image_size = size
        self._images[stamp] = _Image(size, self._stream_time + self._faces_timeout)
        if self._first_image is None:
            self._first_image = stamp

    def _has_passed(self, stamp: int) -> bool:
        """Tell whether cycles are beyond an image; if so, it still shows that images come."""
        if self._fired is None or stamp > self._fired:
            return False
        if self._next_audio_only is not None:
            # Sound alone is faster than images, and would outrun them for ever.
            held = stamp + self._audio_only_after
            self._next_audio_only = max(self._next_audio_only, held)
        return True

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
            needed = alone + (self._patience if first is None and not force else 0)
            if self._audio_until >= needed:
                self._fired = alone
                self._next_audio_only = alone + self._audio_only_period
                return Cycle(FaceFrame(alone, self._image_size), from_image=False)
        if first is None or not (force or self._is_complete(first)):
            return None
        self._fired = first
        self._next_audio_only = first + self._audio_only_after
        image = self._images.pop(first)
        return Cycle(image.faces or FaceFrame(first, image.size), from_image=True)

    def _is_complete(self, stamp: int) -> bool:
        image = self._images[stamp]
        seen = image.faces is not None or image.passed_over or self._stream_time >= image.deadline
        heard = not self._hears or self._audio_until >= stamp or self._audio_lags()
        return seen and heard

    def _audio_lags(self) -> bool:
        newest_image = max(self._newest.get('image', 0), self._newest.get('faces', 0))
        heard = self._newest.get('audio', self._first_image)
        return newest_image - heard >= self._audio_timeout


class ClockCheck:
    """Placeholder."""

    problem = None

    def note(self, stream, stamp, at):
        """Placeholder."""
