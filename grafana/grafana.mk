# Targets about dashboards, alerts and the chart, included by the Makefile.

.PHONY: dashboards charts

dashboards: .venv ## write the dashboards, the PrometheusRule and the chart's copies of both
	.venv/bin/python grafana/generate.py

charts: .venv dashboards ## write the chart's schema of values
	.venv/bin/python deploy/helm/schema.py
