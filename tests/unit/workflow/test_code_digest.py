"""A rule's digest changes when the code that it runs means something else, and at no other time."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from stimmung.workflow import code_digest as code
from stimmung.workflow.code_digest import code_digest, code_files

REPOSITORY = Path(__file__).parents[3]
SCRIPTS_HERE = sorted((REPOSITORY / "scripts").glob("*.py"))

FILES = {
    "scripts/train.py": "from stimmung.engine.training import train\nfrom stimmung.study.job import job\n",
    "scripts/tabulate.py": "from stimmung.report.tables import write\nfrom stimmung.vocabulary import errors\n",
    "scripts/count.py": "from stimmung.study.panels import Panel\n",
    "stimmung/engine/training.py": "from stimmung.engine import steps\n\ndef train():\n    from stimmung.text import prompts\n",
    "stimmung/engine/steps.py": "WIDTH = 4\n",
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
    for cached in (code._read, code._files_of, code._no_code):  # each snakemake is a process of its own
        cached.cache_clear()
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
        ("stimmung/engine/training.py", "train():", "train(n=2):", {"train"}),
        ("stimmung/engine/steps.py", "WIDTH = 4", "WIDTH = 8", {"train"}),
        ("stimmung/engine/other.py", "WIDTH = 4", "WIDTH = 8", set()),
        ("stimmung/text/prompts.py", "WORDS = 1", "WORDS = 2", {"train"}),
        ("stimmung/report/tables.py", "return 1", "return 2", {"tabulate"}),
        ("stimmung/report/page.html", "page", "sheet", {"tabulate"}),
        ("stimmung/vocabulary/errors.py", "(Exception)", "(ValueError)", {"train", "tabulate"}),
        ("stimmung/study/job.py", "return 1", "return 2", {"train"}),
        ("stimmung/study/study.py", "KEYS = 1", "KEYS = 2", {"count"}),
    ],
)
def test_an_edit_changes_the_digest_of_the_scripts_that_reach_its_file_and_of_no_others(
    library, file, old, new, scripts
):
    assert changed_by(library, file, old, new) == scripts


def test_a_new_template_counts_a_new_module_only_once_it_is_imported(library):
    before = digests(library)
    (library / "stimmung/report/page.css").write_text("p {}\n")
    assert {name for name in SCRIPTS if digests(library)[name] != before[name]} == {"tabulate"}
    before = digests(library)
    (library / "stimmung/report/figures.py").write_text("DPI = 300\n")
    assert digests(library) == before
    edit = (
        "stimmung/report/tables.py",
        "    return 1",
        "    from stimmung.report import figures\n    return 1",
    )
    assert changed_by(library, *edit) == {"tabulate"}
    assert changed_by(library, "stimmung/report/figures.py", "300", "600") == {"tabulate"}


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
    assert changed_by(library, "stimmung/engine/steps.py", "4", '"four"') == {"train"}


def test_the_digest_does_not_depend_on_where_the_repository_lies(library, tmp_path):
    import shutil

    shutil.copytree(library / "scripts", tmp_path / "elsewhere/scripts")
    shutil.copytree(library / "stimmung", tmp_path / "elsewhere/stimmung")
    assert digests(tmp_path / "elsewhere") == digests(library)


def test_a_file_that_cannot_change_what_a_rule_makes_can_be_left_out(library):
    script = library / "scripts/tabulate.py"
    before, all_files = code_digest(script, library, {"page.html"}), code_digest(script, library)
    changed_by(library, "stimmung/report/page.html", "page", "sheet")
    assert code_digest(script, library, {"page.html"}) == before and code_digest(script, library) != all_files
    changed_by(library, "stimmung/report/tables.py", "return 1", "return 2")
    assert code_digest(script, library, {"page.html"}) != before


# Each script finds our modules not yet imported; those of others, which take seconds, stay.
ASKED = """
import importlib, json, sys
found = {}
for script in sys.argv[1:]:
    for name in [name for name in sys.modules if name.split(".")[0] == "stimmung"]:
        del sys.modules[name]
    importlib.import_module(f"scripts.{script}")
    found[script] = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "stimmung"]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def imported():
    """The files of the library that are imported, in fact, when a script is, by script."""
    command = [sys.executable, "-c", ASKED, *(script.stem for script in SCRIPTS_HERE)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS_HERE, ids=lambda script: script.stem)
def test_every_file_that_a_script_imports_in_fact_is_among_those_it_is_known_by(script, imported):
    """An import that no syntax tree shows would let an edit pass unnoticed."""
    files = {Path(file) for file in imported[script.stem] if Path(file).name != "__init__.py"}
    assert files and files <= set(code_files(script, REPOSITORY))


@pytest.mark.parametrize(
    "room", sorted((REPOSITORY / "stimmung").rglob("__init__.py")), ids=lambda file: file.parent.name
)
def test_packages_themselves_do_nothing_so_that_they_can_be_left_out(room):
    first, *others = ast.parse(room.read_text(encoding="utf-8")).body
    assert isinstance(first, ast.Expr)
    # What the package gives to notebooks it imports when it is asked, which no script does.
    nothing = ("__version__ = ", "def __getattr__(")
    assert all(ast.unparse(one).startswith(nothing) for one in others)
