"""The config: every mistake is told with its place, all at once, and a near name is offered."""

import copy
from pathlib import Path

import pytest
import yaml

from stimmung.study.reading import load_codebook
from stimmung.study.study import load_study
from stimmung.vocabulary.errors import InputError
from stimmung.workflow.startup import study_or_exit

ROOT = Path(__file__).parents[3]
DEMO = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
ANES = "anes1996"


@pytest.fixture
def config():
    return copy.deepcopy(DEMO)


def told(config):
    with pytest.raises(InputError) as error:
        load_study(config, ROOT)
    assert "\n" not in error.value.what
    return error.value.what


def test_the_demo_s_config_is_a_study(config):
    study = load_study(config, ROOT)
    assert ANES in study.selected_surveys()
    assert "tiny" in study.selected_models()
    assert config == DEMO, "the config that Snakemake holds must not be changed"


@pytest.mark.parametrize(
    ("path", "wrong", "meant"),
    [
        (["surveys", ANES], "few_shots_k", "few_shot_k"),
        (["training", "tiny-votes"], "learningrate", "learning_rate"),
        (["models", "tiny"], "quantisation", "quantization"),
        (["surveys", ANES, "conditions", "full"], "exclud", "exclude"),
        (["engine"], "checkpoint_minute", "checkpoint_minutes"),
        ([], "survey", "surveys"),
    ],
)
def test_a_misspelt_key_is_named_with_its_place_and_a_near_one(config, path, wrong, meant):
    inner = config
    for key in path:
        inner = inner[key]
    inner[wrong] = 1
    assert f"unknown key '{'.'.join([*path, wrong])}' (did you mean '{meant}'?)" in told(config)


def test_all_mistakes_are_told_at_once(config):
    config["folds"] = 1
    config["scoring"]["readout"] = "last-token"
    config["surveys"][ANES]["arms"] = ["tiny"]
    message = told(config)
    assert "folds: " in message and "scoring.readout: " in message
    assert "arm 'tiny' is not MODEL/tuned" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c["run"].update(surveys=["anes1966"]),
            "run.surveys: no survey 'anes1966' (did you mean 'anes1996'?)",
        ),
        (
            lambda c: c["surveys"][ANES].update(training="tiny-vote"),
            "no preset 'tiny-vote' (did you mean 'tiny-votes'?)",
        ),
        (lambda c: c["surveys"][ANES].update(arms=["tny/tuned"], conditions={"full": {}}), "no model 'tny'"),
        (lambda c: c["surveys"][ANES].update(conditions={}), "conditions: needs at least one"),
        (lambda c: c["surveys"][ANES].update(language="fr"), "language: 'fr' is not in the codebook"),
        (
            lambda c: c["surveys"][ANES]["conditions"]["full"].update(drop_items=["partyid"]),
            "conditions.full.drop_items: no predictor 'partyid' in the codebook (did you mean 'party_id'?)",
        ),
        (
            lambda c: c["surveys"][ANES]["conditions"]["full"].update(
                exclude={"party_id": ["strong democrat"]}
            ),
            "no answer 'strong democrat' (did you mean 'strong Democrat'?)",
        ),
        (
            lambda c: c["models"]["tiny"].update(source="meta-llama/Llama-3.2-1B"),
            "needs a 'revision' of 40 hex digits",
        ),
        (
            lambda c: c["training"]["tiny-votes"].update(num_train_epochs=3),
            "exactly one of num_train_epochs and max_steps",
        ),
        (lambda c: c["run"].update(baselines=["logit"]), "run.baselines"),
    ],
)
def test_names_must_resolve(config, change, message):
    change(config)
    assert message in told(config)


def test_a_list_of_allowed_names_is_shown_for_a_wrong_choice(config):
    config["models"]["tiny"]["quantization"] = "nf8"
    message = told(config)
    assert "models.tiny.quantization" in message and "'nf4'" in message


def test_conditions_that_drop_the_same_items_share_prompts_and_a_zero_shot_arm_runs_once(config):
    survey = load_study(config, ROOT).surveys[ANES]
    assert survey.prompt_twin("share-10") == "full"
    assert survey.prompt_twin("without-party") == "without-party"
    for condition in survey.conditions:
        runs = "tiny/zero-shot" in survey.arms_of(condition)
        assert runs == (condition in ("full", "without-party"))
    files = survey.prediction_files(ANES, ["majority"])
    assert len(files) == len(set(files))
    assert f"results/surveys/{ANES}/predictions/baselines/majority/share-10/seed-24.parquet" in files


