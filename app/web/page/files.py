"""The page's files in memory, and how they are served: compressed, with ETags, revalidated or kept for good."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.web.page.scripts import join_modules

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""What is served, and as what; the machine's own table of types may be wrong or empty."""

COMPRESSED = {".woff2"}
"""Compressing these again gains nothing."""

FOR_GOOD = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

EXTRAS = "claude_gateway_extras"
"""Where deploy/build_hook.py puts highlight.js and KaTeX, beside this package."""

WITHOUT_EXTRAS = (
    "code without colours, formulas as they are written: npm could not be reached when this was installed. "
    "In a checkout: uv sync --reinstall-package claude-gateway"
)

STYLES = re.compile(r'[ \t]*<link rel="stylesheet" href="static/css/(?P<name>[\w.-]+)" />\n')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class File:
    """One file.

    Attributes:
        content: As it is.
        suffix: Of its name, with the dot.
    """

    content: bytes
    suffix: str

    @cached_property
    def packed(self) -> bytes | None:
        """Compressed, or None where that gains nothing; made when it is asked for first."""
        if self.suffix in COMPRESSED:
            return None
        packed = gzip.compress(self.content, 9, mtime=0)
        return packed if len(packed) < len(self.content) else None

    @cached_property
    def digest(self) -> str:
        """Of its content."""
        return hashlib.sha256(self.content).hexdigest()[:24]


PACKAGE = Path(__file__).parents[2]

IN_PACKAGE = PACKAGE / "static"
"""Where a wheel has the page's files; a checkout has them beside the package, and somebody may edit them."""


def page_folder() -> Path:
    """Return the folder of the page's files."""
    return IN_PACKAGE if IN_PACKAGE.is_dir() else PACKAGE.parent / "static"


def extras_folder() -> Path | None:
    """Return the folder of what the page can do without, or None: npm could not be reached when this was installed."""
    spec = find_spec(EXTRAS)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


class PageFiles:
    """Everything under ``/static``, and the page itself.

    Attributes:
        page: index.html, naming joined files where the source names single ones.
        version: Of everything; a file that is asked for with ``?v=`` and this may be kept for good.
    """

    def __init__(self, folder: Path, extras: Path | None = None) -> None:
        """Read and join what is in *folder*; serve *extras* as it is.

        Raises:
            NotJoinable: a module has a form that is not understood.
        """
        self._folder = folder
        self._extras = _read(extras) if extras else {}
        self._extras_version = _digest(self._extras)
        self._changing = not IN_PACKAGE.is_dir()
        self._stamps = _stamps(folder)
        self._load()

    def fresh_page(self) -> File:
        """Return the page; in a checkout, with what was edited since."""
        if self._changing and _edited(self._stamps):
            stamps = _stamps(self._folder)
            self._load()
            # Not before: what cannot be joined is told with every page until it is mended.
            self._stamps = stamps
        return self.page

    def file(self, name: str) -> File:
        """Return the file *name*, as seen from ``/static/``.

        Raises:
            HTTPException: 404, there is none.
        """
        if name.startswith("extras/"):
            # extras/{version}/…, not ?v=: their style sheet names its fonts by relative addresses
            found = self._extras.get(name.split("/", 2)[-1])
        else:
            found = self._files.get(name)
        if found is None:
            raise HTTPException(404)
        return found

    def _load(self) -> None:
        self._files = _read(self._folder)
        self.version = _digest(self._files)
        self.page = self._join()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)
        name = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        file = self.file(name)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("v")
        known = asked == [self.version] or name.startswith(f"extras/{self._extras_version}/")
        cache = FOR_GOOD if known else REVALIDATE
        await respond(file, Headers(scope=scope), cache)(scope, receive, send)

    def _join(self) -> File:
        query = f"?v={self.version}"
        modules = {
            name.removeprefix("js/"): file.content.decode()
            for name, file in self._files.items()
            if name.startswith("js/")
        }
        for script in join_modules(modules, "main.js", "page", query):
            self._files[f"js/{script.name}"] = File(script.text.encode(), ".js")
            self._files[f"js/{script.name}.map"] = File(script.source_map.encode(), ".map")
        html = self._files["index.html"].content.decode()
        sheets = [self._files[f"css/{found['name']}"].content.decode() for found in STYLES.finditer(html)]
        self._files["css/page.css"] = File(COMMENT.sub("", "".join(sheets)).encode(), ".css")
        html = STYLES.sub(f'    <link rel="stylesheet" href="static/css/page.css{query}" />\n', html, count=1)
        html = STYLES.sub("", html)
        html = html.replace('src="static/js/main.js"', f'src="static/js/page.js{query}"')
        html = re.sub(r'((?:href|src)="static/[\w./-]+\.(?:svg|js))"', rf'\1{query}"', html)
        if self._extras:
            html = html.replace(
                '<meta name="extras" content="" />',
                f'<meta name="extras" content="static/extras/{self._extras_version}/" />',
            )
        return File(html.encode(), ".html")


def _digest(files: Mapping[str, File]) -> str:
    everything = hashlib.sha256()
    for name, file in sorted(files.items()):
        everything.update(f"{name} {file.digest}\n".encode())
    return everything.hexdigest()[:12]


def _paths(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in TYPES and path.is_file()]


def _stamps(folder: Path) -> dict[Path, int]:
    """Return when each file in *folder* was written, and when each folder there got or lost one."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    return {path: path.stat().st_mtime_ns for path in [*folders, *_paths(folder)]}


def _edited(stamps: Mapping[Path, int]) -> bool:
    """Say whether what has these *stamps* has changed. To look through the folders anew takes six times as long."""
    try:
        return any(path.stat().st_mtime_ns != stamp for path, stamp in stamps.items())
    except FileNotFoundError:
        return True


def _read(folder: Path) -> dict[str, File]:
    return {
        path.relative_to(folder).as_posix(): File(path.read_bytes(), path.suffix) for path in _paths(folder)
    }


def respond(file: File, headers: Mapping[str, str], cache: str) -> Response:
    """Answer a request that has *headers* with *file*.

    Args:
        file: What was asked for.
        headers: The request's; names in lower case or any.
        cache: Cache-Control.
    """
    packed = file.packed if _takes_gzip(headers.get("accept-encoding", "")) else None
    # Two representations, two strong ETags (RFC 9110, §8.8.3.3).
    etag = f'"{file.digest}"' if packed is None else f'"{file.digest}-gzip"'
    about = {"Cache-Control": cache, "ETag": etag}
    if file.suffix not in COMPRESSED:
        about["Vary"] = "Accept-Encoding"
    if _matches(headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=about)
    if packed is not None:
        about["Content-Encoding"] = "gzip"
    about["Content-Type"] = TYPES[file.suffix]
    return Response(file.content if packed is None else packed, headers=about)


def _takes_gzip(accepted: str) -> bool:
    for entry in accepted.lower().split(","):
        name, _, weight = entry.partition(";")
        if name.strip() in ("gzip", "*"):
            return not re.fullmatch(r"\s*q=0(?:\.0*)?\s*", weight)
    return False


def _matches(asked: str, etag: str) -> bool:
    return etag in [one.strip().removeprefix("W/") for one in asked.split(",")] or asked.strip() == "*"
