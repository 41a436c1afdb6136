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

"""Sensors, sound and tracks as entities of rerun."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import rerun as rr

from av_tracker_nodes.geometry import Camera, MicrophoneArray, Rig
from av_tracker_nodes.types import AcousticMap, ImageFrame, Track, TrackFrame, to_nanoseconds
from av_tracker_nodes.viewing import paths
from av_tracker_nodes.viewing.layout import blueprint
from av_tracker_nodes.viewing.palette import colour_of
from av_tracker_nodes.viewing.shapes import (
    GREY,
    HEAD_DIAMETER,
    caption,
    ellipsoid,
    opacity,
    shown_tracks,
)
from av_tracker_nodes.viewing.sound import colour, heat, map_layer, place_map
from av_tracker_nodes.viewing.trails import Trails

_TIMELINE = 'stamp'
_FIRST_DATE = to_nanoseconds(365 * 24 * 3600.0)
"""Stamps (ns) below this are no dates but seconds since a recording began, as simulated ones."""
_JPEG_QUALITY = 90
_IMAGE_DISTANCE = 0.5
_AXES = 0.2
_MICROPHONE_RADIUS = 0.01
_POINT_RADIUS = 0.01
_PEAK_RADIUS = 0.04
_TRAIL_RADIUS = 0.01
_CAPTION_COLOUR, _CAPTION_RADIUS = (0.95, 0.95, 0.95), 0.001
"""Of the points that hold the captions: a caption has the colour of its point."""
_CAPTION_HEIGHT = 0.75 * HEAD_DIAMETER
"""Of a caption above the middle of the head (m)."""
_LEGEND = """
- Large balls are people, one colour an id, pale while they are silent or only remembered; their
  ellipsoids are three standard deviations, their lines the last 75 images.
