"""The rules: every study's dry run succeeds, and every rule looks like every other."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stimmung.report.costs import MODEL_RULES
from stimmung.workflow.run import mismatch
from tests.workflow.workspace import REPOSITORY

RULE_FILES = sorted((REPOSITORY / "rules").rglob("*.smk"))
STUDIES = sorted((REPOSITORY / "studies").glob("*.yaml"))
SCRIPTS = sorted((REPOSITORY / "scripts").glob("[!_]*.py"))
# What a rule has besides its inputs and outputs, and why: design.md, section 4.
PARTS = {"log", "benchmark", "conda", "threads", "resources", "script"}


def rules_of(file):
    """Return the text of each rule by its name."""
    blocks = re.split(r"^(?:rule|checkpoint) ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {block.split(":", 1)[0].strip(): block.split(":", 1)[1] for block in blocks[1:]}


RULES = {name: text for file in RULE_FILES for name, text in rules_of(file).items()}


def parts_of(rule):
    return set(re.findall(r"^    (\w+):", rule, re.MULTILINE))


def snakemake(*arguments, folder=REPOSITORY):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The working files without anybody's results; a dry run here touches no one else's."""
    from tests.workflow.workspace import Workspace

    folder = Workspace.begin(
        tmp_path_factory.mktemp("clone") / "repository", Path("no-model-is-loaded")
    ).folder
    (folder / "studies").mkdir(exist_ok=True)
    for study in STUDIES:
        (folder / "studies" / study.name).write_bytes(study.read_bytes())
    return folder


def test_fault_xx_a_part_of_a_study_is_run_as_the_readme_says(clone):
    assert "by naming its file before `--configfile`" in (REPOSITORY / "README.md").read_text(
        encoding="utf-8"
    )
    part, study = "results/panels/demo/affect.parquet", "studies/demo-panel.yaml"
    ended = snakemake("--dry-run", "--cores", "1", part, "--configfile", study, folder=clone)
    assert ended.returncode == 0, ended.stdout
    assert "rule aggregate_answers:" in ended.stdout and "rule render_report:" not in ended.stdout


def test_the_demo_s_dry_run_plans_the_whole_way_to_the_report(clone):
    ended = snakemake("--dry-run", "--cores", "1", folder=clone)
    assert ended.returncode == 0, ended.stdout
    # All the rules of the survey branch, and one training for each condition.
    for rule in (
        "build_tiny",
        "prepare_model",
        "read_survey",
        "score_respondents",
        "predict_baselines",
        "render_report",
    ):
        assert f"rule {rule}:" in ended.stdout
    conditions = yaml.safe_load((clone / "config.yaml").read_text())["surveys"]["anes1996"]["conditions"]
    trained = re.findall(
        r"rule train_fold_adapters:.*?wildcards: .*?survey=anes1996.*?$", ended.stdout, re.M | re.S
    )
    named = {re.search(r"condition=([\w-]+)", block.rsplit("wildcards:", 1)[1])[1] for block in trained}
    assert named == set(conditions)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_every_study_is_a_study_that_can_be_planned(clone, study):
    # By the command that its own head gives.
    files = re.search(r"--configfile ((?:studies/\S+ ?)+)", study.read_text(encoding="utf-8"))[1].split()
    assert files[-1] == f"studies/{study.name}"
    ended = snakemake("--dry-run", "--cores", "1", "--configfile", *files, folder=clone)
    errors = re.findall("^ERROR: .*", ended.stdout, re.M)
    if errors:
        # Data under a licence is in no clone; everything else must be in order: the config and the rules.
        absent = "no (survey file at|file of posts matches|tracker at|GoEmotions in)"
        licensed = rf"ERROR: (surveys|panels)\.[\w.-]+: {absent} '?(data|\.\./shared)/"
        assert len(errors) == 1 and re.match(licensed, errors[0]), ended.stdout
        assert ended.returncode == 1
    else:
        assert ended.returncode == 0, ended.stdout
    assert "Exception" not in ended.stdout and "Traceback" not in ended.stdout


