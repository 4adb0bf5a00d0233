import copy

import pytest

from stimmung.report.page import Facts, render_page
from stimmung.report.run_section import in_words, noise_facts, notices, rerun_section, run_section


@pytest.fixture
def run():
    return copy.deepcopy(
        {
            "git": {"revision": "ab" * 20, "date": "2026-11-21", "dirty": False},
            "software": {
                "stimmung": "0.1.0",
                "python": "3.11.7",
                "platform": "Linux",
                "packages": {"numpy": "2.4.6", "obscure": "1"},
            },
            "surveys": {
                "gles": {
                    "title": "GLES 2017",
                    "source": "doi",
                    "simulated": True,
                    "sha256": "cd" * 32,
                    "n_rows_kept": 1905,
                    "missing": {"income": {"refused": 3}},
                }
            },
            "models": {
                "tiny": {"source": "results/built-in/tiny", "revision": None, "digest": "ef" * 32},
                "llama": {
                    "source": "meta-llama/Llama-3.2-1B",
                    "revision": "01" * 20,
                    "n_parameters": 1235814400,
                },
            },
            "config": {
                "models": {"tiny": {"source": "built-in"}, "llama": {"source": "meta-llama/Llama-3.2-1B"}},
                "surveys": {"gles": {"codebook": "codebooks/gles.yaml", "seeds": [24, 25]}},
            },
        }
    )


def facts_of(section):
    return [
        fact
        for part in section.parts
        for block in part.blocks
        if isinstance(block, Facts)
        for fact in block.facts
    ]


def test_the_built_in_model_is_never_shown_without_its_caveat(run):
    notice = notices(run)[0]
    assert "tiny" in notice and "knows nothing" in notice and "llama" not in notice
    del run["models"]["tiny"]
    assert "knows nothing" not in " ".join(notices(run))


def test_simulated_data_is_announced(run):
    assert "Simulated data" in notices(run)[1] and "GLES 2017" in notices(run)[1]
    run["surveys"]["gles"]["simulated"] = False
    assert len(notices(run)) == 1


def test_everything_that_identifies_the_run_is_shown(run):
    page = render_page("t", "s", [], [run_section(run)])
    for mark in (
        "ab" * 20,
        "cd" * 32,
        "ef" * 32,
        "01" * 20,
        "0.1.0",
        "3.11.7",
        "numpy 2.4.6",
        "obscure==1",
        "24, 25",
    ):
        assert mark in page, mark
    facts = facts_of(run_section(run))
    assert ("Respondents kept", "1905") in facts
    assert ("Parameters", "1,235,814,400") in facts
    assert ("Source", "built by this workflow from generated text") in facts
    assert ("Missing answers", "income: refused: 3") in facts
    assert ("Survey weight", "none: every respondent counts 1") in facts


def test_uncommitted_changes_are_told(run):
    run["git"]["dirty"] = True
    assert dict(facts_of(run_section(run)))["Git revision"].endswith("with uncommitted changes")


def test_a_run_outside_a_repository_says_so(run):
    run["git"] = {"revision": None, "date": None, "dirty": None}
    assert "unknown" in dict(facts_of(run_section(run)))["Git revision"]
    assert "git checkout" not in render_page("t", "s", [], [rerun_section(run)])


def test_citation_names_code_data_and_models(run):
    page = render_page("t", "s", [], [rerun_section(run)])
    for mark in ("git checkout " + "ab" * 20, "GLES 2017", "meta-llama/Llama-3.2-1B", "CITATION.cff"):
        assert mark in page


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": [1, 2]}, "a: 1, 2"), (1905, "1905"), (94400, "94,400"), (True, "True"), ([], ""), ("x", "x")],
)
def test_values_in_words(value, text):
    assert in_words(value) == text


def test_fault_kk_what_rounding_hides_stands_beside_the_model_and_beside_what_it_said(run):
    proof = {
        "largest_difference": 1.6e-5,
        "loss_difference": 0.0,
        "passes": {"short": "options in one row", "long": "a row for each option"},
        "noise_nats": 2.4e-5,
        "noise_in_bfloat16_nats": 0.126,
    }
    run["models"]["llama"]["proof"] = proof
    facts = facts_of(run_section(run))
    (rounding,) = [value for label, value in facts if label == "Rounding"]
    assert "right to 2e-05 nats (computed in bfloat16, to 1e-01)" in rounding
    assert any("to 2e-05 nats" in value and "a row for each option" in value for label, value in facts)
    branch = {"arms": ["llama/weekly", "llama/tuned", "tiny/weekly"]}
    assert noise_facts(branch, run["models"]) == [("Rounding", f"llama: {rounding}")]
    assert noise_facts({"arms": ["tiny/weekly"]}, run["models"]) == [], "prepared before it was measured"


def test_what_adapters_do_not_reach_is_said(run):
    shares = {"adapted_share": 0.191, "expert_share": 0.76, "packed_share": 0.2, "quantization": "nf4"}
    run["models"]["llama"] |= {**shares, "expert_parameters": []}
    said = "those of all linear layers reach 19% of the weights; 76% are experts, which none reaches; 20% are packed to 4 bits"
    assert ("Adapters", said) in facts_of(run_section(run))
    run["models"]["llama"]["expert_parameters"] = ["mlp.experts.down_proj"]
    assert ("Adapters", said.replace("none", "none without target_parameters")) in facts_of(run_section(run))
