import json

from stimmung.report.costs import costs_of, costs_part, devices_of, names_of
from stimmung.report.page import Section, render_page

NAMES = {"gles": {"a", "full"}}
HEADER = "s\th:m:s\tmax_rss\tcpu_time\n"


def benchmark(folder, place, *values):
    file = folder / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER + "\t".join(values) + "\n")


def test_hours_add_up_by_rule_and_other_studies_do_not_count(tmp_path):
    benchmark(tmp_path, "train_fold_adapters/gles/a/full/seed-1.tsv", "1800", "0:30:00", "500.2", "1700")
    benchmark(tmp_path, "train_fold_adapters/gles/a/full/seed-2.tsv", "5400", "1:30:00", "900.4", "5000")
    benchmark(tmp_path, "train_fold_adapters/anes/a/full/seed-1.tsv", "9999", "2:46:39", "1", "1")
    benchmark(tmp_path, "read_survey/gles.tsv", "36", "0:00:36", "NA", "-")
    found = costs_of(tmp_path, NAMES, ["NVIDIA H100", "cpu", "NVIDIA H100"])
    assert found["gpus"] == ["NVIDIA H100"]
    trained, read = found["rules"]["train_fold_adapters"], found["rules"]["read_survey"]
    assert trained == {
        "jobs": 2,
        "wall_hours": 2.0,
        "cpu_hours": 1.86111,
        "gpu_hours": 2.0,
        "peak_memory_mb": 900,
    }
    assert read == {"jobs": 1, "wall_hours": 0.01, "cpu_hours": 0.0, "gpu_hours": 0.0, "peak_memory_mb": 0}
    assert costs_of(tmp_path, NAMES, ["cpu"])["rules"]["train_fold_adapters"]["gpu_hours"] == 0


def test_fault_vv_jobs_of_models_and_conditions_that_the_config_does_not_use_do_not_count(tmp_path):
    config = {
        "run": {"surveys": ["gles"], "panels": ["moods"]},
        "models": {"llama-3.2": {"source": "org/llama"}, "other": {"source": "built-in"}},
        "surveys": {"gles": {"arms": ["llama-3.2/tuned"], "conditions": {"full": {}}}},
        "panels": {"moods": {"arms": ["llama-3.2/weekly"]}},
    }
    row = ("3600", "1:00:00", "1", "1")
    counted = (
        "prepare_model/llama-3.2",
        "train_fold_adapters/gles/llama-3.2/tuned/full/seed-1",
        "train_week_adapters/moods/llama-3.2/2020-01-02",
        "plot_votes/gles/svg",
    )
    others = (
        "prepare_model/other",
        "build_tiny/tiny",
        "train_fold_adapters/gles/other/tuned/full/seed-1",
        "train_fold_adapters/gles/llama-3.2/tuned/share-10/seed-1",
        "train_week_adapters/moods/other/2020-01-02",
    )
    for place in (*counted, *others):
        benchmark(tmp_path, f"{place}.tsv", *row)
    found = costs_of(tmp_path, names_of(config), [])["rules"]
    assert {rule: one["jobs"] for rule, one in found.items()} == {
        place.split("/")[0]: 1 for place in sorted(counted)
    }
    config["surveys"]["gles"]["arms"] = ["other/tuned"]
    assert "build_tiny" in costs_of(tmp_path, names_of(config), [])["rules"], "a built-in model is built once"


def test_the_report_shows_every_rule_and_the_sum(tmp_path):
    benchmark(tmp_path, "score_respondents/gles/a.tsv", "7200", "2:00:00", "1500", "3600")
    benchmark(tmp_path, "read_survey/gles.tsv", "1800", "0:30:00", "100", "1800")
    page = render_page("t", "s", [], [Section("run", "r", [costs_part(costs_of(tmp_path, NAMES, ["A100"]))])])
    for mark in ("score_respondents", "2.50", "1.50", "2.00", "1,500", "A100"):
        assert mark in page, mark


def test_a_study_of_minutes_is_told_in_minutes(tmp_path):
    benchmark(tmp_path, "score_respondents/gles/a.tsv", "90", "0:01:30", "100", "45")
    page = render_page("t", "s", [], [Section("run", "r", [costs_part(costs_of(tmp_path, NAMES, []))])])
    for mark in ("wall minutes", "1.50", "0.75"):
        assert mark in page, mark


def test_the_device_of_every_adapter_is_known(tmp_path):
    for name, device in (("a", "cpu"), ("b", "NVIDIA A100")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "training.json").write_text(json.dumps({"device": device}))
    assert devices_of(tmp_path.rglob("training.json")) == {"cpu", "NVIDIA A100"}


def test_jobs_of_each_target_count_and_those_of_a_dropped_target_do_not(tmp_path):
    survey = {"arms": ["tiny/tuned"], "conditions": {"full": {}}, "targets": ["trust", "party"]}
    config = {"run": {"surveys": ["ess"]}, "models": {}, "surveys": {"ess": survey}}
    for item in ("trust", "party", "vote"):
        place = f"score_respondents/ess/targets/{item}/tiny/tuned/full/seed-1.tsv"
        benchmark(tmp_path, place, "3600", "1:00:00", "1", "1")
    assert costs_of(tmp_path, names_of(config), [])["rules"]["score_respondents"]["jobs"] == 2


def test_baselines_of_what_is_left_out_and_files_of_predictions_count(tmp_path):
    survey = {"arms": ["tiny/tuned"], "conditions": {"gap": {}}, "targets": ["trust", "party"]}
    survey["predictions"] = {"gpt": {}}
    config = {"run": {"surveys": ["ess"]}, "models": {}, "surveys": {"ess": survey}}
    for place in (
        "predict_left_out/ess/targets/trust/trend/gap",
        "read_predictions/ess/targets/trust/gpt/gap",
    ):
        benchmark(tmp_path, f"{place}/seed-1.tsv", "3600", "1:00:00", "1", "1")
    assert set(costs_of(tmp_path, names_of(config), [])["rules"]) == {"predict_left_out", "read_predictions"}
