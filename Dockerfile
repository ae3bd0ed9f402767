# syntax=docker/dockerfile:1
# assay in a container: docker build -t assay . (docs/guide/container.md). A test runs the steps of the first two stages.

# The wheel, with the browser files: they come from npm by the lock file, here and nowhere else.
FROM node:24-trixie-slim AS wheel
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY frontend frontend
COPY src src
RUN python3 -m venv /building
RUN /building/bin/python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
RUN python3 -m zipfile --list /wheels/assay-*.whl > /wheels/contents \
    && for file in assay.js app.js app.css charts.js charts-svg.js; do \
    grep "assay/web/static/$file " /wheels/contents || exit 1; done

# Everything that runs, in one folder.
FROM python:3.12-slim-trixie AS installed
COPY constraints.txt /wheels/constraints.txt
COPY --from=wheel /wheels /wheels
RUN python3 -m venv /opt/assay
RUN /opt/assay/bin/python -m pip install --no-cache-dir --constraint /wheels/constraints.txt \
    "$(ls /wheels/assay-*.whl)[arrow,charts,mcp,notify,oidc,pdf]"
RUN /opt/assay/bin/python -m compileall -q /opt/assay/lib

FROM python:3.12-slim-trixie
LABEL org.opencontainers.image.title="assay" \
    org.opencontainers.image.description="Self-hosted conversion and measurement" \
    org.opencontainers.image.licenses="Apache-2.0"
# Pango and fonts are for the report as PDF.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
    libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin assay \
    && install --directory --owner=assay --group=assay --mode=0750 /data
COPY --from=installed /opt/assay /opt/assay
ENV PATH=/opt/assay/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080 8090
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["assay"]
CMD ["serve", "--host", "0.0.0.0"]
