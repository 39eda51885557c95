"""Django's settings. A name in quotes is that of a variable of the environment; the README has the table of them.

The readers of strata.environment refuse a value by the name of its variable: what is wrong does not start. Long tables
are in strata.config.
"""

import os
import re
import sys
from pathlib import Path

from strata.config import api, bodies, logs, theme, web
from strata.environment import database_url
from strata.environment import variables as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"
TESTING = "pytest" in sys.modules
IS_SERVER = "strata.wsgi" in sys.modules  # and not a command

ENV = env.environment("ENV", file=None if TESTING else BASE_DIR / ".env")
PRODUCTION = ENV == "production"
DEBUG = env.switch("DEBUG", default=False)
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", () if PRODUCTION else ("localhost", "127.0.0.1", "[::1]"))
if PRODUCTION:
    env.require_safe_production(env.text("SECRET_KEY"), debug=DEBUG, hosts=ALLOWED_HOSTS)
SECRET_KEY = env.text("SECRET_KEY") or env.development_secret_key(DATA_DIR / "secret_key")

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
    # For every request, also a refused one: the client's address, the request's id and its line in the log; the headers
    # of the answer; the redirect to https. What any below them, or a view, refuses under /api gets the API's JSON.
    "strata.server.middleware.TrustedProxies",
    "strata.server.middleware.RequestLog",
    "strata.server.middleware.SafeHeaders",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "strata.server.middleware.AdminCspMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "strata.server.middleware.ApiErrorShapeMiddleware",
    # What needs no user: static files, other origins, URLs without their slash, malformed and too large requests.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "strata.server.middleware.MalformedUrlMiddleware",
    "strata.server.middleware.BodyLimit",
    # The session and its user, and what needs them. axes asks to be the last.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "strata.server.middleware.ActorMiddleware",
    "strata.server.preferences.PreferencesMiddleware",
    "strata.server.middleware.TokenUseMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "strata.admin.sent_again.AnswersSeen",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "strata.urls"
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
WSGI_APPLICATION = "strata.wsgi.application"

# Database. REPLICA_URL is a standby, which answers reads.
REPLICA_URL = "" if TESTING else env.text("REPLICA_URL")
DATABASES = database_url.databases(
    "TEST_DATABASE_URL" if TESTING else "DATABASE_URL",
    replica_url=REPLICA_URL,
    folder=BASE_DIR,
    own_file=DATA_DIR / "strata.db",
    may_fall_back=not PRODUCTION,
    # A separate file for each test process: an in-memory database locks whole tables between threads.
    test_file=f".data/test-{os.getpid()}.db" if TESTING else None,
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# How many seconds a statement may take on PostgreSQL; 0 is no limit. Where it is not set, a command may take longer
# than a request. `migrate` stores that of servers for the role, and `doctor` compares it.
DATABASE_TIMEOUT = env.optional_number("DATABASE_TIMEOUT", most=86_400)
SERVER_STATEMENT_TIMEOUT = 20 if DATABASE_TIMEOUT is None else DATABASE_TIMEOUT
STATEMENT_TIMEOUT = SERVER_STATEMENT_TIMEOUT if IS_SERVER else DATABASE_TIMEOUT or 0  # of this process

# Users and logins
AUTH_USER_MODEL = "strata.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "strata.accounts.login.LongNamesBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no names in a cookie
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

# Language, time and logs
LANGUAGE_CODE = "en"
LANGUAGES = (("en", "English"), ("de", "Deutsch"))
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["strata.fields.formats"]
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_TZ = True
LOG_LEVEL = env.choice("LOG_LEVEL", "WARNING" if TESTING else "INFO", logs.LEVELS)
LOGGING = logs.logging(LOG_LEVEL)

# Addresses and static files. SCRIPT_NAME is the path under which a proxy serves Strata.
SCRIPT_NAME = env.url_prefix("SCRIPT_NAME")
FORCE_SCRIPT_NAME = SCRIPT_NAME or None
APPEND_SLASH = True
STATIC_URL = f"{SCRIPT_NAME}/static/"
WHITENOISE_USE_FINDERS = True  # directly from the packages, without collectstatic
WHITENOISE_AUTOREFRESH = WHITENOISE_ALLOW_ALL_ORIGINS = False

# Proxies, https, cookies and headers
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
SECURE_PROXY_SSL_HEADER = (
    "HTTP_X_FORWARDED_PROTO",
    "https",
)  # TrustedProxies removes it where no such proxy sent it
SECURE_SSL_REDIRECT = env.switch("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{SCRIPT_NAME}/api/v1/health/'.lstrip('/'))}"]
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_CSP, ADMIN_CSP = web.CONTENT_POLICY, web.CONTENT_POLICY_OF_ADMIN
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CROSS_ORIGIN_RESOURCE_POLICY = "same-origin"
PERMISSIONS_POLICY = web.NO_DEVICES
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{SCRIPT_NAME}/"  # the host may serve other programs
CSRF_FAILURE_VIEW = "strata.server.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", ("https", "http"), wildcard=True)
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS, CORS_EXPOSE_HEADERS = web.SENT_HEADERS, web.READ_HEADERS

