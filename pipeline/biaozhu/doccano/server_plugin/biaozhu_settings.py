"""Doccano's production settings, with all its files under DOCCANO_HOME and only loopback host names answered."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from config.settings.production import *  # noqa: F403 — a Django settings module takes over the one it builds on
from config.settings.production import DATABASES, INSTALLED_APPS, MIDDLEWARE, REST_FRAMEWORK
from kombu.transport.sqlalchemy import Transport

_home = Path(os.environ["DOCCANO_HOME"])

# Doccano puts uploads into its installed package; two servers of one environment would share them.
DJANGO_DRF_FILEPOND_UPLOAD_TMP = str(_home / "uploads")
DJANGO_DRF_FILEPOND_ALLOW_EXTERNAL_UPLOAD_DIR = True

INSTALLED_APPS = [*INSTALLED_APPS, "biaozhu_cleanup.CleanupConfig"]
MIDDLEWARE = ["biaozhu_guard.Guard", "biaozhu_guard.Pages", *MIDDLEWARE]
# Doccano's client and pages send JSON; a form of another site cannot.
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"]}
DJANGO_DRF_FILEPOND_PERMISSION_CLASSES = {
    endpoint: ["rest_framework.permissions.IsAuthenticated"]
    for endpoint in ("POST_PROCESS", "PATCH_PATCH", "GET_LOAD", "GET_RESTORE", "DELETE_REVERT", "GET_FETCH")
}
MAX_UPLOAD_SIZE = 128 << 20
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 << 20
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
CELERY_RESULT_EXTENDED = True  # an export's result says of which project it is
BIAOZHU_EXPORT_SECONDS = 15 * 60
BIAOZHU_DOWNLOAD_SECONDS = 60
BIAOZHU_UPLOAD_SECONDS = 24 * 3600

# Refuses a page of another site that rebinds its name to 127.0.0.1.
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
if _public_url := os.environ.get("DOCCANO_PUBLIC_URL", ""):
    ALLOWED_HOSTS.append(urlsplit(_public_url).hostname or "")
    CSRF_TRUSTED_ORIGINS = [_public_url]

if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"].setdefault("OPTIONS", {})["timeout"] = 30
# The queue always has a file of its own: polling it never locks the annotations, and two servers on one PostgreSQL do
# not take each other's tasks, whose uploads are in the other's home.
CELERY_BROKER_URL = f"sqla+sqlite:///{_home / 'queue.sqlite3'}"
# Set on the class: this transport hands its options to SQLAlchemy, which knows none of that name.
Transport.polling_interval = 0.1
