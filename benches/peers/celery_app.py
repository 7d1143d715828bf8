"""Celery as django-cached-field needs it."""
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
app = Celery("peers")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Without it Celery closes the connection to the database after every task.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000
