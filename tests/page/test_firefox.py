"""A smoke run in Firefox, where there is one: driven by WebDriver BiDi, which it speaks by itself.

Not required in CI: it would be 80 MB to install. ``FIREFOX`` names a binary.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.page.conftest import WATCH_POLICY

START_S = 30
ANSWER_S = 30
ASK = """async (prompt) => {
  const message = document.getElementById("message");
  message.value = prompt;
  message.dispatchEvent(new Event("input", { bubbles: true }));
  message.form.requestSubmit();
  const ready = () => document.querySelector("article.answer[aria-busy=false] .hl-keyword");
  while (!ready()) {
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => (observer.disconnect(), resolve()));
      observer.observe(document.body, { subtree: true, childList: true, attributes: true });
    });
  }
  return JSON.stringify({
    text: document.querySelector("article.answer .prose").textContent,
    meta: document.querySelector("article.answer .meta").textContent,
    violations: window.policyViolations,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  });
}"""
PROMPT = "A small LRU cache in Python, with tests"
"""The simulator answers with code, which then gets its colours."""


class Firefox:
    """A Firefox without a window."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.complaints: list[str] = []

    def tell(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command; return its result (https://w3c.github.io/webdriver-bidi/)."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=ANSWER_S))
            if message.get("method") == "log.entryAdded" and message["params"]["level"] in ("error", "warn"):
                self.complaints.append(message["params"]["text"])
            if message.get("id") == number:
                assert message["type"] == "success", message
                result: dict[str, Any] = message["result"]
                return result


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    binary = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if binary is None:
        pytest.skip("Firefox is not installed")
    command = [
        binary,
        "--headless",
        "--no-remote",
        "--profile",
        str(tmp_path),
        "--remote-debugging-port",
        "0",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        said: Queue[str] = Queue()

        def read() -> None:
            for line in process.stderr or ():
                said.put(line)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            while not (found := re.search(r"ws://\S+", said.get(timeout=START_S))):
                pass
            with connect(f"{found[0].rstrip('/')}/session", max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.wait(START_S)
            reader.join()


def test_the_page_works_in_firefox(firefox: Firefox, page_url: str) -> None:
    firefox.tell("session.new", capabilities={})
    firefox.tell("session.subscribe", events=["log.entryAdded"])
    firefox.tell("script.addPreloadScript", functionDeclaration=f"() => {{ {WATCH_POLICY} }}")
    page = firefox.tell("browsingContext.getTree")["contexts"][0]["context"]
    firefox.tell("browsingContext.navigate", context=page, url=page_url, wait="complete")
    said = firefox.tell(
        "script.callFunction",
        functionDeclaration=ASK,
        arguments=[{"type": "string", "value": PROMPT}],
        target={"context": page},
        awaitPromise=True,
    )
    assert "result" in said, said
    shown = json.loads(said["result"]["value"])
    assert "class" in shown["text"]
    assert "to first token" in shown["meta"]
    assert shown["violations"] == []
    assert not shown["wide"]
    assert firefox.complaints == []
