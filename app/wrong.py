"""What is wrong with settings, in words: a line for each, with its name and what it must be."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_settings import SettingsError

PREFIX = "GATEWAY_"

IN_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "too_short": "must name at least one",
    "byte_size": "must be a size, like 33554432 or 32MiB",
    "byte_size_unit": "must be a size, like 33554432 or 32MiB",
}
"""Where pydantic's words say how it reads, and not what it takes."""

OF_KUBERNETES = re.compile(r"GATEWAY_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))")


UNUSABLE = (ValidationError, SettingsError, UnicodeDecodeError)
"""What reading settings raises."""


def what_is_wrong(error: Exception) -> list[str]:
    """Return a line for each setting, or the file, that *error*, an ``UNUSABLE``, is about."""
    if isinstance(error, UnicodeDecodeError) or isinstance(error.__cause__, UnicodeDecodeError):
        return ["the file .env, or one with a secret, is not text in UTF-8"]
    if not isinstance(error, ValidationError):
        return [str(error)]  # a list on the command line that begins as JSON and is none
    lines: list[str] = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        message = IN_WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        if not item["loc"]:
            lines += message.split("\n")
            continue
        name = str(item["loc"][0])
        if not name.upper().startswith("ANTHROPIC_"):
            name = PREFIX + name
        lines += [f"{name.upper()}: {line[0].lower()}{line[1:]}" for line in message.split("\n")]
    return list(dict.fromkeys(lines))


def unknown(variables: Iterable[str], settings: Iterable[str]) -> list[str]:
    """Return a line for each of *variables* that has our prefix and is no setting: a limit that is misspelt limits nothing."""
    known = [PREFIX + name.upper() for name in settings]
    lines = []
    for name in sorted({variable.upper() for variable in variables} - set(known)):
        if not name.startswith(PREFIX):
            continue
        line = f"{name}: there is no such setting"
        longer = [each for each in known if each.startswith(name)]
        if close := longer or get_close_matches(name, known, n=1, cutoff=0.85):
            line += f"; did you mean {close[0]}?"
        elif OF_KUBERNETES.match(name):
            line += "; Kubernetes sets it for a Service named gateway, unless its pods say enableServiceLinks: false"
        lines.append(line)
    return lines
