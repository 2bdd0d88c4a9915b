# Two commands on a fresh machine with Python >= 3.11, make and git: `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check audit dist bench soak java mariadb prometheus chromium docs site lock clean

help: ## what each target does
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(DEV) ## install everything into .venv, with hashes checked

# What is pinned is a constraint as well: pip asks for "a[extra]" of its own accord, and would look for the newest of it.
$(STAMP): requirements/runtime.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Einmal needs Python 3.11 or newer; say which with: make run PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || { echo "Creating .venv ..."; $(PYTHON) -m venv $(VENV) \
	  || { echo "venv is missing: on Debian, apt-get install python3-venv"; exit 2; }; }
	@echo "Installing pinned requirements (hashes checked) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt -c requirements/runtime.txt
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/einmal-src.pth"
	@printf '#!/bin/sh\nexec "%s" -m einmal "$$@"\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/einmal && chmod +x $(BIN)/einmal
	@touch $@

$(DEV): $(STAMP) requirements/dev.txt
	@echo "Installing pinned test tools (hashes checked) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt -c requirements/dev.txt
	@touch $@

run: $(STAMP) ## start the gateway (with the built-in simulator when no Cal.com key is set)
	@$(BIN)/einmal serve

demo: $(STAMP) ## watch the incident happen to an unguarded gateway, and not to Einmal
	@$(BIN)/einmal demo

# The network is asked at most once a day, and again for a new lock.
LOCKED  := requirements/extras.txt
AUDITED := build/.audited

check: $(DEV) ## ruff, strict mypy, the floors; the locks, licences, list of parts
	@$(BIN)/ruff check src tests bench scripts soak deploy monitoring
	@$(BIN)/ruff format --check --quiet src tests bench scripts soak deploy monitoring
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/locks.py
	@$(BIN)/python scripts/licences.py
	@$(BIN)/python scripts/sbom.py
	@find $(AUDITED) -newer $(LOCKED) -mtime -1 2>/dev/null | grep -q . || { $(BIN)/python scripts/audit.py --tell && touch $(AUDITED); }

audit: $(DEV) ## is anything that runs known to be vulnerable, or withdrawn? Stops at what it finds (needs the network)
	@$(BIN)/python scripts/audit.py

# Counting lines doubles the time of what runs them. What tests one part by itself is counted; these are not: the whole
# gateway on its ledgers, simulated worlds, real processes. Worlds use two processes themselves, and print who caught
# which sabotage; the last mostly wait.
WHOLE     := tests/contracts tests/flows tests/rest tests/attacks
WORLDS    := tests/simulation
PROCESSES := tests/races tests/e2e tests/model tests/monitoring tests/browser tests/packaging tests/docs

BROWSER := tests/browser/node_modules/.installed

test: export PYTHONDONTWRITEBYTECODE = # hundreds of processes start here: none compiles what another has compiled
test: check java mariadb prometheus $(BROWSER) .venv-docs/.installed ## everything CI runs
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 2 $(addprefix --ignore=,$(WHOLE) $(WORLDS) $(PROCESSES))
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=95
	@$(BIN)/python -m pytest -n 2 $(WHOLE)
	@$(BIN)/python -m pytest $(WORLDS)
	@SCREENSHOTS=build/screenshots $(BIN)/python -m pytest -n 3 $(PROCESSES)

BENCH   := .venv-bench
BENCHED := $(BENCH)/.installed

$(BENCHED): requirements/bench.txt
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@echo "Installing what the gateway is compared with (hashes checked) ..."
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt -c requirements/bench.txt
	@touch $@

bench: $(DEV) $(BENCHED) ## measure; numbers are printed, never asserted
	@$(BENCH)/bin/python bench/compare.py
	@$(BENCH)/bin/python bench/measures.py

LEG     ?=
SECONDS ?= 1200

soak: $(DEV) ## long proofs in bounded legs: make soak LEG=simulate|asgi|crash|kill|races|ha|model|mutate|fuzz SECONDS=1200
	@case "$(LEG)" in \
	  simulate) $(BIN)/einmal simulate --intents 1000000000 --seconds $(SECONDS) --seed $$(date +%s) ;; \
	  asgi)     $(BIN)/einmal simulate --ledger sqlite --intents 1000000000 --seconds $(SECONDS) --seed $$(date +%s) ;; \
	  crash)    $(BIN)/python soak/crash.py --seconds $(SECONDS) --seed $$(date +%s) ;; \
	  kill)     $(BIN)/python soak/kill.py --seconds $(SECONDS) --seed $$(date +%s) ;; \
	  races)    $(BIN)/python soak/races.py --seconds $(SECONDS) ;; \
	  ha)       $(BIN)/python soak/ha.py --seconds $(SECONDS) ;; \
	  model)    $(BIN)/python tests/model/tlc.py --soak --seconds $(SECONDS) ;; \
	  mutate)   $(BIN)/python soak/mutate.py --seconds $(SECONDS) ;; \
	  fuzz)     $(BIN)/python soak/fuzz.py --seconds $(SECONDS) ;; \
	  *)        echo "Say which: make soak LEG=simulate, asgi, crash, kill, races, ha, model, mutate or fuzz [SECONDS=1200]"; exit 2 ;; \
	esac

