"""ES modules → few scripts. Pure.

A module becomes a block ``{ … }`` of one script, in the order in which a browser would have run them: blocks keep names
apart as modules do. What it exports is kept in an object; what it imports is taken from those. A module that is
imported with ``import("…")`` gets a script of its own, which is loaded when it is asked for.

Not a bundler for everybody's code: it understands the forms that ``static/js`` is written in and refuses the rest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname, join, normpath

COMMENT = re.compile(r"/\*\*.*?\*/|^[ \t]*//[^\n]*", re.DOTALL | re.MULTILINE)
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
IMPORT = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\} from |\* as (?P<all>\w+) from )?"(?P<path>\.[^"]*)";', re.MULTILINE
)
EXPORT = re.compile(
    r"^export (?P<rest>(?:const|class|(?:async )?function\*?) (?P<name>[\w$]+))", re.MULTILINE
)
LAZY = re.compile(r'\bimport\("(?P<path>\.[^"]*)"\)')
UNKNOWN = re.compile(r"^(?:import\b(?!\()|export\b).*|\bimport\.meta\b", re.MULTILINE)

HEAD = "const $ = (globalThis.$modules ??= {});"
"""What modules export, by path. Scripts do not import each other: one that waits for another, as for the texts of the
reader's language, would be waited for by that one in turn."""

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class NotJoinable(ValueError):
    """A module is written in a way that cannot be joined; the message says which and why."""


@dataclass(frozen=True)
class Module:
    """One module.

    Attributes:
        path: Relative to the folder of all modules.
        source: As it was written.
    """

    path: str
    source: str

    @cached_property
    def code(self) -> str:
        """Without comments and indentation; every line is still on its line."""
        code = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), self.source)
        if any(line.count("`") % 2 for line in code.split("\n")):
            return code  # perhaps a template of several lines, whose white space is text
        return INDENT.sub("", code)

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """What must have run before it."""
        return tuple(self.resolve(found["path"]) for found in IMPORT.finditer(self.code))

    @cached_property
    def lazy(self) -> tuple[str, ...]:
        """What it may load later."""
        return tuple(self.resolve(found["path"]) for found in LAZY.finditer(self.code))

    @cached_property
    def exports(self) -> tuple[str, ...]:
        """Names."""
        return tuple(found["name"] for found in EXPORT.finditer(self.code))

    def resolve(self, path: str) -> str:
        """Return the module that *path* names from here."""
        return normpath(join(dirname(self.path), path))


@dataclass(frozen=True)
class Script:
    """What a browser loads.

    Attributes:
        name: Of its file, in the folder of all modules.
        text: Its code.
        lines: Where each line comes from: a module and its line, from 0; None for a line of ours.
    """

    name: str
    text: str
    lines: tuple[tuple[str, int] | None, ...]

    @property
    def source_map(self) -> str:
        """Tell developer tools where each line comes from (https://tc39.es/ecma426/)."""
        sources = list(dict.fromkeys(line[0] for line in self.lines if line))
        mappings, source_before, line_before = [], 0, 0
        for line in self.lines:
            if line is None:
                mappings.append("")
                continue
            source, number = sources.index(line[0]), line[1]
            mappings.append(f"A{_vlq(source - source_before)}{_vlq(number - line_before)}A")
            source_before, line_before = source, number
        return json.dumps({"version": 3, "sources": sources, "names": [], "mappings": ";".join(mappings)})


def join_modules(sources: Mapping[str, str], entry: str, name: str, query: str) -> list[Script]:
    """Return the scripts that do what *entry* does: the first at once, others when they are asked for.

    Args:
        sources: All modules, by path.
        entry: Path of the first module to run.
        name: Of the first script, without ``.js``; the others' names begin with it.
        query: Put behind a script's name wherever another script asks for it.

    Raises:
        NotJoinable: a module has a form that is not understood, or imports what is not there, or itself.
    """
    modules = {path: Module(path, source) for path, source in sources.items()}
    return _Joiner(modules, entry, name, query).scripts()


