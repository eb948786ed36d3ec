# The commands of this project; plain `make` lists them.
PYTHON ?= python3
export PYTHON
.DEFAULT_GOAL := help
IN_VENV := .venv/bin/python -m

.PHONY: help run test check bench lock clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 8

run: ## start the gateway; without GATEWAY_MQTT_URL with a simulated openWB as site "demo"
	@.ci/venv run
	@exec .venv/bin/python -m gateway up

test: ## run all tests against real parts, and hold coverage to its floor
	@.ci/packages
	@.ci/venv dev
	@.ci/test

check: ## format, lint, types, import contracts, locks in step
	@.ci/venv dev
	@.venv/bin/python .ci/locks.py check
	@$(IN_VENV) ruff format --check
	@$(IN_VENV) ruff check
	@$(IN_VENV) mypy & types=$$!; \
	.venv/bin/lint-imports --no-logo && \
	$(IN_VENV) mypy --cache-dir .mypy_cache/ci .ci/locks.py .ci/coverage_floor.py; others=$$?; \
	wait $$types && exit $$others

bench: ## measure the budgets
	@.ci/packages
	@.ci/venv dev
	@$(IN_VENV) tests.bench

lock: ## make the locks anew from pyproject.toml
	@.ci/venv dev
	@.venv/bin/python .ci/locks.py

clean: ## remove what was built and measured; the data of `make run` stays
	@rm -rf .venv .venv.* dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find gateway recorder tests -name __pycache__ -type d -prune -exec rm -rf {} +