java: # the model checker's; on Debian as root it is installed, elsewhere it is named
	@command -v java >/dev/null 2>&1 || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 \
	  && echo "Installing default-jre-headless ..." && apt-get install -qq -y default-jre-headless >/dev/null; } \
	  || { echo "java is missing, which checks the model: install a JRE, such as Debian's default-jre-headless"; exit 2; }

# Its server alone, which starts no service: the tests start their own, on a folder of their own.
mariadb: # what repairs are tested on beside PostgreSQL and SQLite; on Debian as root it is installed, elsewhere it is named
	@PATH="$$PATH:/usr/sbin:/usr/libexec"; command -v mariadbd >/dev/null 2>&1 \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1 && echo "Installing mariadb-server-core ..." \
	  && { apt-get install -qq -y --no-install-recommends mariadb-server-core >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends mariadb-server-core >/dev/null; }; }; } \
	  || { echo "mariadbd is missing, which repairs are tested on: install Debian's mariadb-server-core"; exit 2; }

# Without leaving a service behind: while it installs, a policy forbids that any is started.
POLICY := /usr/sbin/policy-rc.d

prometheus: # what alerts are checked and tried with; on Debian as root it is installed, elsewhere it is named
	@missing() { ! { command -v prometheus && command -v promtool && command -v prometheus-alertmanager && command -v amtool; } \
	  >/dev/null 2>&1; }; missing || exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "Installing prometheus, prometheus-alertmanager ..."; \
	  test -e $(POLICY) || { trap 'rm -f $(POLICY)' EXIT; printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod +x $(POLICY); }; \
	  get() { apt-get install -qq -y --no-install-recommends prometheus prometheus-alertmanager >/dev/null 2>&1; }; \
	  get || { apt-get update -qq && get; }; \
	fi; \
	! missing || { echo "promtool or amtool is missing, which check the alerts: install Debian's prometheus, prometheus-alertmanager"; exit 2; }

# Debian's node wants npm beside it; whoever has a node of their own keeps it.
chromium: # what pages are looked at with; on Debian as root it is installed, elsewhere it is named
	@missing() { ! { command -v chromium && command -v node && command -v npm; } >/dev/null 2>&1; }; missing || exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null 2>&1; then \
	  echo "Installing chromium ..."; \
	  wanted=chromium; command -v node >/dev/null 2>&1 || wanted="$$wanted nodejs"; \
	  command -v npm >/dev/null 2>&1 || wanted="$$wanted npm"; \
	  get() { apt-get install -qq -y --no-install-recommends $$wanted >/dev/null 2>&1; }; \
	  get || { apt-get update -qq && get; }; \
	fi; \
	! missing || { echo "chromium, node or npm is missing, which the pages are looked at with: install Debian's chromium, nodejs, npm"; exit 2; }

$(BROWSER): tests/browser/package-lock.json | chromium
	@echo "Installing the browser's driver (pinned) ..."
	@cd tests/browser && npm ci --silent --no-fund --no-audit 2>/dev/null
	@touch $@

docs: $(DEV) ## write what is made by code: the pages that are drawn, and monitoring/
	@$(BIN)/python scripts/draw_states.py
	@$(BIN)/python scripts/write_reference.py
	@$(BIN)/python scripts/draw_imports.py
	@$(BIN)/python monitoring/write.py

SITE  := .venv-docs
SITED := $(SITE)/.installed

$(SITED): requirements/docs.txt
	@test -x $(SITE)/bin/python || $(PYTHON) -m venv $(SITE)
	@echo "Installing what the documentation's site is built with (hashes checked) ..."
	@$(SITE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt -c requirements/docs.txt
	@touch $@

site: $(SITED) ## build the documentation as pages: build/site
	@NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --quiet --strict --site-dir build/site

# When the release was made, or the last change was: the same sources give the same files, whoever builds them.
dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
dist: $(DEV) ## build the wheel and the source distribution into dist/, with their list of parts and checksums
	@rm -rf dist && said=$$($(BIN)/hatchling build -t sdist -t wheel -d dist 2>&1) || { echo "$$said"; exit 1; }
	@$(BIN)/python scripts/sbom.py dist/einmal.cdx.json
	@cd dist && sha256sum einmal* | tee SHA256SUMS

# `runtime`: what a clone runs on, both databases' drivers with it. `extras`: everything that is ever run.
COMPILED := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header

lock: ## write requirements/*.txt anew from pyproject.toml (needs uv)
	$(COMPILED) pyproject.toml --extra postgres --extra mysql -o requirements/runtime.txt
	$(COMPILED) pyproject.toml --extra dev -c requirements/runtime.txt -o requirements/dev.txt
	$(COMPILED) pyproject.toml --extra postgres --extra mysql --extra mcp --extra tracing -c requirements/dev.txt -o requirements/extras.txt
	$(COMPILED) requirements/bench.in -c requirements/runtime.txt -o requirements/bench.txt
	$(COMPILED) requirements/docs.in -c requirements/dev.txt -o requirements/docs.txt

clean: ## remove .venv and caches (never the data folder)
	rm -rf $(VENV) $(BENCH) $(SITE) .mypy_cache .ruff_cache .hypothesis .coverage
