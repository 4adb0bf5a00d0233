# Two commands set everything up from a bare machine: `make demo` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
CORES ?= $(shell nproc)

.PHONY: demo test test-slurm bench format clean

$(BIN)/.installed: pyproject.toml
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[dev]
	touch $@

demo: $(BIN)/.installed  ## the whole study of config.yaml on this machine, to results/report.html
	$(BIN)/snakemake --cores $(CORES) --logger rich
	@echo "The report: file://$(CURDIR)/results/report.html"

test: $(BIN)/.installed  ## style, types, rules, and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-slurm: $(BIN)/.installed  ## a real Slurm of three nodes on this machine, its faults, and random kills; needs root and Debian
	$(BIN)/pytest tests/slurm

bench: $(BIN)/.installed  ## the speed comparisons of BENCHMARKS.md, CPU sizes
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/loading.py --repetitions 2
	$(BIN)/python benchmarks/dag.py

format: $(BIN)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

clean:  ## results, logs and Snakemake's memory; the environment stays
	find results -mindepth 1 ! -name .gitkeep -delete
	rm -rf logs .snakemake
