# Fuzzing, and the compiled modules under sanitizers.

SECONDS ?= 60
TARGETS ?= request response chunks trailers block frames answers lines hello proxy certificate text objects

.PHONY: fuzz sanitize

fuzz: .venv/fuzz ## fuzz each parser for SECONDS=60; TARGETS="request chunks" chooses
	$(BIN)/python tests/fuzz/build.py fuzz
	set -e; for target in $(TARGETS); do \
	    echo "--- $$target"; $(BIN)/python tests/fuzz/fuzz.py $$target -max_total_time=$(SECONDS) -verbosity=0 -print_final_stats=1; \
	done

sanitize: .venv ## run the tests of the compiled leaves under AddressSanitizer and UndefinedBehaviorSanitizer
	sh tests/fuzz/sanitize.sh

.venv/fuzz: .venv/tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	touch $@
