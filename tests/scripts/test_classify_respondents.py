"""What the classifiers predict is tested beside their training; here is what a damaged one does."""

import pytest

from stimmung.vocabulary.errors import InputError
from tests.scripts.test_train_fold_classifiers import predict
from tests.small_encoder import prepare_small_encoder


def test_a_classifier_that_a_full_disk_has_cut_off_is_named(small_study, tmp_path):
    base, adapter = prepare_small_encoder(tmp_path), tmp_path / "fold-0"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "training.json").write_text('{"key": "abc"}')
    with pytest.raises(InputError, match=r"no whole adapter in .*fold-0, nor in the store"):
        predict(small_study, base, [adapter, adapter], tmp_path / "predictions.parquet")
    assert not (tmp_path / "predictions.parquet").exists()
