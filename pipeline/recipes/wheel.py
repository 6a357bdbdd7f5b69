"""Build of the wheel: setuptools, with the labels, the guideline and the training configs copied into the package.

pyproject.toml names the class. An editable install copies nothing: `biaozhu.data.shipped` finds the checkout's own files.
"""

from __future__ import annotations

from pathlib import Path

from setuptools.command.build_py import build_py

TARGET = Path("biaozhu/shipped")
GUIDELINE = [Path("annotations/guideline.md"), Path("docs/pictures/annotating.png")]
LOCK = Path("locks/doccano.lock")


def list_shipped() -> list[Path]:
    """Return the files to ship, as paths from the top of the checkout; a config with [nlp] is one of `biaozhu train`."""
    configs = [path for path in Path("configs").glob("*.cfg") if "[nlp]" in path.read_text("utf-8")]
    return [*GUIDELINE, Path("configs/labels.toml"), LOCK, *sorted(configs)]


class BuildPackage(build_py):
    """setuptools' step that collects the package's files, with the shipped ones."""

    def run(self) -> None:
        """Collect the package's files."""
        super().run()
        if not self.editable_mode:
            for path in list_shipped():
                target = self.build_lib / TARGET / path
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))

    def get_source_files(self) -> list[str]:
        """Return what a source distribution needs so that a wheel can be built from it."""
        listed: list[str] = super().get_source_files()  # type: ignore[no-untyped-call]  # setuptools has no type for it
        return [*listed, *map(str, list_shipped()), "pipeline/recipes/wheel.py"]
