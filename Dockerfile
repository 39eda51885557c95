# Strata in a container: not root, migrated at start, its data in the volume /app/.data (or in PostgreSQL, by DATABASE_URL).

FROM python:3.14-slim AS packages
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.14-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MPLCONFIGDIR=/tmp/matplotlib \
    ENV=production \
    BIND=0.0.0.0 \
    PORT=8000
WORKDIR /app
# Fonts for names in Chinese, Japanese and Korean in pictures, Pango and a font for PDFs. The versions are those of
# Debian, as for all packages in the base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-cjk fonts-dejavu-core \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin strata \
    && install --directory --owner=strata --group=strata --mode=700 /app/.data
COPY --from=packages /opt/venv /opt/venv
COPY . .
RUN python -m compileall -q strata portfolios assets investments reports imports archives demo
USER 10001
VOLUME /app/.data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "scripts/healthcheck.py"]
CMD ["sh", "-c", "python manage.py migrate --noinput && exec gunicorn --config gunicorn.conf.py"]
