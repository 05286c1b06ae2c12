PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: quickstart test test-all light golden mutate lock audit versions clean

# The commit that `make golden` compares with.
BASE ?= HEAD~1

# Make the environment, then train, explain and export a small model on drawn photos; offline after the install.
quickstart: $(VENV)/train.installed
	$(BIN)/python -m kimchi_vision run experiments/quickstart.yaml

# Lint, the import contract and every test but the slow ones.
test: TESTS := -m "not slow"
# The slow ones, too.
test test-all: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile $(TESTS)

# The tests without torch, on Python 3.10 with the lowest versions and on 3.13 with the newest. Minutes.
light: $(VENV)/dev.installed
	.ci/light

# Small runs by this tree and by BASE, side by side: every number that differs, by file. Minutes.
golden: $(VENV)/dev.installed
	$(BIN)/python -m benchmarks.golden --base $(BASE)

# Small faults, one at a time: how many do the tests notice? make mutate MODULE=kimchi_vision/goals.py
mutate: $(VENV)/dev.installed
	$(BIN)/python benchmarks/mutate.py $(MODULE)

$(VENV)/train.installed: EXTRAS := train,offline
$(VENV)/dev.installed: EXTRAS := train,offline,dev
$(VENV)/audit.installed: EXTRAS := audit
$(VENV)/%.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(LOCKED),--require-hashes --requirement locked.txt)\
		$(if $(LOCKED),,--constraint constraints.txt --editable '.[$(EXTRAS)]')
	$(if $(LOCKED),$(BIN)/python -m pip install --quiet --no-deps --editable .)
	touch $@

# The versions that `make quickstart LOCKED=yes` installs, each with its hashes; and beside them those of the
# other extras, which are gigabytes together: pip install --require-hashes -r locked-extras.txt
LOCK = $(BIN)/uv pip compile --quiet --universal --no-annotate --no-header --generate-hashes --upgrade \
	--python-version 3.10 --constraint constraints.txt pyproject.toml
lock: $(VENV)/dev.installed
	$(LOCK) --output-file locked.txt --extra train --extra offline --extra app
	$(LOCK) --output-file locked-extras.txt --constraint locked.txt --extra search --extra cluster \
		--extra tensorboard --extra wandb --extra mlflow --extra openvino --extra coreml

# The list of what is installed, sbom.json (CycloneDX), and the known faults of it.
audit: $(VENV)/audit.installed
	$(BIN)/cyclonedx-py requirements --output-file sbom.json locked.txt
	$(BIN)/python benchmarks/audit.py

# A small run with the lowest versions on the oldest Python, and with the newest on the newest. Gigabytes, minutes.
versions: $(VENV)/dev.installed
	.ci/versions

clean:
	rm -rf $(VENV)
