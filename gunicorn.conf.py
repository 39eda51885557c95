"""The configuration of gunicorn. Workers have threads, so that a slow client blocks only a thread, not a worker."""

import gc
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import environ
from gunicorn.workers import gthread

HERE = Path(__file__).resolve().parent


def forget_strata() -> None:
    """Make the next import read the code again: HUP reads this file again, and a worker inherits loaded modules."""
    for name in [name for name in sys.modules if name.split(".")[0] == "strata"]:
        del sys.modules[name]


def post_fork(server, worker):
    forget_strata()


forget_strata()
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
from strata.environment.variables import bind_host, number, refusal, switch  # noqa: E402

if os.environ.get("ENV", "").lower() != "production" and (HERE / ".env").is_file():
    environ.Env.read_env(str(HERE / ".env"))

chdir = str(HERE)
wsgi_app = "strata.wsgi:application"
port, metrics_port = number("PORT", 8000, most=65_535), number("METRICS_PORT", 9464, least=1, most=65_535)
bind = [f"{bind_host('BIND', '127.0.0.1')}:{port}"]  # PORT=0: any free port
has_metrics = switch("METRICS", default=False)
metrics_bind = f"{bind_host('METRICS_BIND', '127.0.0.1')}:{metrics_port}"
if has_metrics:
    if metrics_port == port:  # on another address too: a request of the metrics is seen by its port
        raise refusal("METRICS_PORT", str(metrics_port), "must be another port than PORT")
    bind.append(metrics_bind)

worker_class = "strata.server.worker.Worker"
workers = number("WEB_CONCURRENCY", 2, least=1, most=256)
threads = number("WEB_THREADS", 4, least=1, most=256)
preload_app = False  # so that HUP loads new code
control_socket_disable = True


def post_worker_init(worker):
    """After Django is loaded: its objects stay for ever, so the garbage collector need not scan them each time."""
    # This file is read before the settings are.
    from assets.valuation.forgotten.changed_settings import look_at_settings
    from strata.server.health import look_at_start

    look_at_start()
    look_at_settings()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


# A browser opens connections before it needs them. A connection without data waits outside of the threads.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.1
# After "Connection: close" gunicorn waits until the other side closes too, and all other connections wait meanwhile.
gthread.util.close_graceful = partial(gthread.util.close_graceful, timeout=0.1)

timeout = 30  # for a worker that does not answer its master; statements end earlier, see DATABASE_TIMEOUT
graceful_timeout = 30
keepalive = 5
max_requests = 20_000  # a worker is replaced before small leaks add up
max_requests_jitter = 5_000
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - the heartbeat works on a full disk too

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # as the client of Prometheus calls it
if has_metrics and METRICS_FOLDER not in os.environ:  # HUP reads this file again: the folder stays
    os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="strata-metrics-", dir=worker_tmp_dir)
elif has_metrics:
    Path(os.environ[METRICS_FOLDER]).mkdir(mode=0o700, parents=True, exist_ok=True)


def child_exit(server, worker):
    if has_metrics:
        # HUP makes the next import read the code again, in the master too.
        from strata.server.metrics_endpoint import add_up_ended

        add_up_ended(worker.pid)


def on_exit(server):
    # Not a folder that the operator has chosen.
    if has_metrics and Path(os.environ[METRICS_FOLDER]).name.startswith("strata-metrics-"):
        shutil.rmtree(os.environ[METRICS_FOLDER], ignore_errors=True)


limit_request_line = 8190  # a report may name many portfolios; the most that gunicorn allows
forwarded_allow_ips = ""  # Strata's TRUSTED_PROXIES decides which proxies are trusted
umask = 0o077
accesslog = None  # Strata writes the line of each request itself
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "strata.server.logs.JsonLines"}},
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["json"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["json"], "propagate": False}},
}
