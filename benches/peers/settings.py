"""Django's settings for one peer, on the database that BENCH_DATABASE names. PEER: cached | computed."""
import os
from urllib.parse import unquote, urlsplit

PEER = os.environ["PEER"]
_url = urlsplit(os.environ["BENCH_DATABASE"])

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path.lstrip("/"),
        "USER": unquote(_url.username or "postgres"),
        "PASSWORD": unquote(_url.password or ""),
        "HOST": _url.hostname,
        "PORT": str(_url.port or 5432),
        "OPTIONS": {"sslmode": "disable"},
        "CONN_MAX_AGE": None,
    }
}
INSTALLED_APPS = {
    "cached": ["django_cached_field", "cached"],
    "computed": ["django.contrib.contenttypes", "computedfields", "computed"],
}[PEER]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SECRET_KEY = "for measuring only"
USE_TZ = True

CELERY_BROKER_URL = os.environ.get("CACHED_FIELD_BENCH_REDIS", "redis://127.0.0.1:6379/7")
CELERY_TASK_IGNORE_RESULT = True
CELERY_IMPORTS = ("django_cached_field.tasks",)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
