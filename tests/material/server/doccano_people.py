"""Annotators who are logged in and work through the API that Doccano's own pages use."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biaozhu.doccano.connection import Account, Connection, connect

if TYPE_CHECKING:
    from biaozhu.doccano.project import Project


@dataclass(frozen=True)
class Person:
    connection: Connection
    project: Project

    def path(self, example: int) -> str:
        return f"projects/{self.project.id}/examples/{example}"

    def draw(self, example: int, start: int, end: int, label: str) -> None:
        data = {"start_offset": start, "end_offset": end, "label": self.project.label_types[label]}
        self.connection.post(f"{self.path(example)}/spans", data)

    def erase(self, example: int, number: int) -> None:
        self.connection.delete(f"{self.path(example)}/spans/{number}")

    def relabel(self, example: int, number: int, label: str) -> None:
        self.connection.patch(f"{self.path(example)}/spans/{number}", {"label": self.project.label_types[label]})

    def confirm(self, example: int) -> None:
        self.connection.post(f"{self.path(example)}/states", {})

    def comment(self, example: int, text: str) -> None:
        self.connection.post(f"projects/{self.project.id}/comments?example={example}", {"text": text})


def annotator(doccano: Connection, name: str, project: Project) -> Person:
    password = secrets.token_urlsafe(16)
    user = doccano.post("users/create", {"username": name, "password1": password, "password2": password})
    role = next(role["id"] for role in doccano.get("roles") if role["name"] == "annotator")
    doccano.post(f"projects/{project.id}/members", {"user": user["id"], "role": role})
    connection = connect(Account(doccano.url, name, password))
    return Person(connection, replace(project, connection=connection))
