# Every command of the project. `make` alone lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ZOO    := $(VENV)/.zoo
PIP    := $(BIN)/python -m pip install --quiet --constraint constraints.txt
DEMO   := demo
PEERS  := .venv-peers
ONNX   := .venv-peers-torch
PEERS_PYTHON ?= python3.11
# of `make check`: what is neither traced nor run, graphs, plans and words
TESTS ?= tests/matching tests/passes tests/reporting tests/test_graph.py tests/test_plan.py tests/test_source.py tests/test_transfer.py

# pip says nothing of its own new versions, and never waits for an answer.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# TensorFlow tells of instruction sets and absent GPUs on stderr unless it is asked not to.
export TF_CPP_MIN_LOG_LEVEL := 3

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install demo test check lint bench fuzz mutants pairs peers support zoo clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F '\t' '{ printf "make %-9s %s\n", $$1, $$2 }'

install: $(STAMP) ## make the virtual environment in .venv, with exactly the versions of constraints.txt

demo: $(STAMP) ## train LeNet-5 twice, copy both ways, prove both copies; the files land in demo/
	$(BIN)/homolog demo -o $(DEMO) --force

test: $(STAMP) lint ## everything the CI runs: style, types and all tests
	$(BIN)/python -m pytest -n 2

check: lint ## style, types and a minute of tests, in an environment that exists already (TESTS="tests/keras" takes others)
	$(BIN)/python -m pytest -n 2 -m "not slow" $(TESTS)

lint: ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP) ## the figures homolog holds itself to, as a table and as JSON in bench/results/
	$(BIN)/python -m bench

fuzz: $(STAMP) ## spoil files of every format 100,000 times each and read them (hours; ARGS="safetensors --count 5000")
	$(BIN)/python -m bench fuzz $(or $(ARGS),--count 100000)

mutants: $(STAMP) ## ask `verify` about networks with a defect, and about correct copies; the table lands in docs/mutants.md
	$(BIN)/python -m bench mutants

pairs: $(ZOO) ## copy 16 real pairs of networks both ways (most of an hour); the table lands in docs/pairs.md
	$(BIN)/python -m bench pairs

peers: $(ZOO) $(PEERS)/.installed $(ONNX)/.installed ## translate networks beside nobuco and tf2onnx (half an hour); the tables land in docs/peers.md and docs/peers-torch.md
	$(BIN)/python -m bench peers; first=$$?; $(BIN)/python -m bench peers --to torch && exit $$first

zoo: $(ZOO) ## translate whole families of networks (hours; ARGS=--resume goes on); the tables land in docs/zoo.md and docs/zoo-torch.md
	$(BIN)/python -m bench zoo $(ARGS); first=$$?; $(BIN)/python -m bench zoo --to torch $(ARGS) && exit $$first

support: $(STAMP) ## write docs/support.md from the table of rules
	$(BIN)/python -m homolog.reporting.support

clean: ## remove the virtual environment and what the targets wrote
	rm -rf $(VENV) $(PEERS) $(ONNX) $(DEMO) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The stamp is touched last, so that an install that broke off is done again. The build needs no isolation: the
# setuptools it would fetch came with PyTorch, at its pinned version.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo 'homolog is built with Python 3.11, 3.12 or 3.13 (TensorFlow has no other); $(PYTHON) is none of them.'; \
	  echo 'help: make $(MAKECMDGOALS) PYTHON=python3.12'; exit 1; } >&2
	@echo '[1/4] virtual environment in $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@echo '[2/4] PyTorch'
	@$(PIP) "$$(grep '^torch==' constraints.txt)"
	@echo '[3/4] Keras, TensorFlow and the tools (the longest step: a few minutes)'
	@$(PIP) --no-build-isolation --editable '.[dev]'
	@echo '[4/4] Keras 2, for the tests'
	@$(PIP) --no-deps "$$(grep '^tf_keras==' constraints.txt)"
	@touch $(STAMP)

# Real networks for `make pairs`; nothing else needs them.
$(ZOO): $(STAMP) constraints-zoo.txt
	@echo 'the zoo: torchvision, timm, transformers, keras-hub'
	@$(PIP) --no-deps --requirement constraints-zoo.txt
	@touch $(ZOO)

# The peers that `make peers` measures, in environments of their own: nobuco needs TensorFlow 2.15 and Keras 2, ...
$(PEERS)/.installed: constraints-peers.txt
	@$(PEERS_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo 'the peers run on Python 3.11 (TensorFlow 2.15 has no later one); $(PEERS_PYTHON) is another.'; \
	  echo 'help: make peers PEERS_PYTHON=/usr/bin/python3.11'; exit 1; } >&2
	@echo 'the peers: nobuco, TensorFlow 2.15, Keras 2, in $(PEERS)'
	@$(PEERS_PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --no-deps --requirement constraints-peers.txt
	@touch $(PEERS)/.installed

# ... and tf2onnx with onnx2torch nothing that homolog should be measured beside.
$(ONNX)/.installed: constraints-peers-torch.txt
	@echo 'the peers: tf2onnx, onnx2torch, in $(ONNX)'
	@$(PEERS_PYTHON) -m venv $(ONNX)
	@$(ONNX)/bin/python -m pip install --quiet --no-deps --requirement constraints-peers-torch.txt
	@touch $(ONNX)/.installed
