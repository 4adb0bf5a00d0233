"""A group that shares a store: what one study has prepared, trained or asked, the next one does not do again."""

import json
import os
import re
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.small_encoder import save_small_encoder
from tests.workflow.test_moods import PANEL
from tests.workflow.workspace import SURVEY, Workspace

# The second study has each twice, the same in all but its name: names do not count in the store's keys.
CONDITIONS, PANELS = ("full", "everyone"), ("posts", "letters")
ARMS = ("small/tuned", "small/zero-shot", "bert/classifier")
PREDICTIONS = {
    condition: [
        f"results/surveys/{SURVEY}/predictions/{arm}/{condition}/seed-24.parquet"
        for arm in ARMS
        if arm != "small/zero-shot" or condition == "full"
    ]
    for condition in CONDITIONS
}
ANSWERS = {panel: f"results/panels/{panel}/answers/small.parquet" for panel in PANELS}
OF_BOTH = [*PREDICTIONS["full"], ANSWERS["posts"]]
OF_SECOND = [*PREDICTIONS["everyone"], ANSWERS["letters"]]
TUNED = PREDICTIONS["full"][0]


def begin(folder, model, encoder, store, conditions=CONDITIONS[:1], panels=PANELS[:1]):
    workspace = Workspace.begin(folder, model)
    workspace.config["models"]["bert"] = {
        "source": str(encoder),
        "quantization": "none",
        "compute_dtype": "float32",
        "encoder": True,
    }
    workspace.config["surveys"][SURVEY] |= {
        "conditions": {name: {} for name in conditions},
        "arms": list(ARMS),
    }
    workspace.config["training"]["quick"]["block_size"] = 64
    workspace.config["engine"]["weeks_per_job"] = 3
    workspace.config["panels"] = dict.fromkeys(panels, PANEL)
    workspace.config["run"]["panels"] = list(panels)
    workspace.save()
    results = folder / "results"
    results.mkdir()
    (results / ".store").symlink_to(store)
    return workspace


def contents(workspace):
    return {name: (workspace.folder / name).read_bytes() for name in OF_BOTH}


@pytest.fixture(scope="module")
def group(tmp_path_factory, base_model):
    """Two studies that share a store, run one after the other to their predictions and answers."""
    folder = tmp_path_factory.mktemp("group")
    store = folder / "store"
    store.mkdir()
    encoder = save_small_encoder(folder / "encoder")
    former = os.umask(0o002)
    try:
        first = begin(folder / "first", base_model, encoder, store)
        ended = first.run(*OF_BOTH)
        assert ended.code == 0, ended.terminal
        before = {path: path.stat().st_mtime_ns for path in store.glob("*/*")}
        second = begin(folder / "second", base_model, encoder, store, CONDITIONS, PANELS)
        ended = second.run(*OF_BOTH, *OF_SECOND)
        assert ended.code == 0, ended.terminal
    finally:
        os.umask(former)
    return SimpleNamespace(
        first=first, second=second, store=store, before=before, models=(base_model, encoder)
    )


def test_the_second_study_prepares_trains_and_asks_nothing_and_gets_the_same_bytes(group):
    assert contents(group.second) == contents(group.first)
    after = {path: path.stat().st_mtime_ns for path in group.store.glob("*/*")}
    assert {path: after[path] for path in group.before} == group.before
    # The condition's name stands in its predictions, which is all that the second study has added.
    assert [path.parent.name for path in after.keys() - group.before.keys()] == ["predictions"] * 2
    kinds = {path.parent.name for path in group.before}
    assert {"adapters", "predictions", "answers", "models"} <= kinds
    logs = "".join(log.read_text() for log in (group.second.folder / "logs").rglob("*.log"))
    assert not re.search(r": trained, \d+ steps", logs)


def test_what_is_shared_can_be_read_and_replaced_by_the_group(group):
    shared = list(group.store.rglob("*"))
    assert shared
    for path in shared:
        assert path.stat().st_mode & 0o060 == 0o060, path


def test_what_differs_in_its_name_alone_gets_its_own_results(group):
    for file in [*PREDICTIONS["full"], *PREDICTIONS["everyone"]]:
        table = pd.read_parquet(group.second.folder / file)
        model, arm, condition = file.split("/")[4:7]
        assert set(table.condition) == {condition} and set(table.method) == {f"{model}/{arm}"}
    for panel, file in ANSWERS.items():
        assert set(pd.read_parquet(group.second.folder / file).panel) == {panel}


def test_an_adapter_that_was_deleted_from_the_store_is_trained_again_and_no_other(group, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(group.store, store)
    shutil.rmtree(store / "predictions")
    study = begin(tmp_path / "third", *group.models, store)
    record = group.first.weights("full", 0).with_name("training.json")
    shutil.rmtree(store / "adapters" / json.loads(record.read_text())["key"])
    ended = study.run(TUNED)
    assert ended.code == 0, ended.terminal
    assert (study.folder / TUNED).read_bytes() == (group.first.folder / TUNED).read_bytes()
    log = (study.folder / "logs/train_fold_adapters" / SURVEY / "small/tuned/full/seed-24.log").read_text()
    assert [len(re.findall(pattern, log)) for pattern in ("fold 0: trained", "fold 1: trained")] == [1, 0]
