import pytest

from stimmung.data.surveys.group_shares import with_folds
from stimmung.data.surveys.share_files import shares_of_file
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.group_schemas import GROUP_SHARES, GROUPS
from stimmung.vocabulary.groups import Groups

CODEBOOK = Codebook.model_validate(
    {
        "title": "t",
        "source": "s",
        "instruction": "Answer.",
        "question": "{wording}:",
        "target": "vote",
        "items": {
            "sex": {
                "column": "sex",
                "wording": "Sex",
                "options": [{"code": 1, "label": "woman"}, {"code": 2, "label": "man"}],
            },
            "vote": {
                "column": "v",
                "wording": "Vote",
                "options": [{"code": 1, "label": "Red"}, {"code": 2, "label": "Blue"}],
            },
            "mood": {
                "column": "m",
                "wording": "Mood",
                "options": [{"code": 1, "label": "good"}, {"code": 2, "label": "bad"}],
            },
        },
    }
)
ROWS = [
    "group,sex,item,option,share,n",
    "women,1,vote,Red,.6,90",
    "women,1,vote,2,.4,90",
    "men,2,vote,Red,1,40",
]


def read(folder, rows, targets=("vote",), **settings):
    (folder / "shares.csv").write_text("\n".join(rows) + "\n")
    settings = Groups.model_validate({"by": ["sex"], "shares": "shares.csv", **settings})
    return shares_of_file(settings, str(folder / "shares.csv"), CODEBOOK, targets, "en", None, 0.01)


def changed(row, text):
    return [*ROWS[:row], text, *ROWS[row + 1 :]]


def test_options_are_read_by_code_and_in_words_and_one_without_a_row_has_none(tmp_path):
    groups, shares = read(tmp_path, ROWS)
    GROUPS.validate(with_folds(groups, shares, 2, 1))
    GROUP_SHARES.validate(shares)
    assert list(groups["group"]) == ["women", "men"] and list(groups["sex"]) == ["woman", "man"]
    table = shares.set_index(["group", "option"])
    assert table["share"].to_dict() == {
        ("women", "Red"): 0.6,
        ("women", "Blue"): 0.4,
        ("men", "Red"): 1.0,
        ("men", "Blue"): 0.0,
    }
    assert list(table["n"]) == list(table["n_effective"]) == [90, 90, 40, 40]


@pytest.mark.parametrize(
    ("row", "text", "said"),
    [
        (2, "women,1,vote,2,.39,90", "the shares of item 'vote' in group 'women' sum to 0.99 instead of 1"),
        (1, "women,1,vote,Red,60,90", "the share is no number from 0 to 1: group 'women', item 'vote'"),
        (1, "women,1,vote,Red,-.1,90", "the share is no number from 0 to 1: group 'women', item 'vote'"),
        (2, "women,1,vote,Red,.4,90", "an option stands in two rows: group 'women', item 'vote'"),
        (2, "women,1,vote,Blue,.4,80", "n differs between the options: group 'women', item 'vote'"),
        (1, "women,1,vote,Red,.6,0", "n is no number above 0: group 'women', item 'vote'"),
        (1, "women,1,vote,Read,.6,90", r"item 'vote' has no option 'Read' \(did you mean 'Red'\?\)"),
        (1, "women,1,vite,Red,.6,90", r"no item 'vite' in the codebook \(did you mean 'vote'\?\)"),
        (1, "women,3,vote,Red,.6,90", r"item 'sex' \(column 'sex'\): unknown code 3 in 1 rows"),
        (2, "women,2,vote,Blue,.4,90", "group 'women' has different answers to sex"),
        (3, "people,1,vote,Red,1,40", "2 groups have the same answers to sex as another"),
        (3, "men,2,vote,,1,40", "1 of 3 rows have an empty"),
    ],
)
def test_what_can_be_wrong_is_told_with_group_and_item(tmp_path, row, text, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, changed(row, text))


def test_rounded_percentages_need_a_tolerance_and_are_scaled_which_is_told(tmp_path, capsys):
    rows = changed(2, "women,1,vote,2,.39,90")
    _, shares = read(tmp_path, rows, tolerance=0.02)
    assert shares.groupby("group")["share"].sum().tolist() == pytest.approx([1, 1])
    assert "the shares of 1 of 2 distributions are scaled to a sum of exactly 1" in capsys.readouterr().err


def test_a_group_of_one_respondent_is_left_out_and_counted(tmp_path, capsys):
    groups, shares = read(tmp_path, changed(3, "men,2,vote,Red,1,1"))
    assert list(groups["group"]) == ["women"] == list(shares["group"].unique())
    assert (
        "1 of 2 distributions are of fewer than 10 respondents, 1 of them of a single one"
        in capsys.readouterr().err
    )


def test_a_target_without_shares_is_an_error_and_rows_of_other_items_are_told(tmp_path, capsys):
    with pytest.raises(InputError, match="no shares of the target 'mood'"):
        read(tmp_path, ROWS, targets=("vote", "mood"))
    read(tmp_path, [*ROWS, "men,2,mood,good,1,40"])
    assert "1 of 4 rows are of items that are no targets" in capsys.readouterr().err
