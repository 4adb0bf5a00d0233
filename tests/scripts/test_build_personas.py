import copy

import pandas as pd
import pytest
import yaml

from scripts.build_personas import build_personas
from scripts.score_respondents import score_respondents
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS
from tests.workflow.workspace import CODEBOOK


@pytest.fixture(scope="module")
def personas(small_study, tmp_path_factory):
    """Backstories of the made-up voters, by a codebook that has sentences for them."""
    folder = tmp_path_factory.mktemp("personas")
    content = copy.deepcopy(CODEBOOK)
    content["persona"] = {"instruction": "One of: {options}.", "question": "I vote"}
    content["items"]["party"]["persona"] = "My party: {answer}."
    content["items"]["age"]["persona"] = "Age {answer}."
    content["items"]["vote"]["options"][0]["persona"] = "for Red"
    codebook, prompts = folder / "voters.yaml", folder / "personas.parquet"
    codebook.write_text(yaml.safe_dump(content, sort_keys=False))
    build_personas(
        respondents=small_study.respondents, codebook=codebook, language="en", drop_items=[], prompts=prompts
    )
    return codebook, prompts


def test_every_respondent_has_a_backstory_that_ends_where_the_answer_begins(small_study, personas):
    respondents = read_table(small_study.respondents, RESPONDENTS)
    prompts = read_table(personas[1], PROMPTS)
    assert list(prompts.respondent_id) == list(respondents.respondent_id)
    row = respondents.iloc[3]
    assert prompts.text.iloc[3] == f"My party: {row.party}. Age {int(row.age)} years. I vote"


def test_the_persona_s_words_are_scored_and_the_columns_keep_the_options_names(
    small_study, personas, tmp_path
):
    """Against the plain computation: loglikelihood of ' for Red' and of ' Blue' behind the backstory."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    codebook, prompts = personas
    output = tmp_path / "persona.parquet"
    score_respondents(
        base=small_study.base / "model.json",
        adapters=[],
        respondents=small_study.respondents,
        prompts=[prompts],
        splits=[small_study.splits],
        codebook=codebook,
        predictions=output,
        method="small/persona",
        arm="persona",
        seed=24,
        language="en",
        chat=False,
        examples=0,
        scoring=Scoring(),
        tokens_per_batch=4096,
        store=tmp_path / "store",
        threads=1,
    )
    table = read_table(output, PREDICTIONS).set_index("respondent_id")
    texts = read_table(prompts, PROMPTS).set_index("respondent_id").text
    tokenizer = AutoTokenizer.from_pretrained(small_study.base)
    model = AutoModelForCausalLM.from_pretrained(small_study.base).eval()
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    for respondent in table.index[:3]:
        mass = []
        for words in (" for Red", " Blue"):
            ids = torch.tensor([tokenizer(texts[respondent] + words)["input_ids"]])
            start = len(tokenizer(texts[respondent])["input_ids"])
            with torch.inference_mode():
                logits = model(input_ids=ids).logits[0].float().log_softmax(-1)
            mass.append(sum(logits[at - 1, ids[0, at]].item() for at in range(start, ids.shape[1])))
        expected = pd.Series(mass).pipe(lambda scores: scores - scores.max())
        shares = expected.map(lambda score: 2.718281828459045**score)
        assert table.p_Red[respondent] == pytest.approx(shares[0] / shares.sum(), abs=1e-4)
