"""What is wrong with a request, in words."""

from pydantic import ValidationError


def shown(text: str) -> str:
    """Return *text*, which somebody else wrote, short and printable, for a message."""
    clean = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return clean if len(clean) <= 80 else clean[:79] + "…"


def first_wrong(error: ValidationError) -> str:
    """Return the first thing that is wrong as ``messages.0.role: …``."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    # Of a union every branch reports; the one that came furthest is the one that was meant.
    of_field = [item for item in items if item["loc"][0] == items[0]["loc"][0]]
    item = max(of_field, key=lambda item: len(item["loc"]))
    # The name of the branch stands in the path too and means nothing to the sender.
    path = [str(part) for part in item["loc"] if isinstance(part, int) or part.isidentifier()]
    path = [part for part in path if part not in ("str", "Every")]
    return f"{'.'.join(path)}: {item['msg'][0].lower()}{item['msg'][1:]}."
