# Targets about speed, included by the Makefile.

.PHONY: chart

bench: compiled ## compare with nginx and HAProxy (see bench/compare.py); ARGS="--rounds 5 --scenarios small,tls"
	sh tools/packages.sh test
	$(BIN)/python bench/compare.py --json build/bench.json $(ARGS)

chart: .venv/edge ## draw docs/images/speed.png from the newest `make bench`
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dashboards]'
	$(BIN)/python bench/chart.py build/bench.json docs/images/speed.png