- Small balls are peaks of sound: yellow is speech, grey is not.
- The glowing sheet is the acoustic map, at the depth of its highest point.
- Grey cages are the truth, where the recording has it.
"""
_FAINT = (0.35, 0.35, 0.35)
"""What the colour of a head fades to."""
_KEPT = to_nanoseconds(0.5)
"""Sound is shown for so long (ns) while nobody listens: to images that are passed over."""
_SPEECH, _NOISE = (1.0, 0.9, 0.3), (0.4, 0.4, 0.4)


class SceneView:
    """Draws everything at its own stamp, in whatever order it comes.

    The entities of a moment replace those of the moment before, so nothing of what has gone stays
    behind. Lens distortion is not drawn: at the edge of the image, heads in space and in the
    picture do not quite meet.

    Parameters
    ----------
    recording : rerun.RecordingStream
    """

    def __init__(self, recording: rr.RecordingStream) -> None:
        self._recording = recording
        self._rig: Rig | None = None
        self._trails = Trails()
        self._plotted: set[int] = set()
        self._heard = -_KEPT
        self._log_always(paths.WORLD, rr.ViewCoordinates.RIGHT_HAND_Z_UP)
        legend = rr.TextDocument(_LEGEND, media_type=rr.MediaType.MARKDOWN)
        self._log_always(paths.LEGEND, legend)

    def draw_rig(self, rig: Rig, stamp: int) -> None:
        """Draw what there is of camera and microphones where it is from a stamp (ns) on.

        The same rig is drawn once.
        """
        if rig is self._rig:
            return
        if self._rig is None:
            self._recording.send_blueprint(blueprint(rig.camera))
        self._rig = rig
        self._at(stamp)
        if rig.camera is not None:
            self._draw_camera(rig.camera)
        if rig.microphones is not None:
            self._draw_array(rig)

    def _draw_array(self, rig: Rig) -> None:
        pose = rig.target_from_array
        self._log(paths.ARRAY, rr.Transform3D(translation=pose.translation, mat3x3=pose.rotation))
        # Azimuth is zero along the red axis and grows towards the green one.
        self._log(paths.ARRAY, rr.TransformAxes3D(_AXES))
        self._draw_microphones(rig.microphones)

    def draw_image(self, frame: ImageFrame) -> None:
        """Draw an image."""
        _, data = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        self.draw_encoded(frame.stamp, data.tobytes(), 'image/jpeg')

    def draw_encoded(self, stamp: int, data: bytes, media_type: str) -> None:
        """Draw an image that is ``image/jpeg`` or ``image/png`` already."""
        self._at(stamp)
        self._log(paths.IMAGE, rr.EncodedImage(contents=data, media_type=media_type))

    def draw_map(self, sound: AcousticMap) -> None:
        """Draw the acoustic map over the image and in space, and the peaks all round.

        Nothing is drawn before the geometry is known.
        """
        if self._rig is None:
            return
        if sound.is_heard:
            self._heard = sound.stamp
        elif not sound.values.size and 0 <= sound.stamp - self._heard < _KEPT:
            # An image that was passed over.
            return
        self._at(sound.stamp)
        if sound.values.size:
            self._draw_layer(sound, self._rig.camera.size)
            self._draw_points(sound, self._rig)
        self._draw_peaks(sound)

    def draw_tracks(self, frame: TrackFrame) -> None:
        """Draw heads, ids, trails, uncertainty and boxes, and plot who speaks."""
        self._at(frame.stamp)
        tracks = shown_tracks(frame)
        self._trails.follow(tracks)
        colours = [colour_of(track.id) for track in tracks]
        self._draw_heads(tracks, colours)
        trails = [self._trails[track.id] for track in tracks]
        self._log(paths.TRAILS, rr.LineStrips3D(trails, colors=colours, radii=_TRAIL_RADIUS))
        self._draw_uncertainty(tracks, colours)
        self._draw_boxes(tracks)
        self._plot(tracks)

    def draw_truth(self, frame: TrackFrame) -> None:
        """Draw where everybody truly is, as cages around the heads."""
        self._at(frame.stamp)
        cages = rr.Ellipsoids3D(
            centers=[track.position for track in frame.tracks],
            half_sizes=np.full((len(frame.tracks), 3), HEAD_DIAMETER / 2),
            colors=GREY,
        )
        self._log(paths.TRUTH, cages)

    def _at(self, stamp: int) -> None:
        if stamp < _FIRST_DATE:
            self._recording.set_time(_TIMELINE, duration=np.timedelta64(stamp, 'ns'))
        else:
            self._recording.set_time(_TIMELINE, timestamp=np.datetime64(stamp, 'ns'))

    def _log(self, path: str, *what: rr.AsComponents) -> None:
        self._recording.log(path, *what)

    def _log_always(self, path: str, *what: rr.AsComponents) -> None:
        self._recording.log(path, *what, static=True)

    # ---- sensors

    def _draw_camera(self, camera: Camera) -> None:
        pose = camera.pose
        self._log(paths.CAMERA, rr.Transform3D(translation=pose.translation, mat3x3=pose.rotation))
        pinhole = rr.Pinhole(
            image_from_camera=camera.matrix,
            resolution=camera.size,
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=_IMAGE_DISTANCE,
        )
        self._log(paths.IMAGE, pinhole)

    def _draw_microphones(self, microphones: MicrophoneArray) -> None:
        points = rr.Points3D(
            microphones.positions,
            colors=[colour_of(int(group) + 1) for group in microphones.groups],
            radii=_MICROPHONE_RADIUS,
            labels=[f'channel {channel}' for channel in microphones.channels],
            show_labels=False,
        )
        self._log(paths.MICROPHONES, points)

    # ---- sound

    def _draw_layer(self, sound: AcousticMap, size: tuple[int, int]) -> None:
        fastest = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        _, data = cv2.imencode('.png', map_layer(sound, size), fastest)
        layer = rr.EncodedImage(contents=data.tobytes(), media_type='image/png', draw_order=1.0)
        self._log(paths.MAP, layer)

    def _draw_points(self, sound: AcousticMap, rig: Rig) -> None:
        shares = heat(sound)
        places = place_map(sound, rig)
        hot = (shares > 0) & np.isfinite(places).all(axis=-1)
        points = rr.Points3D(places[hot], colors=colour(shares)[hot][:, ::-1], radii=_POINT_RADIUS)
        self._log(paths.POINTS, points)

    def _draw_peaks(self, sound: AcousticMap) -> None:
        points = rr.Points3D(
            [peak.position for peak in sound.peaks],
            colors=[_mix(_NOISE, _SPEECH, peak.speech) for peak in sound.peaks],
            radii=_PEAK_RADIUS,
            labels=[f'speech {peak.speech:.0%}' for peak in sound.peaks],
            show_labels=False,
        )
        self._log(paths.PEAKS, points)

    # ---- people

    def _draw_heads(
        self, tracks: Sequence[Track], colours: Sequence[tuple[float, float, float]]
    ) -> None:
        heads = rr.Points3D(
            [track.position for track in tracks],
            colors=[
                _mix(_FAINT, rgb, opacity(track))
                for rgb, track in zip(colours, tracks, strict=True)
            ],
            radii=HEAD_DIAMETER / 2,
        )
        self._log(paths.HEADS, heads)
        above = np.array([0.0, 0.0, _CAPTION_HEIGHT])
        captions = rr.Points3D(
            [track.position + above for track in tracks],
            colors=_CAPTION_COLOUR,
            radii=_CAPTION_RADIUS,
            labels=[caption(track) for track in tracks],
            show_labels=True,
        )
        self._log(paths.CAPTIONS, captions)

    def _draw_uncertainty(
        self, tracks: Sequence[Track], colours: Sequence[tuple[float, float, float]]
    ) -> None:
        shapes = [ellipsoid(track.covariance[:3, :3]) for track in tracks]
        ellipsoids = rr.Ellipsoids3D(
            centers=[track.position for track in tracks],
            half_sizes=[half_axes for half_axes, _ in shapes],
            quaternions=[rr.Quaternion(xyzw=quaternion) for _, quaternion in shapes],
            colors=colours,
        )
        self._log(paths.UNCERTAINTY, ellipsoids)

    def _draw_boxes(self, tracks: Sequence[Track]) -> None:
        seen = [track for track in tracks if track.box is not None]
        boxes = rr.Boxes2D(
            array=np.reshape([track.box for track in seen], (-1, 4)),
            array_format=rr.Box2DFormat.XYWH,
            colors=[colour_of(track.id) for track in seen],
            draw_order=2.0,
        )
        self._log(paths.BOXES, boxes)
        captions = rr.Points2D(
            np.reshape([_foot(track.box) for track in seen], (-1, 2)),
            colors=_CAPTION_COLOUR,
            radii=_CAPTION_RADIUS,
            labels=[str(track.id) for track in seen],
            show_labels=True,
            draw_order=3.0,
        )
        self._log(paths.BOX_CAPTIONS, captions)

    def _plot(self, tracks: Sequence[Track]) -> None:
        """Plot the probability that each speaks; the line of one who goes ends there."""
        here = {track.id for track in tracks}
        for number in self._plotted - here:
            self._log(f'{paths.SPEAKING}/{number}', rr.Clear(recursive=False))
        for track in tracks:
            path = f'{paths.SPEAKING}/{track.id}'
            if track.id not in self._plotted:
                style = rr.SeriesLines(colors=colour_of(track.id), names=f'speaker {track.id}')
                self._log_always(path, style)
            self._log(path, rr.Scalars(track.speaking))
        self._plotted = here


def _foot(box: np.ndarray) -> tuple[float, float]:
    """Return the middle of the lower side of a box (left, top, width, height)."""
    left, top, width, height = box
    return left + width / 2, top + height


def _mix(first: Sequence[float], second: Sequence[float], share: float) -> np.ndarray:
    """Return the colour between two, at a share of 0..1."""
    return (1 - share) * np.asarray(first) + share * np.asarray(second)
