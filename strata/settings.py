"""Every setting, its value from the environment; in production it refuses to start half-configured."""

from __future__ import annotations

import os
import secrets
import sys
import warnings
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from strata import __version__

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- which environment ---

PRODUCTION = os.environ.get("ENV", "").lower() == "production"
if not PRODUCTION and (BASE_DIR / ".env").is_file():
    environ.Env.read_env(str(BASE_DIR / ".env"))

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

PUBLISHED_KEYS = ("change-me", "changeme", "secret", "django-insecure", "strata-development")
SHORTEST_KEY = 50


def require_safe_production() -> None:
    """Names the setting that is missing or unsafe, instead of starting with it."""
    key = env.str("SECRET_KEY", default="")
    if not key:
        raise ImproperlyConfigured("SECRET_KEY is not set: production needs one of its own.")
    if len(key) < SHORTEST_KEY or len(set(key)) < 5:
        raise ImproperlyConfigured(f"SECRET_KEY is too short: use at least {SHORTEST_KEY} random characters.")
    if any(published in key.lower() for published in PUBLISHED_KEYS):
        raise ImproperlyConfigured("SECRET_KEY is a published example: make one of your own.")
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is on: it must be off in production.")
    if not ALLOWED_HOSTS or any("*" in host for host in ALLOWED_HOSTS):
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts in production; '*' is refused.")


def kept_secret_key() -> str:
    """A key for development, made once and kept beside the database, readable by its owner only."""
    path = BASE_DIR / ".data" / "secret_key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    except OSError:
        return secrets.token_urlsafe(64)
    return path.read_text().strip() or secrets.token_urlsafe(64)


if PRODUCTION:
    require_safe_production()
SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret_key()

# --- the database ---

DEFAULT_DATABASE = BASE_DIR / ".data" / "strata.db"


def database(url: str) -> dict:
    """Django's DATABASES entry for a URL, with what makes each database safe under many writers."""
    config = env.db_url_config(url)
    if "sqlite" in config["ENGINE"]:
        config["NAME"] = writable_file(config["NAME"])
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            " PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;",
        }
    else:
        config["CONN_MAX_AGE"] = 60
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "connect_timeout": 3, "options": "-c lock_timeout=20000"}
    return config


def writable_file(name: str) -> str:
    """The SQLite file, its folders made. Where they cannot be: a loud warning and the repository's own file."""
    if name == ":memory:":
        return name
    path = Path(name) if Path(name).is_absolute() else BASE_DIR / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if PRODUCTION:
            raise ImproperlyConfigured(f"DATABASE_URL: the folder of {path} cannot be made ({error}).") from error
        warnings.warn(f"DATABASE_URL: {path} CANNOT BE MADE ({error}). USING {DEFAULT_DATABASE}.", stacklevel=2)
        DEFAULT_DATABASE.parent.mkdir(parents=True, exist_ok=True)
        return str(DEFAULT_DATABASE)
    return str(path)


TESTING = "pytest" in sys.modules
DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{DEFAULT_DATABASE}"
DATABASES = {"default": database(env.str("TEST_DATABASE_URL", default=DATABASE_URL) if TESTING else DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the parts ---

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "strata",
    "portfolios",
    "assets",
]
MIDDLEWARE = [
    "strata.middleware.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "strata.middleware.BodyLimit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "strata.middleware.NameTheActor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "strata.urls"
WSGI_APPLICATION = "strata.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "strata" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- who may come in ---

AUTH_USER_MODEL = "strata.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = None
API_THROTTLE = env.str("API_THROTTLE", default="1200/min")
IF_MATCH_REQUIRED = env.bool("IF_MATCH_REQUIRED", default=False)
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=2 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FIRST_HOUSEHOLD = "portfolios.households.first_household"  # the kernel asks for it by name
RATE_MAX_AGE_DAYS = env.int("RATE_MAX_AGE_DAYS", default=10)

# --- the API ---

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "strata.api.authentication.TokenAuthentication",
        "strata.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["strata.api.authentication.IsKnownAndInScope"],
    "DEFAULT_PARSER_CLASSES": ["strata.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "strata.api.schema.StrataSchema",
    "DEFAULT_PAGINATION_CLASS": "strata.api.pagination.Pages",
    "DEFAULT_THROTTLE_CLASSES": ["strata.api.throttles.GeneralThrottle"],
    "EXCEPTION_HANDLER": "strata.api.errors.answer",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Strata",
    "DESCRIPTION": "What a household owns and owes, and what it is worth on any day.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    "ENUM_NAME_OVERRIDES": {},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "strata.api.schema.add_errors_and_examples",
    ],
}

# --- in the browser ---

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".data" / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# --- words, time and logs ---

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "strata.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "strata": {"level": env.str("LOG_LEVEL", default="WARNING" if TESTING else "INFO")},
        "django.request": {"level": "CRITICAL"},  # ours says it once, with the request's id and nothing private
        "axes": {"level": "ERROR"},
    },
}

UNFOLD = {"SITE_TITLE": "Strata", "SITE_HEADER": "Strata", "SITE_SYMBOL": "layers", "SHOW_HISTORY": False}
