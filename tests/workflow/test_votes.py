"""What a study promises: one command makes the report, and later commands make only what is not there."""

import os
import re
import signal
import time

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workflow.workspace import MARKER, REPOSITORY, Workspace

CONDITIONS = ["full", "half"]
# What stands behind the predictions; whatever changes a prediction changes these too.
AFTER_PREDICTIONS = {
    *("evaluate_votes", "impute_answers", "tabulate_votes", "plot_votes", "render_report", "all")
}


def append(file, code):
    file.write_text(file.read_text(encoding="utf-8") + code, encoding="utf-8")


def of_conditions(*rules):
    return {f"{rule} {condition}" for rule in rules for condition in CONDITIONS}


def test_one_command_makes_the_report(finished):
    page = (finished.folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "small/tuned" in page and "logistic" in page
    assert not re.search(r"""(src|href)=["']https?:""", page), "the page loads something"
    for condition in CONDITIONS:
        table = pd.read_parquet(finished.survey / "predictions/small/tuned" / condition / "seed-24.parquet")
        assert len(table) == 40 and table.respondent_id.is_unique


def test_a_second_run_starts_no_job(copied):
    before = {path: path.stat().st_mtime_ns for path in copied.folder.glob("results/**/*")}
    ended = copied.run()
    assert ended.code == 0
    assert "Nothing to be done" in ended.terminal
    assert {path: path.stat().st_mtime_ns for path in copied.folder.glob("results/**/*")} == before


def test_changing_a_condition_reruns_its_chain_alone(copied):
    copied.config["surveys"]["voters"]["conditions"]["half"]["share"] = 0.4
    copied.save()
    rules = ["split_respondents", "train_fold_adapters", "score_respondents", "predict_baselines"]
    assert copied.planned() == {f"{rule} half" for rule in rules} | AFTER_PREDICTIONS | {"record_run"}


def test_adding_a_condition_runs_its_chain_alone(copied):
    copied.config["surveys"]["voters"]["conditions"]["third"] = {"share": 0.3}
    copied.save()
    rules = ["split_respondents", "train_fold_adapters", "score_respondents", "predict_baselines"]
    assert copied.planned() == {f"{rule} third" for rule in rules} | AFTER_PREDICTIONS | {"record_run"}


def test_comments_and_docstrings_rerun_nothing(copied):
    style = copied.folder / "stimmung/report/style.py"
    text = style.read_text(encoding="utf-8")
    style.write_text(text.replace('"""', '"""Reworded. ', 1) + "\n\n# A remark.\n", encoding="utf-8")
    assert text != style.read_text(encoding="utf-8")
    append(copied.folder / "stimmung/engine/scoring/score.py", "\n# Another remark.\n")
    append(copied.folder / "scripts/plot_votes.py", "\n# A third remark.\n")
    assert copied.planned() == set()


def test_an_edit_in_the_report_room_reruns_what_needs_it(copied):
    append(copied.folder / "stimmung/report/style.py", "\nEDITED = True\n")
    behind = {"tabulate_votes", "plot_votes", "record_run", "render_report", "all"}
    assert copied.planned() == behind
    # What is computed of a result stands in one file with its figure.
    append(copied.folder / "stimmung/report/votes/vote_shares.py", "\nEDITED = True\n")
    assert copied.planned() == {"evaluate_votes", *behind}


def test_an_edit_of_the_page_s_template_renders_the_report_again(copied):
    append(copied.folder / "stimmung/report/page.html", "<!-- edited -->\n")
    jobs = copied.planned()
    assert "render_report" in jobs
    assert not jobs & of_conditions("train_fold_adapters", "score_respondents", "predict_baselines")


def test_an_edit_in_the_engine_runs_what_reaches_it_again_but_leaves_baselines(copied):
    append(copied.folder / "stimmung/engine/scoring/score.py", "\nEDITED = True\n")
    after = AFTER_PREDICTIONS | {"record_run"}
    assert copied.planned() == of_conditions("score_respondents") | after
    # What holds the model trains with it and prepares it as well.
    append(copied.folder / "stimmung/engine/base/base_model.py", "\nEDITED = True\n")
    expected = of_conditions("train_fold_adapters", "score_respondents") | after
    assert copied.planned() == expected | {"prepare_model"}


def test_an_edit_in_the_moods_branch_trains_and_scores_no_survey(copied):
    append(copied.folder / "stimmung/vocabulary/moods_schemas.py", "\nEDITED = True\n")
    append(copied.folder / "stimmung/study/panels.py", "\nEDITED = True\n")
    append(copied.folder / "stimmung/engine/scoring/panel_scoring.py", "\nEDITED = True\n")
    assert copied.planned() <= {"record_run", "render_report", "all"}


def test_an_edit_of_a_script_reruns_its_rule_and_what_follows(copied):
    append(copied.folder / "scripts/plot_votes.py", "\nEDITED = True\n")
    assert copied.planned() == {"plot_votes", "record_run", "render_report", "all"}


def test_a_finished_adapter_survives_its_killed_sibling_and_is_not_trained_again(copied):
    """SIGKILL leaves no time to save anything, and snakemake deletes the outputs of a failed job."""
    adapters = copied.adapters("full")
    store = copied.folder / "results/.store/adapters"
    before = set(store.iterdir())
    copied.config["training"]["quick"]["max_steps"] = 150
    copied.save()
    target = str(copied.weights("full").relative_to(copied.folder))

    run = copied.start(target)
    finished_one = wait_for(lambda: sorted(set(store.glob("[!.]*")) - before), run)
    os.kill(script_of(run.pid, "train_fold_adapters"), signal.SIGKILL)
    terminal, _ = run.communicate(timeout=120)
    assert run.returncode != 0, terminal
    assert not copied.weights("full").exists()
    stored = set(store.glob("[!.]*")) - before
    assert stored == set(finished_one), "the second fold was finished too: give it more steps"
    # It says how many seconds the training took, so that another training would not write the same.
    record = (finished_one[0] / "training.json").read_bytes()

    ended = copied.run(target)
    assert ended.code == 0, ended.terminal
    log = (copied.folder / "logs/train_fold_adapters/voters/small/tuned/full/seed-24.log").read_text()
    assert "fold 1: trained" in log and "fold 0: trained" not in log
    assert (finished_one[0] / "training.json").read_bytes() == record
    exported = (adapters / "fold-0/adapter_model.safetensors").read_bytes()
    assert exported == (finished_one[0] / "adapter_model.safetensors").read_bytes()


def wait_for(question, run):
    """Ask until there is an answer; a run that ends before has none."""
    while not (answer := question()):
        assert run.poll() is None, run.stdout.read()
        time.sleep(0.02)
    return answer


def script_of(snakemake_pid, rule):
    """Return the process of a rule's script among the descendants of a snakemake."""
    parents, names = {}, {}
    for folder in (path for path in os.scandir("/proc") if path.name.isdigit()):
        try:
            with open(f"{folder.path}/stat") as stat, open(f"{folder.path}/cmdline") as line:  # noqa: PTH123
                parents[int(folder.name)] = int(stat.read().rsplit(")", 1)[1].split()[1])
                names[int(folder.name)] = line.read()
        except OSError:
            continue  # it has just ended

    def descends(pid):
        return pid == snakemake_pid or (pid in parents and descends(parents[pid]))

    running = [pid for pid, name in names.items() if f"{rule}.py" in name and descends(pid)]
    return max(running)  # below the shell that may have started it


def test_a_training_that_diverges_says_so_and_leaves_the_other_condition_alone(copied):
    kept = {path: path.stat().st_mtime_ns for path in copied.adapters("half").glob("*/training.json")}
    assert len(kept) == 2
    copied.config["training"]["wild"] = {**copied.config["training"]["quick"], "learning_rate": 1e38}
    copied.config["surveys"]["voters"]["training"] = "wild"
    copied.save()
    ended = copied.run(str(copied.weights("full").relative_to(copied.folder)))
    assert ended.code != 0
    assert len(ended.errors) == 1 and "fold 0: the loss is" in ended.errors[0]
    assert not copied.weights("full").exists()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    copied.config["surveys"]["voters"]["training"] = "quick"
    copied.save()
    # What was trained with the old settings comes out of the store, as it was.
    ended = copied.run(str(copied.weights("full").relative_to(copied.folder)))
    assert ended.code == 0
    assert "trained, 3 steps" not in (
        copied.folder / "logs/train_fold_adapters/voters/small/tuned/full/seed-24.log"
    ).read_text(encoding="utf-8")


def test_every_adapter_loads_with_plain_peft_and_gives_the_stored_predictions(finished):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    path = finished.folder / "results/models/small"
    tokenizer = AutoTokenizer.from_pretrained(path)
    prompts = pd.read_parquet(finished.survey / "prompts/full.parquet").set_index("respondent_id").text
    for condition in CONDITIONS:
        stored = pd.read_parquet(finished.survey / "predictions/small/tuned" / condition / "seed-24.parquet")
        for fold in (0, 1):
            base = AutoModelForCausalLM.from_pretrained(path).eval()
            for module in base.modules():
                # On a CPU with AVX512-BF16, bitsandbytes repacks a layer when it is first used in eval mode and then
                # multiplies in bfloat16: right to two or three digits. The product keeps to float32; so must this.
                if hasattr(module, "support_avx512bf16_for_cpu"):
                    module.support_avx512bf16_for_cpu = False
            model = PeftModel.from_pretrained(base, finished.adapters(condition) / f"fold-{fold}").eval()
            held_out = stored[stored.fold == fold].set_index("respondent_id")
            for respondent, row in held_out.iterrows():
                scores = [
                    loglikelihood(model, tokenizer, prompts[respondent], answer) for answer in ("Red", "Blue")
                ]
                shares = np.exp(scores) / np.exp(scores).sum()
                assert shares == pytest.approx([row.p_Red, row.p_Blue], abs=1e-4)
                assert np.exp(scores).sum() == pytest.approx(row.option_mass, abs=1e-4)


def loglikelihood(model, tokenizer, context, answer):
    import torch

    ids = torch.tensor([tokenizer(f"{context} {answer}")["input_ids"]])
    start = len(tokenizer(context)["input_ids"])
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0].log_softmax(-1)
    return sum(logits[place - 1, ids[0, place]].item() for place in range(start, ids.shape[1]))


