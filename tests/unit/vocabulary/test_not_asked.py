from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.not_asked import with_giveaways


def test_an_item_goes_with_what_gives_it_away_in_either_direction_and_with_their_parts():
    options = [{"code": 1, "label": "a"}, {"code": 2, "label": "b"}]
    names = ["age", "party", "party_strength", "list_vote", "vote", "vote_2"]
    items = {name: {"column": name, "wording": name, "options": options} for name in names}
    items["party_strength"]["part_of"] = "party"
    content = {"title": "t", "source": "s", "instruction": "i", "question": "q", "target": "vote"}
    content |= {"items": items, "gives_away": {"vote": ["list_vote"], "vote_2": ["vote"]}}
    codebook = Codebook.model_validate(content)
    assert with_giveaways(["vote"], codebook) == ["list_vote", "vote", "vote_2"]
    assert with_giveaways(["party"], codebook) == ["party", "party_strength"]
    assert with_giveaways([], codebook) == []


def test_a_select_all_item_that_gives_a_target_away_is_hidden_with_its_options():
    options = [{"code": 1, "label": "a"}, {"code": 2, "label": "b"}]
    items = {name: {"column": name, "wording": name, "options": options} for name in ("vote", "party")}
    items["media"] = {
        "wording": "News from",
        "select_all": [{"column": "tv", "label": "tv"}, {"column": "web", "label": "web"}],
    }
    content = {"title": "t", "source": "s", "instruction": "i", "question": "q", "target": "vote"}
    codebook = Codebook.model_validate({**content, "items": items, "gives_away": {"vote": ["media"]}})
    assert with_giveaways(["vote"], codebook) == ["vote", *codebook.members("media")]
