"""Prompts as a model will see them, and of whom."""

import json
from pathlib import Path

import pytest
import yaml

from stimmung.cli.preview import shown_prompts
from stimmung.study.reading import load_codebook, merged_config
from stimmung.study.study import load_study
from stimmung.vocabulary.errors import InputError
from tests.workflow.small_model import save_small_model
from tests.workflow.workspace import CODEBOOK, MARKER, study, voters

ROOT = Path(__file__).parents[3]
GLES = load_study(merged_config([ROOT / "studies/gles2017.yaml"], ROOT), ROOT)
SYSTEM = (
    "Please perform a classification task. Given the survey answers from a participant in a 2017 post-election survey in Germany, "
    "return the vote choice of the participant. Return a label from "
    "['CDU', 'SPD', 'AfD', 'Grüne', 'Linke', 'FDP', 'andere Partei', 'Nichtwähler'] only without any other text."
)


@pytest.fixture
def voters_study(tmp_path):
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    (tmp_path / "voters.csv").write_text(voters())
    (tmp_path / "voters.yaml").write_text(yaml.safe_dump(CODEBOOK, sort_keys=False))
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study(Path("no-model"))))
    return load_study(merged_config([tmp_path / "study.yaml"], tmp_path), tmp_path), tmp_path


def test_the_german_prompt_is_that_of_study_a():
    text = "\n".join(shown_prompts(GLES, 1, root=ROOT))
    assert SYSTEM in text
    lines = text.split("[user]\n", 1)[1].split("\n[assistant]")[0].splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "Jahr",
        "Alter",
        "Geschlecht",
        "Bildung",
        "Haushaltseinkommen",
        "Erwerbstätigkeit",
        "Religiosität",
        "Links-Rechts-Einstufung",
        "Parteiidentifikation",
        "Parteiidentifikation Stärke",
        "Ost-West",
        "Zuwanderung",
        "Einkommensunterschiede verringern",
    ]


def test_without_party_identification_its_strength_is_gone_too():
    text = "\n".join(shown_prompts(GLES, 3, condition="without-party", root=ROOT))
    assert "Parteiidentifikation" not in text and "Zuwanderung: " in text


def test_backstories_are_shown_for_the_arms_that_read_them():
    config = merged_config([ROOT / "studies/gles2017.yaml"], ROOT)
    config["surveys"]["gles2017"]["arms"] = ["llama-3.1-8b-instruct/persona"]
    text = "\n".join(shown_prompts(load_study(config, ROOT), 2, root=ROOT))
    assert "backstories in turns, of llama-3.1-8b-instruct" in text and "Alter: " not in text
    codebook = load_codebook(ROOT / "codebooks/gles2017.yaml")
    assert f"{codebook.persona.question['de']}\n[assistant]" in text
    assert text.endswith(" | ".join(codebook.persona_answers("de")))


def test_a_model_behind_a_server_is_shown_too(voters_study):
    chosen, folder = voters_study
    config = chosen.model_dump(mode="json")
    config["endpoints"] = {"server": {"url": "http://localhost:8000/v1", "model": "x"}}
    config["surveys"]["voters"]["arms"] = ["server/zero-shot"]
    text = "\n".join(shown_prompts(load_study(config, folder), 1, root=folder))
    assert "prompts as running text, of server" in text


def test_a_chat_model_behind_a_server_is_shown_in_the_template_of_the_tokenizer_named_for_it(voters_study):
    chosen, folder = voters_study
    template = "{% for one in messages %}<{{ one.role }}>{{ one.content }}{% endfor %}<assistant>"
    source = save_small_model(folder / "tokenizers" / "small")
    settings = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": template}))
    config = chosen.model_dump(mode="json")
    named = {"reads": "token-ids", "tokenizer": "tokenizers/small", "api": "chat"}
    config["endpoints"] = {"server": {"url": "http://localhost:8000/v1", "model": "x", **named}}
    config["surveys"]["voters"]["arms"] = ["server/zero-shot"]
    text = "\n".join(shown_prompts(load_study(config, folder), 1, root=folder))
    assert "prompts in the chat template of server" in text and "<user>Party: " in text


