"""Names in a training config that nothing knows, each with the nearest that there is."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from spacy.lang.zh import Chinese
from spacy.util import registry

NEEDED = ("nlp", "components", "corpora", "training")
SECTIONS = (*NEEDED, "paths", "system", "initialize", "pretraining")
# Sections of which spaCy's own default config names every setting.
SETTINGS = ("nlp", "training", "initialize")
# What spaCy takes out of a component's block before it calls the factory, and what it gives to that itself.
COMPONENT_KEYS = frozenset({"factory", "source", "component", "replace_listeners"})
GIVEN = frozenset({"nlp", "name"})


def find_misspelt(config: Mapping[str, Any]) -> Iterator[str]:
    """Name each section, setting, factory or function of a config, as read, that does not exist; nothing is called."""
    nlp = Chinese()  # which knows what installed packages register
    for name in config:
        if name not in SECTIONS and get_close_matches(name, SECTIONS, 1):
            yield f"there is no section [{name}]{_name_nearest(name, SECTIONS)}"
    if missing := [f"[{name}]" for name in NEEDED if name not in config and not get_close_matches(name, config, 1)]:
        yield f"it lacks {', '.join(missing)}"
    for name in SETTINGS:
        yield from _find_unknown(config.get(name), nlp.default_config[name], f"[{name}]")
    components = config.get("components")
    components = components if isinstance(components, dict) else {}
    pipeline = config.get("nlp", {}).get("pipeline")
    for name in pipeline if isinstance(pipeline, list) else ():
        if name not in components:
            yield f"[nlp] pipeline names {name!r}, which is not a component{_name_nearest(str(name), components)}"
    for name, block in components.items():
        if isinstance(block, dict) and "source" not in block:
            yield from _check_component(nlp, block, f"[components.{name}]")
    yield from _check_functions(config, "")


def _check_component(nlp: Chinese, block: Mapping[str, Any], place: str) -> Iterator[str]:
    factory = block.get("factory")
    if factory is None:
        close = [key for key in block if get_close_matches(key, ["factory"], 1)]
        yield f"{place} lacks factory{f', it has {close[0]!r}' if close else ''}"
    elif not _is_variable(factory):
        if not nlp.has_factory(factory):
            yield f"{place} there is no factory {factory!r}{_name_nearest(str(factory), nlp.factory_names)}"
            return
        function = registry.get("factories", nlp.get_factory_meta(factory).factory)
        yield from _find_unsettable(block, function, place, COMPONENT_KEYS, GIVEN)


def _check_functions(block: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, name in block.items():
        if isinstance(name, dict):
            yield from _check_functions(name, f"{path}.{key}" if path else str(key))
        elif key.startswith("@"):
            kind, place = key[1:], f"[{path}]"
            kinds = [f"@{one}" for one in registry.get_registry_names()]
            if key not in kinds:
                yield f"{place} there is no kind of function {key}{_name_nearest(key, kinds)}"
            elif not _is_variable(name) and not registry.has(kind, name):
                names = getattr(registry, kind).get_all()
                yield f"{place} there is no {key} {name!r}{_name_nearest(str(name), names)}"
            elif not _is_variable(name):
                yield from _find_unsettable(block, registry.get(kind, name), place, {key, "*"})


def _find_unsettable(
    block: Any, function: Any, place: str, others: Collection[str], given: Collection[str] = ()
) -> Iterator[str]:
    """Find what is neither a parameter of a function, but for those `given`, nor one of the other settings."""
    parameters = inspect.signature(function).parameters
    if not any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in parameters.values()):
        yield from _find_unknown(block, {*others, *(parameters.keys() - given)}, place)


def _find_unknown(block: Any, known: Collection[str], place: str) -> Iterator[str]:
    if isinstance(block, dict):
        for key in block:
            if key not in known:
                yield f"{place} has no setting {key!r}{_name_nearest(key, known)}"


def _name_nearest(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, list(known), 1)
    return f", the nearest is {close[0]!r}" if close else ""


def _is_variable(value: Any) -> bool:
    return isinstance(value, str) and "${" in value
