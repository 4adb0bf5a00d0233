"""A group on a cluster: the second study's jobs take the model, its adapters and what they predict from the between-workflow cache."""

from tests.slurm.cluster import rule_of
from tests.slurm.conftest import OnSlurm
from tests.workflow.workspace import Workspace

PREDICTED = "results/surveys/voters/predictions/small/tuned/full/seed-24.parquet"
LISTED = "results/surveys/voters/adapters/small/full-seed-24-fold-0.json"
RULES = ("prepare_model", "train_fold_adapters", "score_respondents")
MADE = (PREDICTED, LISTED, "results/models/small/model.safetensors")


def test_jobs_share_a_model_its_adapters_and_their_predictions(slurm, base_model, tmp_path, monkeypatch):
    store = tmp_path / "store"
    cache = store / "cache"
    cache.mkdir(parents=True)
    store.chmod(0o2770)
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    made = []
    for name in ("first", "second"):
        study = OnSlurm(Workspace.begin(tmp_path / name, base_model), slurm)
        study.results.mkdir()
        (study.results / ".store").symlink_to(store)
        ended = study.run(PREDICTED, "--cache", *RULES)
        assert ended.code == 0, ended.terminal
        # Snakemake looks into the cache where a job runs.
        assert sorted(rule_of(job) for job in study.jobs()) == sorted(RULES)
        assert {(study.folder / path).resolve().parent for path in MADE} == {cache}
        made.append({path: (study.folder / path).read_bytes() for path in MADE})
        for rule in RULES:
            # Empty, if no script ran.
            (log,) = study.folder.glob(f"logs/{rule}/**/*.log")
            (cost,) = study.folder.glob(f"benchmarks/{rule}/**/*.tsv")
            assert [bool(file.read_text()) for file in (log, cost)] == [name == "first"] * 2, rule
    assert made[0] == made[1]
