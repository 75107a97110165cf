# Targets about dashboards, alerts and the chart, included by the Makefile.

.PHONY: dashboards charts picture

dashboards: .venv ## write the chart's dashboards, and the PrometheusRule
	.venv/bin/python grafana/generate.py

charts: .venv dashboards ## write the chart's schema of values
	.venv/bin/python deploy/helm/schema.py

picture: .venv ## draw the dashboard for the README from live data (needs prometheus)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check 'matplotlib>=3.10'
	.venv/bin/python grafana/render.py