def test_two_runs_from_scratch_write_the_same_bytes(finished, base_model, tmp_path):
    again = Workspace.begin(tmp_path / "again", base_model)
    ended = again.run()
    assert ended.code == 0, ended.terminal
    made = {
        path.relative_to(finished.folder) for path in finished.folder.glob("results/**/*") if path.is_file()
    }
    # How long work took stands in the records of training and of the run, in the report, and in nothing else.
    costs = {"training.json", "run.yaml", "report.html"}
    made = {path for path in made if path.name not in costs and ".store" not in path.parts}
    adapters = [path for path in made if path.name == "adapter_model.safetensors"]
    predictions = [path for path in made if "predictions" in path.parts]
    assert len(adapters) == 4 and len(predictions) == 6
    differ = [
        path for path in made if (finished.folder / path).read_bytes() != (again.folder / path).read_bytes()
    ]
    assert differ == []


def test_no_respondent_stands_in_logs_reports_figures_or_tables(finished):
    def files(*patterns):
        return [path for pattern in patterns for path in finished.folder.glob(pattern) if path.is_file()]

    # The identifiers do stand where they must, so that they would be found.
    respondents = finished.survey / "respondents.parquet"
    assert pd.read_parquet(respondents).respondent_id.str.startswith(MARKER).all()
    shown = files("logs/**/*", "results/*.html", "results/*.yaml", "results/surveys/*/figures/*")
    shown += files("results/surveys/*/tables/*", "results/surveys/*/*.json", "results/**/training.json")
    shown += files("benchmarks/**/*.tsv", ".snakemake/log/*")
    assert len(shown) > 30
    marker = MARKER.lower().encode()
    prompt = pd.read_parquet(finished.survey / "prompts/full.parquet").text.iloc[0].splitlines()[2:4]
    row = "\n".join(prompt).encode()
    assert b"Party: " in row and b"\nAge: " in row
    for path in shown:
        content = path.read_bytes()
        assert marker not in content.lower() and row not in content, path
    # The one column that was not asked for is in no file at all.
    for path in files("results/**/*.parquet"):
        assert b"slept badly" not in path.read_bytes() and "DIARY" not in pd.read_parquet(path).columns


def test_the_commands_on_the_readme_s_first_page_exist():
    first_page = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()[:80]
    commands = [line.split("#")[0].split() for line in first_page if line.startswith("    ") and line.strip()]
    targets = re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    made = [
        word for command in commands if command[:1] == ["make"] for word in command[1:] if "=" not in word
    ]
    assert "demo" in made
    assert set(made) <= set(targets)
    for command in commands:
        for word in command:
            if re.match(r"(studies|codebooks|benchmarks|envs|profiles)/", word):
                assert (REPOSITORY / word).exists() or "mine" in word, word


def test_the_record_of_the_run_holds_the_config_as_it_ran(finished):
    record = yaml.safe_load((finished.folder / "results/run.yaml").read_text(encoding="utf-8"))
    trained = record["costs"]["rules"]["train_fold_adapters"]
    assert trained["jobs"] == 2 and trained["wall_hours"] > 0 and trained["gpu_hours"] == 0
    assert len(record["inputs"]["voters.yaml"]) == 64
    assert record["config"]["training"]["quick"]["max_steps"] == 3
    assert record["surveys"]["voters"]["simulated"] is True
    assert len(record["models"]["small"]["digest"]) == 64
