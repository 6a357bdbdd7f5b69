"""Look the lock files up in a list of known holes, and say what was looked up and what was not.

    make audit                            # in PyPI's own list, through pip-audit: needs the network
    make audit ADVISORIES=FOLDER          # in a copy of PyPA's advisory-database (its files in the OSV schema): needs none

The exit status is 0 where everything was looked up and nothing is open, 1 where a hole is open that nobody has decided
on, 2 where something could not be looked up. A copy knows no hole that is newer than itself: its date is printed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import srsly
from packaging.version import Version

LOCKS = Path(__file__).parent
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)
PIP_AUDIT = ("tool", "run", "--quiet", "pip-audit", "--strict", "--require-hashes", "--disable-pip",
             "--progress-spinner", "off")  # fmt: skip


def main() -> int:
    """Look up every lock file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--advisories", type=Path, help="a copy of PyPA's advisory-database")
    parser.add_argument("--ignore-vuln", action="append", default=[], help="a hole that SECURITY.md decides on")
    arguments = parser.parse_args()
    ignored = set(arguments.ignore_vuln)
    locks = sorted(LOCKS.glob("*.lock"))
    if arguments.advisories is None:
        return max(_online(lock, ignored) for lock in locks)
    if not (arguments.advisories / "vulns").is_dir():
        _say(f"not looked up: {arguments.advisories} has no folder vulns, so it is no copy of advisory-database")
        return 2
    newest = max(_newest(path) for path in arguments.advisories.glob("vulns/*/*.yaml"))
    status = max(_offline(lock, arguments.advisories, ignored) for lock in locks)
    _say(f"looked up in a copy of {newest}; a hole that was published later is NOT known to it")
    return status


def open_holes(name: str, version: str, advisories: Path, ignored: set[str]) -> list[str]:
    """The holes of a package's version that nobody has decided on, by their ids."""
    found = []
    for path in sorted((advisories / "vulns" / re.sub(r"[-_.]+", "-", name)).glob("*.yaml")):
        advisory = srsly.read_yaml(path)
        ids = {advisory["id"], *advisory.get("aliases", ())}
        if "withdrawn" not in advisory and not ids & ignored:
            affected = advisory.get("affected", ())
            found += ["/".join(sorted(ids))] * any(_affects(one, Version(version)) for one in affected)
    return found


def _affects(affected: dict[str, Any], version: Version) -> bool:
    if str(version) in affected.get("versions", ()):
        return True
    ranges = [one for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM"]
    return any(_within(one["events"], version) for one in ranges)


def _within(events: list[dict[str, str]], version: Version) -> bool:
    inside = False
    for event in events:
        ((kind, at),) = event.items()
        reached = at == "0" or version >= Version(at)
        if kind == "introduced" and reached:
            inside = True
        elif (kind == "fixed" and reached) or (kind == "last_affected" and version > Version(at)):
            inside = False
    return inside


def _offline(lock: Path, advisories: Path, ignored: set[str]) -> int:
    pins = PINNED.findall(lock.read_text("utf-8"))
    found = [(name, version, hole) for name, version in pins for hole in open_holes(name, version, advisories, ignored)]
    for name, version, hole in found:
        _say(f"{lock.name}: {name} {version} has {hole}")
    _say(f"{lock.name}: {len(pins)} packages looked up, {len(found)} open")
    return 1 if found else 0


def _online(lock: Path, ignored: set[str]) -> int:
    uv = Path(sys.executable).with_name("uv")
    given = [word for one in sorted(ignored) for word in ("--ignore-vuln", one)]
    done = subprocess.run(  # noqa: S603 — fixed arguments, and file names of ours
        [uv, *PIP_AUDIT, "-r", lock, *given], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        _say(f"{lock.name}: everything looked up, nothing open")
        return 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if re.search(r"could not be audited|ConnectionError|NameResolution|Failed to (fetch|resolve)", "\n".join(said)):
        _say(f"{lock.name}: NOT looked up: {said[-1][:200] if said else 'no answer'}")
        return 2
    _say("\n".join(said))
    _say(f"{lock.name}: open, see above")
    return 1


def _newest(path: Path) -> str:
    found = re.search(r"^modified: '?\"?(\d{4}-\d\d-\d\d)", path.read_text("utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
