# Targets about the image, included by the Makefile.

.PHONY: lock image-check lint-image

LOCK = uv pip compile --quiet --generate-hashes --no-header --python-version 3.13 --python-platform linux --output-file

lock: ## pin what the image installs, with hashes (needs uv)
	$(LOCK) deploy/image/requirements.lock --extra tracing pyproject.toml
	$(LOCK) deploy/image/build.lock deploy/image/build.in

image-check: ## perform the Dockerfile's steps without an engine and prove the image (needs root and debootstrap)
	python3 deploy/image/rehearse.py

lint-image: .venv
	.venv/bin/hadolint Dockerfile
