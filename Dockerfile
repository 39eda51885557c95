# Strata in a container: built in one stage, run from a slim one, not as root.
FROM python:3.12-slim AS build
WORKDIR /strata
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 strata
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 BIND=0.0.0.0:8000
WORKDIR /strata
COPY --from=build /venv /venv
COPY --chown=strata:strata . .
RUN mkdir .data && chown strata:strata .data
USER strata
VOLUME /strata/.data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/api/v1/health/ready', headers={'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 && exec gunicorn strata.wsgi"]
