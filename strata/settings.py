"""Every setting, its value from the environment; in production it refuses to start half-configured."""

from __future__ import annotations

import os
import re
import secrets
import sys
import warnings
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from zoneinfo import available_timezones

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from strata import __version__

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
TESTING = "pytest" in sys.modules
env = environ.Env()

# --- how a value is read: what cannot be understood is refused by its name ---


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def listed(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def switch(name: str, default: bool) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    given = text(name).lower()
    if given and given not in words:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(words)}.")
    return words[given] if given else default


def number(name: str, default: int, least: int = 0) -> int:
    given = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,12}", given, re.ASCII) or int(given) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}.")
    return int(given)


def networks(name: str) -> list:
    """Addresses or networks such as 10.0.0.0/8."""
    try:
        return [ip_network(word) for word in listed(name)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be addresses or networks such as 10.0.0.0/8.") from error


# --- which environment ---

ENVIRONMENTS = ("development", "production")
ENV = text("ENV", "development").lower()
if ENV not in ENVIRONMENTS:
    raise ImproperlyConfigured(f"ENV must be one of {', '.join(ENVIRONMENTS)}.")
PRODUCTION = ENV == "production"
if not PRODUCTION and not TESTING and (BASE_DIR / ".env").is_file():
    environ.Env.read_env(str(BASE_DIR / ".env"))
    if text("ENV", ENV).lower() != ENV:
        raise ImproperlyConfigured("ENV cannot be set in .env, which production does not read.")

DEBUG = switch("DEBUG", default=False)
ALLOWED_HOSTS = listed("ALLOWED_HOSTS", () if PRODUCTION else ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = listed("CSRF_TRUSTED_ORIGINS")

PUBLISHED_KEYS = ("change-me", "change_me", "changeme", "secret", "django-insecure", "example", "strata")
SHORTEST_KEY = 50


def require_safe_production() -> None:
    """Names the setting that is missing or unsafe, instead of starting with it."""
    key = text("SECRET_KEY")
    if not key:
        raise ImproperlyConfigured("SECRET_KEY is not set: production needs one of its own.")
    if any(published in key.lower() for published in PUBLISHED_KEYS):
        raise ImproperlyConfigured("SECRET_KEY is a published example: make one of your own.")
    if len(key) < SHORTEST_KEY or len(set(key)) < 10:
        raise ImproperlyConfigured(f"SECRET_KEY is too short: use at least {SHORTEST_KEY} random characters.")
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is on: it must be off in production.")
    if not ALLOWED_HOSTS or any("*" in host for host in ALLOWED_HOSTS):
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts in production; '*' is refused.")


def kept_secret_key() -> str:
    """A key for development, made once and kept beside the database, readable by its owner only."""
    path = DATA_DIR / "secret_key"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            write_once(path, secrets.token_urlsafe(64))
        return path.read_text().strip()
    except OSError as error:
        lost = f"SECRET_KEY is not set and cannot be kept ({error}): logins end with this process."
        warnings.warn(lost, stacklevel=2)
        return secrets.token_urlsafe(64)


def write_once(path: Path, content: str) -> None:
    """Whole or not at all, and with mode 600: two workers may start at once, and both must read the same."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as file:
        file.write(content)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


if PRODUCTION:
    require_safe_production()
SECRET_KEY = text("SECRET_KEY") or kept_secret_key()

# --- the database ---

OWN_DATABASE = DATA_DIR / "strata.db"
DATABASE_TIMEOUT = number(
    "DATABASE_TIMEOUT", default=0
)  # seconds for a statement; 0 is none, wsgi.py sets one
SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    " PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY;",
}
KEPT = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}  # connecting anew costs more than most requests
POSTGRESQL = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": f"-c lock_timeout=10s -c statement_timeout={DATABASE_TIMEOUT}s",
}


def database(url: str) -> dict:
    """Django's DATABASES entry for a URL, with what makes each database safe under many writers."""
    config = env.db_url_config(url)
    given = config.get("OPTIONS", {})
    if config.get("ENGINE") == "django.db.backends.sqlite3":
        file = writable_file(config["NAME"])
        config = config | KEPT | {"ENGINE": "strata.sqlite", "NAME": file, "OPTIONS": SQLITE | given}
        return config | ({"TEST": own_test_file()} if TESTING else {})
    if config.get("ENGINE") == "django.db.backends.postgresql":
        return config | KEPT | {"ENGINE": "strata.postgresql", "OPTIONS": POSTGRESQL | given}
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")


def own_test_file() -> dict:
    """A file for each test process: an in-memory database locks whole tables between threads."""
    return {"NAME": writable_file(f".data/test-{os.getpid()}.db")}


def writable_file(name: str) -> str:
    """The SQLite file, its folders made. Where they cannot be: a loud warning and the repository's own file."""
    if name == ":memory:":
        return name
    path = BASE_DIR / name
    try:
        make_room(path)
    except OSError as error:
        if PRODUCTION or path == OWN_DATABASE:
            raise ImproperlyConfigured(f"DATABASE_URL: {path} cannot be made ({error}).") from error
        warnings.warn(
            f"DATABASE_URL: {path} CANNOT BE MADE ({error}). USING {OWN_DATABASE} INSTEAD.", stacklevel=2
        )
        return writable_file(str(OWN_DATABASE))
    return str(path)


def make_room(path: Path) -> None:
    """Make the folders. A file that exists is left to SQLite: what cannot be written may still be read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists() and not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} is not writable")


OWN_URL = f"sqlite:///{OWN_DATABASE}"
DATABASES = {"default": database(text("TEST_DATABASE_URL" if TESTING else "DATABASE_URL", OWN_URL))}
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
    "corsheaders",
    "axes",
    "strata",
    "portfolios",
    "assets",
    "reports",
    "demo",
]
MIDDLEWARE = [
    "strata.middleware.TrustedProxies",
    "strata.middleware.RequestLog",
    "strata.middleware.SafeHeaders",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "strata.middleware.AdminPolicy",
    "django.middleware.security.SecurityMiddleware",
    "strata.middleware.RefusalShape",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "strata.middleware.BodyLimit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "strata.middleware.NameTheActor",
    "strata.middleware.NoteTheToken",
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
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "strata.accounts.LongNamesBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AXES_FAILURE_LIMIT = number("LOGIN_FAILURE_LIMIT", default=10, least=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_RESET_ON_SUCCESS = False  # it would clear the whole address, for whoever has a login of their own
AXES_CLIENT_IP_CALLABLE = "strata.api.throttles.client_of"
AXES_USERNAME_CALLABLE = "strata.accounts.counted_name"
AXES_LOCKOUT_CALLABLE = "strata.accounts.locked_page"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # strata/admin.py shows what it counted
API_THROTTLE = text("API_THROTTLE", "off" if TESTING else "1200/min").lower()
if not re.fullmatch(r"off|[1-9][0-9]{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)", API_THROTTLE, re.ASCII):
    raise ImproperlyConfigured("API_THROTTLE must be like 1200/min, or off.")
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
IF_MATCH_REQUIRED = switch("IF_MATCH_REQUIRED", default=False)
MAX_BODY_BYTES = number("MAX_BODY_BYTES", default=2 * 1024 * 1024, least=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
RATE_MAX_AGE_DAYS = number("RATE_MAX_AGE_DAYS", default=10)

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
    "OAS_VERSION": "3.1.0",
    "TITLE": "Strata",
    "DESCRIPTION": "What a household owns and owes, and what it is worth on any day.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
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

CORS_ALLOWED_ORIGINS = listed("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "if-match", "if-none-match", "x-request-id")
CORS_EXPOSE_HEADERS = ("etag", "idempotency-replayed", "location", "retry-after", "x-request-id")
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
# The exceptions, all of them the admin's, whose theme (django-unfold) cannot do without; no inline script runs there
# either. 'unsafe-eval': its menus, tabs and modals are Alpine.js, which evaluates the expressions in its attributes.
# 'unsafe-inline' for styles: it writes its colours into a <style> of the page, and Alpine and select2 set styles.
ADMIN_CSP = SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
SECURE_PROXY_SSL_HEADER = (
    "HTTP_X_FORWARDED_PROTO",
    "https",
)  # TrustedProxies removes it where it is not theirs
SECURE_SSL_REDIRECT = switch("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
SECURE_HSTS_SECONDS = number("HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CROSS_ORIGIN_RESOURCE_POLICY = "same-origin"
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "usb",
    )
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "strata.api.errors.forged"

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no names in a cookie

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: there is no collectstatic to forget
WHITENOISE_AUTOREFRESH = WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- words, time and logs ---

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = text("TIME_ZONE", "UTC")
if TIME_ZONE not in available_timezones():
    raise ImproperlyConfigured("TIME_ZONE must be the name of a time zone, such as Europe/Berlin.")
LOG_LEVEL = text("LOG_LEVEL", "WARNING" if TESTING else "INFO").upper()
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "strata.logs.JsonLines"}},
    "filters": {"broken": {"()": "strata.logs.Broken"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "strata": {"level": LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR", "filters": ["broken"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.server": {"handlers": [], "level": "CRITICAL"},  # runserver's lines show what a URL asks for
        "axes": {"level": "ERROR"},
    },
}

UNFOLD = {
    "SITE_TITLE": "Strata",
    "SITE_HEADER": "Strata",
    "SITE_SYMBOL": "layers",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{STATIC_URL}strata/icon.svg"}],
    "STYLES": [f"{STATIC_URL}strata/admin.css"],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "strata.admin.sidebar"},
    "DASHBOARD_CALLBACK": "reports.dashboard.page.show",  # the kernel asks for it by name
}