class _Joiner:
    def __init__(self, modules: Mapping[str, Module], entry: str, name: str, query: str) -> None:
        self._modules = modules
        self._entry = entry
        self._name = name
        self._query = query

    def scripts(self) -> list[Script]:
        later = self._later()
        needed = {path: self._reached(path) for path in later}
        at_once = self._reached(self._entry)
        # What two of the later ones need must not run twice: it belongs to the first.
        for path in later:
            for one in needed[path]:
                if one not in at_once and sum(one in others for others in needed.values()) > 1:
                    at_once.append(one)
        scripts = [self._script(f"{self._name}.js", [(None, HEAD), *self._blocks(at_once)])]
        for path in later:
            own = [one for one in needed[path] if one not in at_once]
            exported = f"export const {{ {', '.join(self._modules[path].exports)} }} = {_of(path)};"
            scripts.append(
                self._script(self._file(path), [(None, HEAD), *self._blocks(own), (None, exported)])
            )
        return scripts

    def _later(self) -> list[str]:
        """Return the modules that some module loads later, in order."""
        later: list[str] = []
        starts = [self._entry]
        for start in starts:
            for path in self._reached(start):
                found = [one for one in self._modules[path].lazy if one not in later]
                later += found
                starts += found
        return later

    def _reached(self, start: str) -> list[str]:
        """Return what must run for *start* to run, in order; *start* is the last."""
        done: dict[str, None] = {}

        def visit(path: str, above: tuple[str, ...]) -> None:
            if path in done:
                return
            if path in above:
                msg = f"{path} imports itself, by way of {', '.join(above[above.index(path) :])}."
                raise NotJoinable(msg)
            module = self._modules.get(path)
            if module is None:
                msg = f"{above[-1] if above else 'The page'} imports {path}, which is not there."
                raise NotJoinable(msg)
            for one in module.imports:
                visit(one, (*above, path))
            done[path] = None

        visit(start, ())
        return list(done)

    def _file(self, path: str) -> str:
        return f"{self._name}.{path.removesuffix('.js').replace('/', '.')}.js"

    def _blocks(self, paths: list[str]) -> Iterator[tuple[tuple[str, int] | None, str]]:
        for path in paths:
            module = self._modules[path]
            yield None, "{"
            for number, line in enumerate(self._body(module).split("\n")):
                yield (path, number), line
            yield None, f"{_of(path)} = {{ {', '.join(module.exports)} }}; }}"

    def _body(self, module: Module) -> str:
        """Return *module*'s code as it stands in a block, every line on its line."""

        def taken(found: re.Match[str]) -> str:
            names, everything = found["names"], found["all"]
            variable = _of(module.resolve(found["path"]))
            gap = "\n" * found[0].count("\n")
            if names is not None:
                inside = " ".join(names.split()).replace(" as ", ": ")
                return f"const {{ {inside} }} = {variable};{gap}"
            return f"const {everything} = {variable};" if everything else ""

        code = IMPORT.sub(taken, module.code)
        code = EXPORT.sub(lambda found: found["rest"], code)
        unknown = UNKNOWN.search(code)
        if unknown or (dirname(module.path) and re.search(r'\bimport\((?!")', code)):
            what = unknown[0] if unknown else "import() of a computed address, which depends on the folder"
            msg = f"{module.path} has a form that cannot be joined: {what}"
            raise NotJoinable(msg)
        return LAZY.sub(
            lambda found: f'import("./{self._file(module.resolve(found["path"]))}{self._query}")', code
        )

    def _script(self, name: str, lines: list[tuple[tuple[str, int] | None, str]]) -> Script:
        text = "\n".join(line for _, line in lines) + f"\n//# sourceMappingURL={basename(name)}.map\n"
        return Script(name, text, tuple(origin for origin, _ in lines))


def _of(path: str) -> str:
    """Return where the exports of the module *path* are kept."""
    return f"$[{json.dumps(path)}]"


def _vlq(value: int) -> str:
    """Return *value* in the base-64 digits of source maps: sign in the lowest bit, lowest five bits first."""
    rest = value << 1 if value >= 0 else (-value << 1) | 1
    digits = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        digits += DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return digits
