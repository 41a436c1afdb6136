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

"""What docs/security.md says of the code: nothing that is loaded is run, nothing listens."""

import ast
from pathlib import Path

import onnx
import pytest
from bootstrap import ROOT
from lxml import etree

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.geometry.calibration import load_camera, load_microphones
from av_tracker_nodes.launching.node_set import STAGES, node_set
from av_tracker_nodes.models.zoo import PACKAGED_MODELS

PACKAGE = ROOT / 'src' / 'av_tracker_nodes' / 'av_tracker_nodes'
SOURCES = {
    path.relative_to(ROOT): path.read_text(encoding='utf-8')
    for folder in (PACKAGE, ROOT / 'scripts', ROOT / 'launch', ROOT / 'examples')
    for path in sorted(folder.rglob('*.py'))
}
RUN_WHAT_THEY_LOAD = {'pickle', 'cPickle', 'dill', 'cloudpickle', 'joblib', 'marshal', 'shelve'}
HARMLESS = {'pickle.UnpicklingError'}
RUN_TEXT = {
    'eval',
    'exec',
    'compile',
    '__import__',
    'os.system',
    'os.popen',
    'subprocess.getoutput',
    'subprocess.getstatusoutput',
    'torch.hub.load',
    'torch.jit.load',
}
SAFE_YAML = {'safe_load', 'safe_dump', 'SafeLoader', 'YAMLError'}
SAFE_YAML |= {'Node', 'CollectionNode', 'SequenceNode'}
"""A SafeLoader makes plain values, and nothing else."""
REQUIRED = {'np.load': ('allow_pickle', False), 'torch.load': ('weights_only', True)}
IMPORT_BY_NAME = {
    'av_tracker_nodes/__init__.py': 'the homes of the public names',
    'cli/main.py': 'the modules of our commands',
    'nodes/av_tracker_all.py': 'the names of our nodes',
    'nodes/conversions.py': 'the packages of messages of our nodes and in a bag',
    'networks/__init__.py': 'the networks of our fusion models',
    'scripts/write_params.py': 'the names of our nodes',
}
NETWORK = {'socket', 'socketserver', 'http', 'urllib.request', 'ftplib', 'requests', 'asyncio'}
NETWORK_CLIENTS = {'mjpeg.py'}


