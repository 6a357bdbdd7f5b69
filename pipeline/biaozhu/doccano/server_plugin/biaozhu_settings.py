"""Doccano's production settings, with all its files under DOCCANO_HOME and only loopback host names answered."""

from __future__ import annotations

import os
from pathlib import Path

from config.settings.production import *  # noqa: F403 — a Django settings module takes over the one it builds on
from config.settings.production import DATABASES
from kombu.transport.sqlalchemy import Transport

_home = Path(os.environ["DOCCANO_HOME"])

# Doccano puts uploads into its installed package; two servers of one environment would share them.
DJANGO_DRF_FILEPOND_UPLOAD_TMP = str(_home / "uploads")
DJANGO_DRF_FILEPOND_ALLOW_EXTERNAL_UPLOAD_DIR = True

# Refuses a page of another site that rebinds its name to 127.0.0.1.
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"].setdefault("OPTIONS", {})["timeout"] = 30
# The queue always has a file of its own: polling it never locks the annotations, and two servers on one PostgreSQL do
# not take each other's tasks, whose uploads are in the other's home.
CELERY_BROKER_URL = f"sqla+sqlite:///{_home / 'queue.sqlite3'}"
# Set on the class: this transport hands its options to SQLAlchemy, which knows none of that name.
Transport.polling_interval = 0.1