def test_only_methods_that_learn_or_draw_run_with_every_seed(config):
    config["surveys"][ANES]["seeds"] = [24, 25, 26]
    files = load_study(config, ROOT).surveys[ANES].prediction_files(ANES, ["logistic"])
    seeds = {
        method: {file.rsplit("-", 1)[1] for file in files if f"/{method}/full/" in file}
        for method in ("tiny/tuned", "tiny/few-shot", "baselines/logistic", "tiny/zero-shot")
    }
    assert seeds.pop("tiny/zero-shot") == {"24.parquet"}
    assert set(map(len, seeds.values())) == {3}


def test_the_trainer_is_told_how_to_pace_itself_and_nothing_else(config):
    assert set(load_study(config, ROOT).engine.pace()) == {"cohort", "adapters_at_once", "checkpoint_minutes"}


def test_the_snakefile_ends_with_one_line_and_exit_code_1(config, capsys):
    config["fold"] = 5
    with pytest.raises(SystemExit) as stop:
        study_or_exit(config)
    assert stop.value.code == 1
    assert capsys.readouterr().err.startswith("ERROR: config: unknown key 'fold' (did you mean 'folds'?)\n")


def test_a_codebook_that_is_absent_or_no_yaml_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no codebook at .*nowhere\.yaml"):
        load_codebook(tmp_path / "nowhere.yaml")
    (tmp_path / "broken.yaml").write_text("items: [")
    with pytest.raises(InputError, match=r"broken\.yaml is not valid YAML"):
        load_codebook(tmp_path / "broken.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(InputError, match=r"empty\.yaml"):
        load_codebook(tmp_path / "empty.yaml")


SERVER = {"url": "http://localhost:8000/v1", "model": "llama"}


def test_an_endpoint_stands_in_arms_like_a_model_and_needs_no_base(config):
    config["endpoints"] = {"server": SERVER}
    config["surveys"][ANES]["arms"] += ["server/zero-shot", "server/persona"]
    study = load_study(config, ROOT)
    assert list(study.selected_models()) == ["tiny"]
    files = study.surveys[ANES].prediction_files(ANES, [])
    assert f"results/surveys/{ANES}/predictions/server/persona/full/seed-24.parquet" in files
    assert not any("server" in file and "share-10" in file for file in files)


@pytest.mark.parametrize(
    ("endpoint", "arm", "message"),
    [
        ({**SERVER, "api": "chat"}, "server/zero-shot", "a chat API has no `echo`"),
        ({**SERVER, "reads": "token-ids"}, "server/zero-shot", "reads: token-ids needs `tokenizer`"),
        ({**SERVER, "tokenizer": "tiny"}, "server/zero-shot", "`tokenizer` has no use with reads: prompt"),
        (
            {**SERVER, "reads": "token-ids", "tokenizer": "tini"},
            "server/zero-shot",
            "endpoints.server.tokenizer: no model 'tini' (did you mean 'tiny'?)",
        ),
        ({**SERVER, "url": "http://me:secret@host/v1"}, "server/zero-shot", "endpoints.server.url"),
        ({**SERVER, "key": "secret"}, "server/zero-shot", "unknown key 'endpoints.server.key'"),
        (SERVER, "server/tuned", "'server/tuned' trains, but 'server' runs on a server"),
        (SERVER, "serve/zero-shot", "no model 'serve' (did you mean 'server'?)"),
    ],
)
def test_what_an_endpoint_cannot_do_is_told(config, endpoint, arm, message):
    config["endpoints"] = {"server": endpoint}
    config["surveys"][ANES]["arms"].append(arm)
    told_now = told(config)
    assert message in told_now
    if "unknown" not in message:
        assert "secret" not in told_now


def test_a_persona_needs_sentences_in_the_codebook(config, tmp_path):
    content = yaml.safe_load((ROOT / "codebooks/anes1996.yaml").read_text(encoding="utf-8"))
    del content["persona"]
    (tmp_path / "mute.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    config["surveys"][ANES]["codebook"] = str(tmp_path / "mute.yaml")
    config["surveys"][ANES]["arms"].append("tiny/persona")
    assert "arms: 'tiny/persona' needs `persona` in the codebook" in told(config)


def test_an_encoder_classifies_and_does_nothing_else(config):
    config["models"]["bert"] = {"source": "./bert", "quantization": "none", "encoder": True}
    config["surveys"][ANES]["arms"].append("bert/classifier")
    assert "bert" in load_study(config, ROOT).selected_models()
    preset = config["training"][config["surveys"][ANES]["training"]]
    preset["early_stopping"] = {"share": 0.2}
    assert "'bert/classifier' cannot stop early, but preset 'tiny-votes' has `early_stopping`" in told(config)
    preset["early_stopping"] = None
    config["surveys"][ANES]["arms"].append("bert/zero-shot")
    assert "'bert/zero-shot' needs a model that continues text, but 'bert' is an encoder" in told(config)
    config["models"]["bert"]["quantization"] = "nf4"
    assert "models.bert: an encoder needs quantization: none" in told(config)