def test_real_respondents_are_shown_only_when_asked_for_and_never_by_default(voters_study):
    chosen, folder = voters_study
    (folder / "voters.csv").unlink()
    text = "\n".join(shown_prompts(chosen, 3, root=folder))
    assert "made-up respondents; the survey's file was not read" in text
    with pytest.raises(InputError, match="no survey file at"):
        list(shown_prompts(chosen, 3, real=True, root=folder))
    (folder / "voters.csv").write_text(voters())
    real = "\n".join(shown_prompts(chosen, 3, real=True, root=folder))
    assert "REAL RESPONDENTS: do not share" in real
    # Only what the prompt holds: no identifier, no column that is no item.
    assert MARKER not in real
    first = voters().splitlines()[1].split(",")
    assert f"Age: {first[2]} years\nVote:" in real


def test_a_base_model_s_prompt_is_running_text_that_ends_with_the_question(voters_study):
    chosen, folder = voters_study
    text = "\n".join(shown_prompts(chosen, 1, root=folder))
    assert "prompts as running text, of small" in text
    assert "How does this voter vote? One of: Red, Blue.\n\nParty: " in text
    assert text.endswith("and then one of: Red | Blue")


@pytest.mark.parametrize("which", [{"survey": "gles2071"}, {"condition": "studens"}])
def test_a_survey_or_condition_that_is_not_there_is_told_with_the_nearest(which):
    with pytest.raises(InputError, match=r"did you mean '(gles2017|students)'"):
        list(shown_prompts(GLES, 1, root=ROOT, **which))


def test_a_chat_model_whose_tokenizer_is_here_shows_its_own_template(voters_study):
    pytest.importorskip("torch")
    from tests.workflow.small_model import save_small_model

    chosen, folder = voters_study
    place = save_small_model(folder / "results" / "models" / "small")
    settings = yaml.safe_load((place / "tokenizer_config.json").read_text())
    settings["chat_template"] = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    (place / "tokenizer_config.json").write_text(json.dumps(settings))
    chosen = chosen.model_copy(
        update={"models": {"small": chosen.models["small"].model_copy(update={"chat": True})}}
    )
    text = "\n".join(shown_prompts(chosen, 1, root=folder))
    assert "prompts in the chat template of small" in text and "<system>How does this voter vote?" in text
    assert "<assistant>" in text


def test_the_english_prompt_is_one_key_away():
    config = merged_config([ROOT / "studies/gles2017.yaml"], ROOT)
    config["surveys"]["gles2017"]["language"] = "en"
    text = "\n".join(shown_prompts(load_study(config, ROOT), 2, root=ROOT))
    assert (
        "Return a label from ['CDU', 'SPD', 'AfD', 'Greens', 'Left', 'FDP', 'other party', 'Non-voter']"
        in text
    )
    lines = text.split("[user]\n", 1)[1].split("\n[assistant]")[0].splitlines()
    assert [line.split(": ")[0] for line in lines][:3] == ["Year", "Age", "Gender"]
    assert "Parteiidentifikation" not in text


def test_of_a_survey_of_groups_it_shows_what_makes_the_groups(voters_study):
    _, folder = voters_study
    config = study(Path("no-model"))
    config["surveys"]["voters"]["groups"] = {"by": ["party"]}
    config["surveys"]["voters"]["conditions"] = {"full": {}}
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    whole = merged_config([folder / "study.yaml"], folder)
    text = "\n".join(shown_prompts(load_study(whole, folder), 3, root=folder))
    for answer in ("red", "none", "blue"):
        assert f"Party: {answer}\nVote:" in text
    assert "prompts of groups by party" in text and "Age" not in text
