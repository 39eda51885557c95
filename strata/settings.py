"""Every setting, with its value from the environment. In production an incomplete configuration does not start."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from strata import __version__
from strata.environment import database_url
from strata.environment import variables as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
TESTING = "pytest" in sys.modules
IS_SERVER = "strata.wsgi" in sys.modules  # and not a command

# --- which environment ---

ENVIRONMENTS = ("development", "production")
ENV = env.choice("ENV", "development", ENVIRONMENTS)
PRODUCTION = ENV == "production"
# After ENV, which says whether it is read: production takes no setting from a file beside the code.
if not PRODUCTION and not TESTING and (BASE_DIR / ".env").is_file():
    environ.Env.read_env(str(BASE_DIR / ".env"))
    if env.text("ENV", ENV).lower() != ENV:
        raise ImproperlyConfigured("ENV cannot be set in .env, which production does not read.")

DEBUG = env.switch("DEBUG", default=False)
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", () if PRODUCTION else ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", ("https", "http"), wildcard=True)
if PRODUCTION:
    env.require_safe_production(env.text("SECRET_KEY"), debug=DEBUG, hosts=ALLOWED_HOSTS)
SECRET_KEY = env.text("SECRET_KEY") or env.development_secret_key(DATA_DIR / "secret_key")

# The path under which a proxy serves Strata. Django adds it to every URL that it builds.
SCRIPT_NAME = env.url_prefix("SCRIPT_NAME")
FORCE_SCRIPT_NAME = SCRIPT_NAME or None

# --- the database ---

OWN_DATABASE = DATA_DIR / "strata.db"
DATABASE_SETTING = "TEST_DATABASE_URL" if TESTING else "DATABASE_URL"
DATABASES = {
    "default": database_url.database(
        env.text(DATABASE_SETTING, f"sqlite:///{OWN_DATABASE}"),
        DATABASE_SETTING,
        folder=BASE_DIR,
        fallback=None if PRODUCTION else OWN_DATABASE,
        # A separate file for each test process: an in-memory database locks whole tables between threads.
        test_file=f".data/test-{os.getpid()}.db" if TESTING else None,
    )
}
# A standby of that database, which answers reads.
REPLICA_URL = "" if TESTING else env.text("REPLICA_URL")
if REPLICA_URL:
    DATABASES["replica"] = database_url.replica(REPLICA_URL, DATABASES["default"])
# How many seconds a statement may take on PostgreSQL; 0 is no limit. Where it is not set, a command may take longer
# than a request. `migrate` stores that of servers for the role, and `doctor` compares it.
DATABASE_TIMEOUT = env.optional_number("DATABASE_TIMEOUT", most=86_400)
SERVER_STATEMENT_TIMEOUT = 20 if DATABASE_TIMEOUT is None else DATABASE_TIMEOUT
STATEMENT_TIMEOUT = SERVER_STATEMENT_TIMEOUT if IS_SERVER else DATABASE_TIMEOUT or 0  # of this process
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- apps and middleware ---

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.forms",  # the templates of widgets, which FORM_RENDERER then finds as it finds all others
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
    "imports",
    "archives",
    "demo",
]
# A request passes these from top to bottom, its answer from bottom to top.
MIDDLEWARE = [
    # The client's address, the request's id and its line in the log: for every request, also a refused one.
    "strata.server.middleware.TrustedProxies",
    "strata.server.middleware.RequestLog",
    # The headers of every answer.
    "strata.server.middleware.SafeHeaders",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "strata.server.middleware.AdminCspMiddleware",
    # The redirect to https.
    "django.middleware.security.SecurityMiddleware",
    # What any middleware below it, or a view, refuses under /api gets the API's JSON.
    "strata.server.middleware.ApiErrorShapeMiddleware",
    # What needs no user: static files, other origins, URLs without their slash, malformed and too large requests.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "strata.server.middleware.MalformedUrlMiddleware",
    "strata.server.middleware.BodyLimit",
    # The session and its user.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # What needs the user or the session.
    "strata.server.middleware.ActorMiddleware",
    "strata.server.preferences.PreferencesMiddleware",
    "strata.server.middleware.TokenUseMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # The page of a locked login: axes asks to be the last.
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "strata.urls"
WSGI_APPLICATION = "strata.wsgi.application"
APPEND_SLASH = True
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / app / "templates" for app in ("strata", "reports")],  # before those of the theme
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "strata.theme_templates.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- logins ---

AUTH_USER_MODEL = "strata.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "strata.accounts.login.LongNamesBackend",
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
AXES_FAILURE_LIMIT = env.number("LOGIN_FAILURE_LIMIT", default=10, least=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_HANDLER = "strata.accounts.lockout.Handler"  # counts by account too
AXES_LOCKOUT_PARAMETERS = "strata.accounts.lockout.lockout_parameters"
AXES_RESET_ON_SUCCESS = False  # one right login would unlock the whole address
AXES_CLIENT_IP_CALLABLE = "strata.accounts.lockout.counted_address"
AXES_USERNAME_CALLABLE = "strata.accounts.login.counted_name"
AXES_LOCKOUT_CALLABLE = "strata.server.error_pages.locked_page"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # strata/admin/accounts/users.py shows the counts
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# --- commands in processes of their own ---

# The tests run them themselves: a process would not see their database.
FINISH_DELETIONS_IN_BACKGROUND = not TESTING

# --- the size and the time of a request ---

MAX_BODY_BYTES = env.number("MAX_BODY_BYTES", default=2 * 1024 * 1024, least=1024, most=2**30)
# Routes that take many rows have a limit of their own. deploy/nginx.conf has the same.
BODY_BYTES_OF_ROUTES = {
    "/api/v1/values:batch": max(MAX_BODY_BYTES, 8 * 1024 * 1024),
    "/api/v1/transactions:batch": max(MAX_BODY_BYTES, 8 * 1024 * 1024),
    "/api/v1/prices:batch": max(MAX_BODY_BYTES, 16 * 1024 * 1024),
}
# Files: the body is spooled to disk, and has a file of up to IMPORT_MAX_BYTES and some fields.
IMPORT_MAX_BYTES = env.number("IMPORT_MAX_BYTES", default=64 * 1024 * 1024, least=1024, most=2**30)
BODY_BYTES_OF_FILES = dict.fromkeys(("/api/v1/imports", "/admin/import"), IMPORT_MAX_BYTES + 64 * 1024)
# How many rows a file may have: for `manage.py import_file`, and for a request, which holds SQLite's only write lock.
IMPORT_MAX_ROWS = env.number("IMPORT_MAX_ROWS", default=1_000_000, least=1, most=10_000_000)
IMPORT_MAX_ROWS_HTTP = env.number("IMPORT_MAX_ROWS_HTTP", default=100_000, least=1, most=10_000_000)
# Archives of households: packed, and how many rows are restored in a request.
ARCHIVE_MAX_BYTES = env.number("ARCHIVE_MAX_BYTES", default=2**30, least=1024, most=8 * 2**30)
ARCHIVE_MAX_ROWS_HTTP = env.number("ARCHIVE_MAX_ROWS_HTTP", default=500_000, least=1, most=10_000_000)
BODY_BYTES_OF_FILES |= dict.fromkeys(("/api/v1/archives", "/admin/archives"), ARCHIVE_MAX_BYTES + 64 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(MAX_BODY_BYTES, *BODY_BYTES_OF_ROUTES.values())  # BodyLimit refuses before
# For strata/server/worker.py: how long a request's head and its body may take, and how many may be unfinished.
CLIENT_HEAD_SECONDS = env.number("CLIENT_HEAD_SECONDS", default=10, least=1, most=3600)
CLIENT_BODY_SECONDS = env.number("CLIENT_BODY_SECONDS", default=30, least=1, most=3600)
CLIENT_UNFINISHED = env.number("CLIENT_UNFINISHED", default=32, least=1, most=10_000)

# --- valuation ---

# For how many days after its own a rate is used.
RATE_MAX_AGE_DAYS = env.number("RATE_MAX_AGE_DAYS", default=10, most=36_500)
# The same for prices of instruments that have no number of their own.
PRICE_MAX_AGE_DAYS = env.number("PRICE_MAX_AGE_DAYS", default=10, most=36_500)

# --- sources of prices ---

# For how many seconds an answer may arrive, how large it may be, and which private or loopback addresses may be asked.
PRICE_TIMEOUT = env.number("PRICE_TIMEOUT", default=10, least=1, most=300)
PRICE_MAX_BYTES = env.number("PRICE_MAX_BYTES", default=16 * 1024 * 1024, least=1024, most=2**30)
PRICE_PRIVATE_HOSTS = env.listed("PRICE_PRIVATE_HOSTS")

# --- what Prometheus reads ---

# On an address of its own, which gunicorn.conf.py opens: never on that of the users.
METRICS = env.switch("METRICS", default=False) and IS_SERVER
METRICS_PORT = env.number("METRICS_PORT", default=9464, least=1, most=65_535)

# --- the API ---

API_THROTTLE = env.request_rate("API_THROTTLE", "off" if TESTING else "1200/min")
# A Redis in which several machines count requests together; "" where each counts by itself.
SHARED_URL = env.redis_url("SHARED_URL")
IF_MATCH_REQUIRED = env.switch("IF_MATCH_REQUIRED", default=False)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "strata.accounts.authentication.TokenAuthentication",
        "strata.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["strata.accounts.authentication.IsKnownAndInScope"],
    "DEFAULT_METADATA_CLASS": "strata.api.http.metadata.Metadata",
    "DEFAULT_PARSER_CLASSES": ["strata.api.http.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "strata.api.schema.auto_schema.StrataSchema",
    "DEFAULT_PAGINATION_CLASS": "strata.api.pagination.PageNumberPaginator",
    "DEFAULT_THROTTLE_CLASSES": ["strata.api.http.throttles.GeneralThrottle"],
    "EXCEPTION_HANDLER": "strata.api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Strata",
    "DESCRIPTION": "What a household owns and owes, and what it is worth on any day.",
    "VERSION": __version__,
    "SERVERS": [{"url": SCRIPT_NAME}] if SCRIPT_NAME else [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": True,
        "docExpansion": "none",
        "filter": True,
    },
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    "ENUM_NAME_OVERRIDES": {
        "ImportStatusEnum": "imports.models.Import.Status",
        "ActionTypeEnum": "assets.models.InstrumentAction.Type",
        "LotMethodEnum": "portfolios.models.LOT_METHODS",
        "TypeEnum": "assets.models.Transaction.Type",
        "RowOutcomeEnum": ["created", "replaced", "skipped", "refused"],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "strata.api.schema.document.complete",
    ],
}

# --- other origins: which pages may call the API from a browser ---

CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "if-match", "if-none-match", "x-request-id")
CORS_EXPOSE_HEADERS = (
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "retry-after",
    "strata-notice",
    "strata-stale",
    "x-request-id",
)

# --- what a page may load, and who may show it in a frame ---

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
# Exceptions for the admin only, because its theme (django-unfold) needs them. Inline scripts do not run there either.
# 'unsafe-eval': its menus, tabs and modals use Alpine.js, which evaluates expressions in attributes.
# 'unsafe-inline' for styles: the theme writes its colours into a <style> element, and Alpine and select2 set styles.
ADMIN_CSP = SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}
X_FRAME_OPTIONS = "DENY"

# --- proxies and https ---

TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
# TrustedProxies removes this header where no trusted proxy sent it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.switch("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{SCRIPT_NAME}/api/v1/health/'.lstrip('/'))}"]
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0

# --- further headers of every answer ---

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
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

# --- cookies and messages ---

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{SCRIPT_NAME}/"  # the host may serve other programs
CSRF_FAILURE_VIEW = "strata.server.error_pages.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no names in a cookie

# --- static files ---

STATIC_URL = f"{SCRIPT_NAME}/static/"
WHITENOISE_USE_FINDERS = True  # directly from the packages, without collectstatic
WHITENOISE_AUTOREFRESH = WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- language, time and logs ---

LANGUAGE_CODE = "en"
LANGUAGES = (("en", "English"), ("de", "Deutsch"))
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["strata.fields.formats"]
USE_TZ = True
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
LOG_LEVEL = env.choice(
    "LOG_LEVEL", "WARNING" if TESTING else "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "strata.server.logs.JsonLines"}},
    "filters": {
        "broken": {"()": "strata.server.logs.Broken"},
        "refused host": {"()": "strata.server.logs.RefusedHost"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "strata": {"level": LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR", "filters": ["broken"]},
        "django.security.DisallowedHost": {"level": "WARNING", "filters": ["refused host"]},
        "django.server": {"handlers": [], "level": "CRITICAL"},  # runserver's lines show whole URLs
        "axes": {"level": "ERROR"},
    },
}

# --- the theme of the admin (django-unfold) ---

UNFOLD = {
    "SITE_TITLE": "Strata",
    "SITE_HEADER": "Strata",
    "SITE_SYMBOL": "layers",
    "SITE_URL": f"{SCRIPT_NAME}/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{STATIC_URL}strata/icon.svg"}],
    "STYLES": [f"{STATIC_URL}strata/{name}.css" for name in ("admin", "pages", "print")],
    "SCRIPTS": [f"{STATIC_URL}strata/amounts.js", f"{STATIC_URL}strata/select_names.js"],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "strata.admin.sidebar.sidebar"},
    "DASHBOARD_CALLBACK": "reports.dashboard.page.show",  # by name, because the kernel imports no app
}
