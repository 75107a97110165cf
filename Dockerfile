# Edge in two stages: the first builds the wheel and fills a virtual environment, the second holds that environment and
# the interpreter, nothing else. Everything that is installed is pinned with hashes (deploy/image/*.lock, `make lock`);
# for a build that can be repeated bit by bit, pin BASE too: --build-arg BASE=debian@sha256:...
# deploy/image/rehearse.py performs these steps without a container engine (`make image-check`).
ARG BASE=debian:trixie-slim

# hadolint ignore=DL3006
FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Versions of Debian's packages are those of the base image's release: pinning them one by one would only refuse
# security updates.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY deploy/image/build.lock deploy/image/requirements.lock ./
RUN python3 -m venv /opt/edge \
 && python3 -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --only-binary :all: --requirement build.lock \
 && /opt/edge/bin/pip install --require-hashes --only-binary :all: --no-compile --requirement requirements.lock
COPY pyproject.toml setup.py README.md LICENSE ./
COPY edge edge
# A fixed time makes the wheel the same for the same source. Byte code is checked by nothing at start (the files cannot
# change), pip has no work in the image, and neither has the half of the Kubernetes client that is for asyncio (64 MB).
ARG SOURCE_DATE_EPOCH=1767225600
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir dist . \
 && /opt/edge/bin/pip install --no-deps --no-compile dist/edge_ingress-*.whl \
 && /opt/edge/bin/pip check \
 && /opt/edge/bin/pip uninstall --yes pip \
 && rm -r /opt/edge/lib/python3*/site-packages/kubernetes/aio \
 && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/edge/lib

# hadolint ignore=DL3006
FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Edge" \
      org.opencontainers.image.description="A Kubernetes ingress controller around a routing table in shared memory" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="debian:trixie-slim"
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
COPY --from=build /opt/edge /opt/edge
# The root file system is never written: byte code is there, the table lives in /dev/shm or where EDGE_SHM_DIR says.
ENV PATH=/opt/edge/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /
EXPOSE 8080 8443 10254
STOPSIGNAL SIGTERM
# Only for engines that run the image alone; Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:10254/healthz', timeout=2)"]
# The launcher is made to be process 1: it reaps, forwards signals and passes the exit status on.
ENTRYPOINT ["edge"]
CMD ["run"]
