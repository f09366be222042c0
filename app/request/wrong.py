"""What is wrong with a request, in words."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def shown(text: str) -> str:
    """Return *text*, which somebody else wrote, short and printable, for a message."""
    clean = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return clean if len(clean) <= 80 else clean[:79] + "…"


KINDS = {
    "string_type": "a string",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "int_type": "a whole number",
    "bool_type": "true or false",
}
"""What was expected where there is something of another kind, in JSON's words rather than pydantic's."""


def first_wrong(error: ValidationError) -> str:
    """Return the first thing that is wrong as ``messages.0.role: …``."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    # Of a union every branch reports; the one that came furthest, or took it for its kind, is the one that was meant.
    of_field = [item for item in items if item["loc"][0] == items[0]["loc"][0]]
    item = max(of_field, key=lambda item: (len(item["loc"]), _kind(item) is None))
    path = _path(item["loc"])
    said = f"{item['msg'][0].lower()}{item['msg'][1:]}"
    if _kind(item):
        kinds = [_kind(each) for each in of_field if _path(each["loc"]) == path]
        said = f"must be {' or '.join(filter(None, dict.fromkeys(kinds)))}"
    return f"{path}: {said}."


def _kind(item: ErrorDetails) -> str | None:
    """Return what *item* says there should be; None if there is something of that kind, but wrong."""
    if item["type"] == "literal_error":
        return item["msg"].removeprefix("Input should be ")
    return KINDS.get(item["type"])


def _path(loc: tuple[int | str, ...]) -> str:
    """Return where *loc* is, without the names of a union's branches, which mean nothing to the sender."""
    parts = [str(part) for part in loc if isinstance(part, int) or part.isidentifier()]
    return ".".join(part for part in parts if part not in ("str", "Every"))