# The API, its document, and the admin's theme
API_THROTTLE = env.request_rate("API_THROTTLE", "off" if TESTING else "1200/min")
SHARED_URL = env.redis_url(
    "SHARED_URL"
)  # in which several machines count together; "" where each counts by itself
IF_MATCH_REQUIRED = env.switch("IF_MATCH_REQUIRED", default=False)
REST_FRAMEWORK = api.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api.spectacular(SCRIPT_NAME)
UNFOLD = theme.unfold(SCRIPT_NAME, STATIC_URL)

# The size and the time of a request: bytes of a body and of a file, rows of a file for a command and for a request
# (which holds SQLite's only write lock), and for strata/server/worker.py how long a head and a body may take.
MAX_BODY_BYTES = env.number("MAX_BODY_BYTES", default=2 * 1024**2, least=1024, most=2**30)
IMPORT_MAX_BYTES = env.number("IMPORT_MAX_BYTES", default=64 * 1024**2, least=1024, most=2**30)
IMPORT_MAX_ROWS = env.number("IMPORT_MAX_ROWS", default=1_000_000, least=1, most=10_000_000)
IMPORT_MAX_ROWS_HTTP = env.number("IMPORT_MAX_ROWS_HTTP", default=100_000, least=1, most=10_000_000)
ARCHIVE_MAX_BYTES = env.number("ARCHIVE_MAX_BYTES", default=2**30, least=1024, most=8 * 2**30)
ARCHIVE_MAX_ROWS_HTTP = env.number("ARCHIVE_MAX_ROWS_HTTP", default=500_000, least=1, most=10_000_000)
BODY_BYTES_OF_ROUTES = bodies.of_batches(MAX_BODY_BYTES)
BODY_BYTES_OF_FILES = bodies.of_files(IMPORT_MAX_BYTES, ARCHIVE_MAX_BYTES)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(BODY_BYTES_OF_ROUTES.values())  # BodyLimit refuses before
CLIENT_HEAD_SECONDS = env.number("CLIENT_HEAD_SECONDS", default=10, least=1, most=3600)
CLIENT_BODY_SECONDS = env.number("CLIENT_BODY_SECONDS", default=30, least=1, most=3600)
CLIENT_UNFINISHED = env.number("CLIENT_UNFINISHED", default=32, least=1, most=10_000)

# Values and prices: for how many days after its own a rate or a price is used, how long a source of prices may take to
# answer, how large its answer may be, and which private or loopback addresses may be asked.
RATE_MAX_AGE_DAYS = env.number("RATE_MAX_AGE_DAYS", default=10, most=36_500)
PRICE_MAX_AGE_DAYS = env.number("PRICE_MAX_AGE_DAYS", default=10, most=36_500)
PRICE_TIMEOUT = env.number("PRICE_TIMEOUT", default=10, least=1, most=300)
PRICE_MAX_BYTES = env.number("PRICE_MAX_BYTES", default=16 * 1024**2, least=1024, most=2**30)
PRICE_PRIVATE_HOSTS = env.listed("PRICE_PRIVATE_HOSTS")

# What Prometheus reads, on an address of its own, which gunicorn.conf.py opens: never on that of the users.
METRICS = env.switch("METRICS", default=False) and IS_SERVER
METRICS_PORT = env.number("METRICS_PORT", default=9464, least=1, most=65_535)

# In a process of their own. The tests run them themselves: a process would not see their database.
FINISH_DELETIONS_IN_BACKGROUND = not TESTING
