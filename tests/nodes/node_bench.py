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

"""What goes into a node and comes out of it, without a graph."""

import inspect

from tf2_msgs.msg import TFMessage

from av_tracker_nodes.geometry import RigidTransform
from av_tracker_nodes.nodes import conversions


class Kept(list):
    """A publisher that keeps what is sent, and has so many listeners."""

    def __init__(self, listeners=0):
        super().__init__()
        self.listeners = listeners

    publish = list.append

    def get_subscription_count(self):
        return self.listeners


def topics(node):
    """What a node listens to."""
    return {each.topic_name for each in node.subscriptions}


def tell(node, topic, message):
    """Give a node a message, as its subscriptions to a topic do."""
    found = [each for each in node.subscriptions if each.topic_name.endswith(f'/{topic}')]
    assert found, f'nobody listens to {topic}'
    for callback in (each.callback for each in found):
        callback(*(message, {})[: len(inspect.signature(callback).parameters)])


def ask(node, name, **request):
    """Call a service of a node."""
    (service,) = (each for each in node.services if each.srv_name.endswith(f'/{name}'))
    kind = service.srv_type
    return service.callback(kind.Request(**request), kind.Response())


def tick(node):
    """Let every timer of a node fire once."""
    for timer in list(node.timers):
        timer.callback()


def facts_of(node):
    """What a node says in its diagnostics."""
    return {value.key: value.value for value in node.diagnose().values}


def install(node, camera=None, array=None, array_pose=None, frame='world'):
    """Tell a node of its sensors, and of where they are in a frame."""
    poses = {'camera': camera and camera.pose, 'array': array and (array_pose or RigidTransform())}
    transforms = [
        conversions.to_transform(frame, name, pose, 0) for name, pose in poses.items() if pose
    ]
    tell(node, 'tf_static', TFMessage(transforms=transforms))
    if camera:
        tell(node, 'camera_info', conversions.to_camera_info(camera, 0, 'camera'))
    if array:
        tell(node, 'array_info', conversions.to_array_info(array, 0, 'array'))


def catch(monkeypatch, module, name):
    """Return the list of what a module makes of a class or a function from now on."""
    kind, caught = getattr(module, name), []

    def make(*arguments, **options):
        caught.append(kind(*arguments, **options))
        return caught[-1]

    if isinstance(kind, type):

        class Caught(kind):
            def __init__(self, *arguments, **options):
                super().__init__(*arguments, **options)
                caught.append(self)

    monkeypatch.setattr(module, name, Caught if isinstance(kind, type) else make)
    return caught
