"""A group on a cluster: the second study's jobs take the model, its adapters and what they predict from the store."""

from tests.slurm.cluster import rule_of
from tests.slurm.conftest import ADAPTERS, OnSlurm
from tests.workflow.workspace import Workspace

PREDICTED = "results/surveys/voters/predictions/small/tuned/full/seed-24.parquet"
MADE = (PREDICTED, f"{ADAPTERS}/fold-1/adapter_model.safetensors", "results/models/small/model.safetensors")


def test_jobs_share_a_model_its_adapters_and_their_predictions(slurm, base_model, tmp_path):
    store = tmp_path / "store"
    store.mkdir(mode=0o2770)
    made, kept = [], []
    for name in ("first", "second"):
        study = OnSlurm(Workspace.begin(tmp_path / name, base_model), slurm)
        study.results.mkdir()
        (study.results / ".store").symlink_to(store)
        ended = study.run(PREDICTED)
        assert ended.code == 0, ended.terminal
        assert {"prepare_model", "train_fold_adapters", "score_respondents"} <= {
            rule_of(job) for job in study.jobs()
        }
        made.append({path: (study.folder / path).read_bytes() for path in MADE})
        kept.append({path: path.stat().st_mtime_ns for path in store.glob("*/*")})
    assert made[0] == made[1] and kept[0] == kept[1] != {}
