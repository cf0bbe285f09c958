# `make quickstart` and `make test` do all the set-up themselves; nothing but Python 3.11 or 3.12 with venv is needed.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DATASET ?= kitti_step
SOURCES := knet video_knet configs tools tests setup.py

.PHONY: help setup test quickstart lint format lock clean
help:
	@echo "make quickstart   environment, data, train, test, metrics and overlay video (5 to 10 minutes on 2 CPU cores)"
	@echo "make test         environment and the whole test suite"
	@echo "make lint         ruff (format and lint) and codespell"
	@echo "make format       let ruff rewrite what it can"
	@echo "make lock         resolve requirements.in into requirements.txt"

setup: $(READY)

# Compiled once, when it is installed: where no bytecode may be written, as in many containers, every process would
# compile some 4000 files, which takes longer than importing them.
STARTED := video_knet.apis.quickstart, video_knet.apis.inferencer, video_knet.metrics, video_knet.instance_metric, \
  video_knet.models, video_knet.datasets, mmseg.models, mmdet.engine, mmdet.visualization, torch.distributed.run

# The stamp is newer than what it was built from, so a second run reuses the environment.
$(READY): requirements.txt setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	  sys.exit(0 if v in ((3, 11), (3, 12)) else "Video K-Net needs Python 3.11 or 3.12, but $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12 ..." % v)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "import $(STARTED)"
	@touch $(READY)

test: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

quickstart: $(READY)
	$(BIN)/python tools/quickstart.py $(DATASET) $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/codespell $(SOURCES) README.md docs CHANGELOG.md CONTRIBUTING.md data/README.md

format: $(READY)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header -o requirements.txt requirements.in

clean:
	rm -rf .venv build *.egg-info
