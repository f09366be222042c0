"""JSON that fits a schema: the input of a tool, or a structured answer."""

from collections.abc import Sequence
from random import Random
from typing import Any

from app.simulator.blocks import Json

MAX_DEPTH = 12
"""Schemas may refer to themselves; this deep, only what is required is given."""

MAX_LEVELS = 50
MAX_VALUES = 10_000
MAX_ITEMS = 100
MAX_CHARACTERS = 10_000
"""Anybody may send a schema where the demo is shown to all. What asks for more does not get it, though it fits no more."""

WORDS = ("Gdynia", "Kyoto", "Nairobi", "Lisbon", "a river", "early spring", "two by two", "🌊 and stone")
FORMATS = {
    "date": "2026-11-21",
    "time": "09:30:00Z",
    "date-time": "2026-11-21T09:30:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/rivers",
    "uuid": "0b8e7c1a-5f3d-4e57-9d35-2f1f6f0f9a11",
    "ipv4": "192.0.2.7",
    "hostname": "example.com",
}


def example(schema: Any, random: Random, *, words: Sequence[str] = WORDS, everything: bool = False) -> Any:
    """Return a plausible value of *schema*; strings are of *words*, objects have what is required, or *everything*."""
    return _Example(schema, random, words, everything=everything).of(schema, 0)


class _Example:
    def __init__(self, root: Any, random: Random, words: Sequence[str], *, everything: bool) -> None:
        self._root = root
        self._random = random
        self._words = words
        self._everything = everything
        self._given = 0

    def of(self, schema: Any, depth: int) -> Any:
        self._given += 1
        if not isinstance(schema, dict) or depth > MAX_LEVELS or self._given > MAX_VALUES:
            return "anything"
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if schema.get("enum"):
            return self._random.choice(schema["enum"])
        if "$ref" in schema:
            return self.of(self._resolved(str(schema["$ref"])), depth + 1) if depth < MAX_DEPTH else None
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.of(self._choice(schema[key], depth), depth + 1)
        if schema.get("allOf"):
            merged: Json = {}
            for part in schema["allOf"]:
                merged |= part
            return self.of(merged, depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: Json, depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        match kind[0] if isinstance(kind, list) else kind:
            case "object":
                properties = schema.get("properties") or {}
                wanted = properties if self._everything and depth < MAX_DEPTH else schema.get("required", ())
                return {name: self.of(properties.get(name, {}), depth + 1) for name in wanted}
            case "array":
                least = int(schema.get("minItems", 0 if depth >= MAX_DEPTH else 1))
                count = max(least, min(2, int(schema.get("maxItems", 2))) if self._everything else least)
                return [self.of(schema.get("items", {}), depth + 1) for _ in range(min(count, MAX_ITEMS))]
            case "integer":
                return self._number(schema)
            case "number":
                return self._number(schema) + 0.5 if "maximum" not in schema else self._number(schema)
            case "boolean":
                return self._random.random() < 0.5
            case "null":
                return None
            case _:
                return self._string(schema)

    def _number(self, schema: Json) -> int:
        least = int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
        most = int(schema.get("maximum", least + 8))
        step = int(schema.get("multipleOf", 1)) or 1
        value = self._random.randint(least, max(least, most))
        return value - value % step if value - value % step >= least else value

    def _string(self, schema: Json) -> str:
        text = FORMATS.get(str(schema.get("format"))) or self._random.choice(self._words)
        text = text.ljust(min(int(schema.get("minLength", 0)), MAX_CHARACTERS), "~")
        return text[: int(schema.get("maxLength", len(text)))]

    def _choice(self, schemas: list[Any], depth: int) -> Any:
        """Choose one; deep down one that ends, so that a schema that refers to itself does too."""
        ends = [each for each in schemas if isinstance(each, dict) and each.get("type") == "null"]
        if depth >= MAX_DEPTH // 2 and ends:
            return ends[0]
        return self._random.choice([each for each in schemas if each not in ends] or schemas)

    def _resolved(self, reference: str) -> Any:
        value = self._root
        for part in reference.removeprefix("#").split("/"):
            if part:
                value = value.get(part, {}) if isinstance(value, dict) else {}
        return value