def test_there_are_rules_and_every_script_has_one():
    assert len(RULES) > 10
    assert set(RULES) == {script.stem for script in SCRIPTS}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_it_does_needs_and_leaves(name):
    rule = RULES[name]
    assert parts_of(rule) >= PARTS, PARTS - parts_of(rule)
    assert re.match(r'\s*"""[A-Z][^\n]*\.("""|\n\n)', rule), "a docstring"
    assert "run" not in parts_of(rule) and "shell" not in parts_of(rule)
    assert f'"../scripts/{name}.py"' in rule
    assert f'"logs/{name}/' in rule and f'"benchmarks/{name}/' in rule
    assert re.search(rf'code=code_of\("{name}"[,)]', rule), "an edit of the code must rerun the rule"
    resources = rule.split("    resources:", 1)[1]
    assert "mem_mb=" in resources and "runtime=" in resources
    environment = re.search(r'conda:\s+"\.\./(envs/\w+\.yaml)"', rule)
    assert environment and (REPOSITORY / environment[1]).exists()
    # A model's rule needs what stands in models.yaml, the others what stands in analysis.yaml.
    uses_engine = "stimmung.engine" in (REPOSITORY / f"scripts/{name}.py").read_text(encoding="utf-8")
    assert environment[1] == ("envs/models.yaml" if uses_engine else "envs/analysis.yaml")


def test_the_rules_that_run_a_model_are_known_to_the_slurm_profile_and_to_the_reckoning_of_costs():
    # A server's model runs elsewhere, and the built-in one is made on a CPU.
    with_model = {
        script.stem for script in SCRIPTS if "stimmung.engine" in script.read_text(encoding="utf-8")
    } - {"ask_endpoint", "build_tiny"}
    profile = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    assert set(profile["set-resources"]) == with_model
    assert set(MODEL_RULES) == with_model | {"build_tiny"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_is_one_function_of_its_name_with_keyword_arguments(script):
    tree = ast.parse(script.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = functions[script.stem]
    assert ast.get_docstring(function)
    assert function.args.kwonlyargs and not function.args.args and not function.args.posonlyargs
    assert all(argument.annotation for argument in function.args.kwonlyargs)
    # Nothing happens when the file is imported, and Snakemake's preamble must come first.
    allowed = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.If,
        ast.Expr,
        ast.Assign,
        ast.AnnAssign,
        ast.ClassDef,
    )
    assert all(isinstance(node, allowed) for node in tree.body)
    assert not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    main = tree.body[-1]
    assert isinstance(main, ast.If) and "__main__" in ast.unparse(main.test)
    assert ast.unparse(main.body) == f"run({script.stem}, snakemake)"


def named_in(rule, section):
    """Return the names that a section of a rule gives."""
    found = re.search(rf"^    {section}:\n((?:        .*\n|\n)+)", rule, re.MULTILINE)
    return re.findall(r"^        (\w+)=", found[1], re.MULTILINE) if found else []


@pytest.mark.parametrize("name", RULES)
def test_every_rule_gives_what_its_function_takes(name):
    given = [one for section in ("input", "output", "params") for one in named_in(RULES[name], section)]
    assert "code" in given
    assert len(given) == len(set(given)), "a name is given twice"
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / f"scripts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert mismatch(getattr(module, name), [*given, "threads"]) == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_get_all_they_need_by_name(script):
    # Else a rule's text does not say what decides its outputs.
    assert "wildcards" not in script.read_text(encoding="utf-8")


def test_no_rule_asks_snakemake_for_what_is_not_its_interface():
    for file in [REPOSITORY / "Snakefile", *RULE_FILES]:
        text = file.read_text(encoding="utf-8")
        imported = re.findall(r"^(?:from|import) (snakemake[\w.]*)", text, re.MULTILINE)
        assert set(imported) <= {"snakemake.utils"}, file.name
        assert not re.search(r"^checkpoint |^\s+run:", text, re.MULTILINE), file.name


@pytest.mark.parametrize("file", [REPOSITORY / "Snakefile", *RULE_FILES], ids=lambda file: file.name)
def test_every_rule_file_says_what_it_is_for(file):
    assert file.read_text(encoding="utf-8").startswith('"""')