def imported(tree):
    """Full names of everything that is imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def is_within(name, packages):
    return any(name == package or name.startswith(f'{package}.') for package in packages)


def keyword(call, name):
    """Value of a keyword that is written out; None for another one, or without it."""
    values = (k.value for k in call.keywords if k.arg == name)
    return next((v.value for v in values if isinstance(v, ast.Constant)), None)


def objections(source):
    """What in a file could run what comes from elsewhere."""
    tree = ast.parse(source)
    for name in imported(tree):
        if is_within(name, RUN_WHAT_THEY_LOAD) and name not in HARMLESS:
            yield f'import {name}'
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == 'yaml':
            if node.attr not in SAFE_YAML:
                yield f'yaml.{node.attr}'
        elif isinstance(node, ast.Call):
            yield from call_objections(node)


def call_objections(call):
    name = ast.unparse(call.func).replace('numpy.', 'np.')
    if name in RUN_TEXT or name.endswith(('.read_pickle', '.register_custom_ops_library')):
        yield name
    if name in REQUIRED:
        option, value = REQUIRED[name]
        if keyword(call, option) is not value:
            yield f'{name} without {option}={value}'
    for option in ('shell', 'allow_pickle', 'trust_remote_code'):
        if keyword(call, option):
            yield f'{name} with {option}'


def test_nothing_that_is_loaded_is_run():
    found = {str(path): list(objections(source)) for path, source in SOURCES.items()}
    assert {path: objected for path, objected in found.items() if objected} == {}


def importers(packages):
    """Files that import any of the packages."""
    return {
        path
        for path, source in SOURCES.items()
        if any(is_within(name, packages) for name in imported(ast.parse(source)))
    }


def test_one_place_loads_the_runtime_of_networks_which_would_report_its_use():
    assert importers({'onnxruntime'}) == {(PACKAGE / 'models/zoo.py').relative_to(ROOT)}


@pytest.mark.parametrize(
    'source',
    [
        'import pickle',
        'from joblib import load',
        'yaml.load(text)',
        'yaml.load(text, Loader=yaml.Loader)',
        'yaml.load(text, Loader=yaml.SafeLoader)',
        'class Mine(yaml.UnsafeLoader): ...',
        'np.load(path)',
        'numpy.load(path, allow_pickle=True)',
        'torch.load(path)',
        'torch.load(path, weights_only=False)',
        'torch.load(path, weights_only=choice)',
        'subprocess.run(text, shell=True)',
        'eval(text)',
        'os.system(text)',
        'pandas.read_pickle(path)',
    ],
)
def test_what_would_run_it_is_found(source):
    assert list(objections(source))


def test_harmless_calls_are_let_pass():
    source = 'network.eval()\nnp.load(p, allow_pickle=False)\ntorch.load(p, weights_only=True)'
    assert list(objections(source)) == []


def test_modules_are_imported_by_name_in_known_places_alone():
    found = {path for path, source in SOURCES.items() if 'import_module(' in source}
    assert {f'{path.parent.name}/{path.name}' for path in found} == set(IMPORT_BY_NAME)


def test_only_the_network_camera_talks_to_the_network_and_nothing_listens():
    assert {path.name for path in importers(NETWORK)} == NETWORK_CLIENTS


@pytest.mark.parametrize('load', [load_camera, load_microphones])
@pytest.mark.parametrize(
    'text', ['!!python/object/apply:pathlib.Path.touch [{path}]', 'a: !!python/name:os.system']
)
def test_a_calibration_cannot_run_anything(tmp_path, load, text):
    file, touched = tmp_path / 'calibration.yaml', tmp_path / 'touched'
    file.write_text(text.format(path=touched))
    with pytest.raises(InputError):
        load(file)
    assert not touched.exists()


def test_our_networks_are_whole_and_of_standard_operators():
    shipped = sorted((ROOT / 'models').rglob('*.onnx'))
    assert shipped
    for path in (*shipped, *(model.verified() for model in PACKAGED_MODELS)):
        model = onnx.load(path, load_external_data=False)
        assert not [w.name for w in model.graph.initializer if w.external_data], path
        assert {node.domain for node in model.graph.node} <= {'', 'ai.onnx'}, path


def test_nothing_is_kept_or_told_of_persons_unless_it_is_asked_for():
    """No recorder, no files, no beams, no /humans."""
    specs = node_set({'start_camera': 'false', 'start_microphones': 'false'})
    assert [spec.name for spec in specs] == list(STAGES)


class LocalSchemas(etree.Resolver):
    """Stands in for the schema of XML's own attributes, which that of SROS2 takes from the web."""

    def resolve(self, url, public_id, context):
        if url.endswith('/xml.xsd'):
            return self.resolve_string(XML_ATTRIBUTES, context)
        return None


XML_ATTRIBUTES = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
    targetNamespace="http://www.w3.org/XML/1998/namespace">
  <xs:attribute name="base" type="xs:anyURI"/>
</xs:schema>
"""


def test_the_policy_is_one_of_sros2():
    parser = etree.XMLParser()
    parser.resolvers.add(LocalSchemas())
    schema = etree.XMLSchema(etree.parse(Path(__file__).with_name('sros2_policy.xsd'), parser))
    policy = etree.parse(ROOT / 'security' / 'policy.xml')
    policy.xinclude()
    schema.assertValid(policy)
    # `ros2 security generate_artifacts` stumbles over a comment here.
    assert {enclave.tag for enclave in policy.find('enclaves')} == {'enclave'}
    policy.find('.//topics').set('publish', 'PERHAPS')
    assert not schema.validate(policy)
