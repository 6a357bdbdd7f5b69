"""Prepare Doccano's database: tables, roles, the administrator. Another run changes nothing.

The Python of Doccano's environment runs this in Doccano's `backend` folder. The password comes through the environment:
every user of the machine can read process arguments.
"""

from __future__ import annotations

import os
import sqlite3
import sys

import django
from django.core.management import call_command


def main() -> None:
    """Migrate, create the roles, and make sure that the administrator has the given password."""
    django.setup()
    from django.conf import settings  # noqa: PLC0415 — Django's parts exist only after its setup
    from django.contrib.auth import get_user_model  # noqa: PLC0415 — as above

    database = settings.DATABASES["default"]
    if "sqlite" not in database["ENGINE"]:
        _check_owner()
    call_command("migrate", verbosity=0)
    call_command("create_roles")
    if "sqlite" in database["ENGINE"]:
        # Readers and the writer no longer block each other; the file keeps the mode.
        with sqlite3.connect(database["NAME"]) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    password = os.environ["DJANGO_SUPERUSER_PASSWORD"]
    user, _ = get_user_model().objects.get_or_create(username=os.environ["DJANGO_SUPERUSER_USERNAME"])
    user.email = "admin@example.com"
    user.is_staff = user.is_superuser = user.is_active = True
    if not user.check_password(password):
        user.set_password(password)
    user.save()


def _check_owner() -> None:
    """Refuse a database that has the tables of another program, or another administrator."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 — as in `main`
    from django.db import connection  # noqa: PLC0415 — as in `main`

    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    if tables and "projects_project" not in tables:
        sys.exit("DATABASE_URL names a database with the tables of another program: give Doccano one of its own")
    if "auth_user" not in tables:
        return
    user = get_user_model().objects.filter(username=os.environ["DJANGO_SUPERUSER_USERNAME"]).first()
    if user is not None and not user.check_password(os.environ["DJANGO_SUPERUSER_PASSWORD"]):
        sys.exit(
            "DATABASE_URL names a Doccano with an administrator of its own: use the home folder that it was made "
            "with, or reach that Doccano through DOCCANO_URL"
        )


if __name__ == "__main__":
    main()
