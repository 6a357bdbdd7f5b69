"""Names in a training config that nothing knows, each with the nearest that there is."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from spacy.lang.zh import Chinese
from spacy.schemas import ConfigSchemaInit, ConfigSchemaNlp, ConfigSchemaPretrain, ConfigSchemaTraining
from spacy.util import registry

from biaozhu.data.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SCHEMAS: Mapping[str, Any] = {
    "nlp": ConfigSchemaNlp,
    "training": ConfigSchemaTraining,
    "initialize": ConfigSchemaInit,
    "pretraining": ConfigSchemaPretrain,
}
NEEDED = ("nlp", "components", "corpora", "training")
SECTIONS = (*NEEDED, "paths", "system", "initialize", "pretraining")
# What spaCy takes out of a component's block before it calls the factory.
COMPONENT_KEYS = frozenset({"factory", "source", "component", "replace_listeners"})
GIVEN = frozenset({"nlp", "name"})


def misspelt(config: Mapping[str, Any], *, where: str) -> list[ConfigError]:
    """Return an error for each section, setting, factory or function that does not exist; nothing is called.

    Args:
        config: as read, with its `${…}` in place.
        where: the config's name in messages.
    """
    return [ConfigError(problem, where=where) for problem in _problems(config)]


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    for name in config:
        if name not in SECTIONS and get_close_matches(name, SECTIONS, 1):
            yield f"there is no section [{name}]{_nearest(name, SECTIONS)}"
    missing = [name for name in NEEDED if name not in config and not get_close_matches(name, config, 1)]
    if missing:
        yield f"it lacks {', '.join(f'[{name}]' for name in missing)}"
    for name, schema in SCHEMAS.items():
        # pydantic 2 and 1.
        fields = getattr(schema, "model_fields", None) or schema.__fields__
        known = [field.alias or key for key, field in fields.items()]
        yield from _unknown(config.get(name), known, f"[{name}]")
    components = config.get("components")
    components = components if isinstance(components, dict) else {}
    pipeline = config.get("nlp", {}).get("pipeline")
    for name in pipeline if isinstance(pipeline, list) else ():
        if name not in components:
            yield f"[nlp] pipeline names {name!r}, which is no component{_nearest(str(name), components)}"
    for name, block in components.items():
        yield from _component(name, block)
    yield from _functions(config, "")


def _component(name: str, block: Any) -> Iterator[str]:
    place = f"[components.{name}]"
    if not isinstance(block, dict) or "source" in block:
        return
    factory = block.get("factory")
    if factory is None:
        yield f"{place} lacks factory{_instead(block, ['factory'])}"
    elif not _is_variable(factory):
        nlp = Chinese()  # which knows what installed packages register
        if not nlp.has_factory(factory):
            yield f"{place} there is no factory {factory!r}{_nearest(str(factory), nlp.factory_names)}"
            return
        function = registry.get("factories", nlp.get_factory_meta(factory).factory)
        known = _parameters(function)
        yield from _unknown(block, None if known is None else COMPONENT_KEYS | (known - GIVEN), place)


def _functions(block: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in block.items():
        if isinstance(value, dict):
            yield from _functions(value, f"{path}.{key}" if path else str(key))
        elif key.startswith("@"):
            yield from _function(block, key, value, f"[{path}]")


def _function(block: Mapping[str, Any], key: str, name: Any, place: str) -> Iterator[str]:
    kind = key[1:]
    if kind not in registry.get_registry_names():
        kinds = [f"@{one}" for one in registry.get_registry_names()]
        yield f"{place} there is no kind of function {key}{_nearest(key, kinds)}"
    elif not _is_variable(name):
        if not registry.has(kind, name):
            names = getattr(registry, kind).get_all()
            yield f"{place} there is no {key} {name!r}{_nearest(str(name), names)}"
            return
        known = _parameters(registry.get(kind, name))
        yield from _unknown(block, None if known is None else {key, "*", *known}, place)


def _parameters(function: Any) -> set[str] | None:
    """Return the names of a function's parameters, None where it takes any."""
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in parameters):
        return None
    return {one.name for one in parameters}


def _unknown(block: Any, known: Collection[str] | None, place: str) -> Iterator[str]:
    if not isinstance(block, dict) or known is None:
        return
    for key in block:
        if key not in known:
            yield f"{place} has no setting {key!r}{_nearest(key, known)}"


def _instead(block: Mapping[str, Any], wanted: list[str]) -> str:
    close = [key for key in block if get_close_matches(key, wanted, 1)]
    return f", it has {close[0]!r}" if close else ""


def _nearest(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, list(known), 1)
    return f", the nearest is {close[0]!r}" if close else ""


def _is_variable(value: Any) -> bool:
    return isinstance(value, str) and "${" in value
