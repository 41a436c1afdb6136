# Copyright 2026 The av_tracker authors
# SPDX-License-Identifier: Apache-2.0

import shutil

import mini_corpus
import pytest


@pytest.fixture(scope='session')
def whole_corpus(tmp_path_factory):
    """Root of a corpus that no test may change."""
    root = tmp_path_factory.mktemp('av163')
    mini_corpus.write_sequence(root)
    return root


@pytest.fixture
def corpus(whole_corpus, tmp_path):
    """Root of a corpus to damage."""
    return shutil.copytree(whole_corpus, tmp_path / 'AV163')
