# Every command that a developer needs. Without a name: what there is.
#
# PYTHON is only used to make .venv; everything else runs inside it.

PYTHON ?= python3
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench cuts soak python packages environment tested-environment

help:
	@echo "make demo    run the whole service here, with demonstration people and cards"
	@echo "             DEMO_PORT=5000 BRIDGE_PORT=27500 MAIL_PORT=8025   other ports"
	@echo "             READERS=pcsc   use the readers of this machine too"
	@echo "             SELF_SERVICE_MODE=code   a mailed code alone, or off: without self-service"
	@echo "             FRESH=1        forget everything and start anew"
	@echo "make test    install what the tests need, then lint, types and all tests"
	@echo "             PYTEST='tests/web -k sign_in'   only some of them"
	@echo "make lint    ruff, mypy and the rules about who may import what"
	@echo "make soak    the tests that take long: many more examples, cuts and repeats"
	@echo "             SOAK_MINUTES=60   for how long; SOAK_SEED=n   one round again"
	@echo "make cuts    cut every card operation everywhere, and say what came of it"
	@echo "             CUTS='--all'   in every way, on every make of card"
	@echo "make bench   measure; ONLY=name measures one thing"

demo: environment
	@$(RUN) -m tools.demo

test: packages tested-environment lint
	@$(RUN) -m tools.run_tests $(PYTEST)

lint: environment
	@$(RUN) -m tools.lint

soak: packages tested-environment
	@$(RUN) -m tools.run_tests --soak $(PYTEST)

cuts: tested-environment
	@$(RUN) -m tests.faults $(CUTS)

bench: packages tested-environment
	@$(RUN) -m bench $(if $(ONLY),--only $(ONLY))

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make … PYTHON=/path/to/python3.11'; exit 1; }

packages: python
	@$(PYTHON) tools/packages.py

environment: python
	@$(PYTHON) tools/environment.py

tested-environment: packages
	@$(PYTHON) tools/environment.py --with-pcsc
