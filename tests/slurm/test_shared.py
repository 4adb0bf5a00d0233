"""A group on a cluster: the second study's job takes the model from the between-workflow cache."""

from tests.slurm.cluster import rule_of
from tests.slurm.conftest import OnSlurm
from tests.workflow.workspace import Workspace

PREPARE = ("--cache", "build_tiny", "prepare_model", "--until", "prepare_model")


def test_jobs_share_a_prepared_model(slurm, base_model, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    made = []
    for name in ("first", "second"):
        study = OnSlurm(Workspace.begin(tmp_path / name, base_model), slurm)
        ended = study.run(*PREPARE)
        assert ended.code == 0, ended.terminal
        assert [rule_of(job) for job in study.jobs()] == ["prepare_model"]
        folder = study.results / "models/small"
        assert {path.resolve().parent for path in folder.iterdir()} == {cache}
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
        # Empty, if no script ran.
        log = study.folder / "logs/prepare_model/small.log"
        cost = study.folder / "benchmarks/prepare_model/small.tsv"
        assert [bool(file.read_text()) for file in (log, cost)] == [name == "first"] * 2
    assert made[0] == made[1] and len(made[0]) == 5
