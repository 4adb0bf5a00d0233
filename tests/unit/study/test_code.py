"""A rule's digest changes when the code that it runs means something else, and at no other time."""

import pytest

from stimmung.study import code
from stimmung.study.code import code_digest

FILES = {
    "scripts/train.py": "from stimmung.engine.training import train\nfrom stimmung.study.job import job\n",
    "scripts/tabulate.py": "from stimmung.report.tables import write\nfrom stimmung.vocabulary import errors\n",
    "scripts/count.py": "from stimmung.study.panels import Panel\n",
    "stimmung/engine/training.py": "import torch\n\ndef train():\n    from stimmung.text import prompts\n    return prompts\n",
    "stimmung/engine/other.py": "WIDTH = 4\n",
    "stimmung/text/prompts.py": "from stimmung.vocabulary.errors import InputError\n\nWORDS = 1\n",
    "stimmung/report/tables.py": 'def write():\n    """Write."""\n    return 1\n',
    "stimmung/report/page.html": "<p>page</p>\n",
    "stimmung/vocabulary/errors.py": "class InputError(Exception):\n    pass\n",
    "stimmung/study/job.py": "def job():\n    return 1\n",
    "stimmung/study/study.py": "KEYS = 1\n",
    "stimmung/study/panels.py": "from stimmung.study.study import KEYS\n",
}
SCRIPTS = ("train", "tabulate", "count")


@pytest.fixture
def library(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def digests(root):
    code._read.cache_clear()  # each snakemake is a process of its own
    return {name: code_digest(root / f"scripts/{name}.py", root) for name in SCRIPTS}


def changed_by(root, file, old, new):
    """Return the scripts whose digest an edit changes."""
    before = digests(root)
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))
    after = digests(root)
    return {name for name in SCRIPTS if after[name] != before[name]}


@pytest.mark.parametrize(
    ("file", "old", "new", "scripts"),
    [
        ("scripts/train.py", "import job", "import job as other", {"train"}),
        ("stimmung/engine/training.py", "return prompts", "return 2", {"train"}),
        ("stimmung/engine/other.py", "WIDTH = 4", "WIDTH = 8", {"train"}),
        ("stimmung/text/prompts.py", "WORDS = 1", "WORDS = 2", {"train"}),
        ("stimmung/report/tables.py", "return 1", "return 2", {"tabulate"}),
        ("stimmung/report/page.html", "page", "sheet", {"tabulate"}),
        ("stimmung/vocabulary/errors.py", "(Exception)", "(ValueError)", {"train", "tabulate"}),
    ],
)
def test_an_edit_changes_the_digest_of_the_scripts_that_need_its_room(library, file, old, new, scripts):
    assert changed_by(library, file, old, new) == scripts


def test_the_study_room_is_taken_file_by_file(library):
    assert changed_by(library, "stimmung/study/job.py", "return 1", "return 2") == {"train"}
    assert changed_by(library, "stimmung/study/study.py", "KEYS = 1", "KEYS = 2") == {"count"}


def test_a_new_file_in_a_room_counts(library):
    before = digests(library)
    (library / "stimmung/report/figures.py").write_text("DPI = 300\n")
    after = digests(library)
    assert {name for name in SCRIPTS if after[name] != before[name]} == {"tabulate"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return 1", "    # One.\n    return 1  # it is\n"),
        ('"""Write."""', '"""Write, in other words."""'),
        ("def write", "\n\n\ndef write"),
        ("return 1", "return (1)"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(library, old, new):
    assert changed_by(library, "stimmung/report/tables.py", old, new) == set()


def test_a_docstring_that_comes_or_goes_does_not_count_but_a_string_that_is_used_does(library):
    assert (
        changed_by(library, "stimmung/vocabulary/errors.py", "    pass", '    """An error."""\n\n    pass')
        == set()
    )
    assert changed_by(library, "stimmung/engine/other.py", "4", '"four"') == {"train"}


def test_the_digest_does_not_depend_on_where_the_repository_lies(library, tmp_path):
    import shutil

    shutil.copytree(library / "scripts", tmp_path / "elsewhere/scripts")
    shutil.copytree(library / "stimmung", tmp_path / "elsewhere/stimmung")
    assert digests(tmp_path / "elsewhere") == digests(library)
