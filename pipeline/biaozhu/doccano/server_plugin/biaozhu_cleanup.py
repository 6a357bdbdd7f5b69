"""A Django application that removes uploads when they are imported, and exports when they were fetched.

Doccano keeps both for ever, with every text of the projects in them.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.signals import task_postrun, worker_ready
from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connection
from django.utils import timezone

IMPORT_TASK = "data_import.celery_tasks.import_dataset"
TEXT_TYPES = ("DocumentClassification", "SequenceLabeling", "Seq2seq", "IntentDetectionAndSlotFilling")
"""The projects whose examples do not need the file that they came in."""
UNFINISHED_EXPORT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SWEEP_SECONDS = 30


class CleanupConfig(AppConfig):  # type: ignore[misc] # Django is in another environment
    """The application; it listens to the worker's tasks."""

    name = "biaozhu_cleanup"

    def ready(self) -> None:
        """Begin to listen."""
        task_postrun.connect(_remove_imported, dispatch_uid=self.name)
        worker_ready.connect(_start_sweeping, dispatch_uid=self.name)


def remove_uploads(**lookup: Any) -> None:
    """Remove uploaded files, but for those that are an example themselves: a picture, a sound."""
    for upload in apps.get_model("django_drf_filepond", "TemporaryUpload").objects.filter(**lookup):
        upload.delete()
    examples = apps.get_model("examples", "Example").objects.exclude(project__project_type__in=TEXT_TYPES)
    for upload in apps.get_model("django_drf_filepond", "StoredUpload").objects.filter(**lookup):
        if not examples.filter(filename=upload.file.name).exists():
            folder = Path(upload.get_absolute_file_path()).parent
            upload.delete()
            if folder.parent == Path(settings.MEDIA_ROOT):
                shutil.rmtree(folder, ignore_errors=True)


def remove_exports() -> None:
    """Remove the exports whose time is over, and what a killed export left."""
    now = time.time()
    for path in Path(settings.MEDIA_ROOT).iterdir():
        age_seconds = now - path.stat().st_mtime
        if path.suffix == ".zip" and age_seconds > settings.BIAOZHU_EXPORT_SECONDS:
            path.unlink(missing_ok=True)
        elif UNFINISHED_EXPORT.fullmatch(path.name) and age_seconds > settings.BIAOZHU_UPLOAD_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _remove_imported(*, task: Any, kwargs: dict[str, Any], state: str, **_: Any) -> None:
    if task.name == IMPORT_TASK and state != "RETRY":
        remove_uploads(upload_id__in=kwargs["upload_ids"])


def _start_sweeping(**_: Any) -> None:
    threading.Thread(target=_sweep_for_ever, daemon=True).start()


def _sweep_for_ever() -> None:
    while True:
        time.sleep(SWEEP_SECONDS)
        try:
            remove_exports()
            remove_uploads(uploaded__lt=timezone.now() - timedelta(seconds=settings.BIAOZHU_UPLOAD_SECONDS))
        except Exception as error:  # noqa: BLE001 — a busy database or a file just removed: the next sweep does it
            print(f"biaozhu: a sweep failed ({error})", flush=True)  # noqa: T201 — the worker's log
        finally:
            connection.close()
