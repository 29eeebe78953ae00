# The REST service and the page, on port 5000.
#
#   docker build -t reason .
#   docker run --rm -p 5000:5000 reason
#
# Podman and Buildah need `--format docker`, because their own format has no HEALTHCHECK.
#
# BASE is any image with Python 3.11 or newer as `python3`, with its venv module. PIP_ARGS goes to
# `pip install`: name an index of CPU-only torch builds there, and the image is some gigabytes smaller.
# It is recorded in the image's history, so put no password there.
ARG BASE=python:3.11-slim
FROM ${BASE}

ENV PATH=/opt/reason/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

RUN useradd --system --no-create-home --shell /usr/sbin/nologin reason \
    && python3 -m venv /opt/reason

WORKDIR /app
ARG PIP_ARGS=""
COPY requirements.txt ./
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check ${PIP_ARGS} -r requirements.txt

COPY pyproject.toml README.md LICENSE reason_api.py gunicorn.conf.py index.html ./
COPY static static
COPY reason reason
COPY train train
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check ${PIP_ARGS} --no-deps --editable .
COPY reason_saved reason_saved

ENV REASON_HOST=0.0.0.0 \
    REASON_PORT=5000
USER reason
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python3", "-c", "\
import os, urllib.request; \
urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"REASON_PORT\"]}/health/ready', timeout=4)"]

# gunicorn.conf.py holds the rest; the heartbeat file belongs into memory, where no slow disk can delay it.
CMD ["gunicorn", "--worker-tmp-dir=/dev/shm", "reason_api:app"]
