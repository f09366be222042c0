"""A server without the SDK that does what its first argument says, and does it wrong.

Its second argument is a file: at each start it adds a line with its process id.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

NAMES = ("environment", "echo", "die", "stop", "deaf", "flood", "huge", "broken", "refuse", "grow", "say")


def main() -> None:
    how, starts = sys.argv[1], Path(sys.argv[2])
    with starts.open("a") as file:
        tell(str(os.getpid()), file)
    times = len(starts.read_text().splitlines())
    match how:
        case "silent":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            threading.Event().wait()
        case "garbage":
            while True:
                tell("what is this?", sys.stdout)
        case "exit":
            sys.exit("no such database")
        case "once" if times > 1:
            sys.exit("only once")
        case "parent":
            child = subprocess.Popen(["sleep", "1000"])
            with starts.open("a") as file:
                tell(str(child.pid), file)
        case "banner":
            os.write(1, b'Welcome!\n\n\xff\xfe\x00 not UTF-8\n{"half": \n[]\n')
        case "noisy":
            for number in range(5000):
                tell(f"\x1b[31mline {number}\x1b[0m", sys.stderr)
            tell("x" * 100_000, sys.stderr)
        case _:
            pass
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            answer(asked, how)


def answer(asked: dict[str, Any], how: str) -> None:
    match asked["method"]:
        case "initialize":
            version = asked["params"]["protocolVersion"]
            about = {"name": "wrong", "version": "1"}
            say(asked, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
        case "tools/list" if how == "pages":
            page = int((asked.get("params") or {}).get("cursor", 0))
            more = {"nextCursor": str(page + 1)} if page < 2 else {}
            say(asked, {"tools": [tool(f"page{page}")], **more})
        case "tools/list" if how == "endless":
            say(asked, {"tools": [tool("again")], "nextCursor": "more"})
        case "tools/list" if how == "twins":
            say(asked, {"tools": [tool("a.b"), tool("a_b")]})
        case "tools/list" if how == "misfit":
            say(asked, {"tools": "many"})
        case "tools/list":
            say(asked, {"tools": [*map(tool, NAMES), *map(tool, GROWN)]})
        case "tools/call":
            call(asked, asked["params"]["name"], asked["params"].get("arguments") or {})
        case method:
            error = {"code": -32601, "message": f"there is no method {method}"}
            send({"jsonrpc": "2.0", "id": asked["id"], "error": error})


GROWN: list[str] = []


def call(asked: dict[str, Any], name: str, given: dict[str, Any]) -> None:
    match name:
        case "environment":
            say(asked, text(json.dumps(dict(os.environ))))
        case "die":
            tell("a bug", sys.stderr)
            os._exit(3)
        case "stop":  # answers nothing more, nor reads
            threading.Event().wait()
        case "deaf":  # answers everything else
            pass
        case "flood":
            say(asked, text("x" * 300_000))
        case "huge" if given.get("id_last"):
            send({"result": text("x" * 5_000_000), "jsonrpc": "2.0", "id": asked["id"]})
        case "huge":
            say(asked, text("x" * 5_000_000))
        case "broken":
            say(asked, {"content": "no list"})
        case "refuse":
            send({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32602, "message": "not today"}})
        case "grow":
            GROWN.append("grown")
            send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
            say(asked, text("grown"))
        case _:
            say(asked, text(json.dumps(given)))


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}}


def text(said: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


def say(asked: dict[str, Any], result: dict[str, Any]) -> None:
    send({"jsonrpc": "2.0", "id": asked["id"], "result": result})


def send(message: dict[str, Any]) -> None:
    tell(json.dumps(message), sys.stdout)


def tell(line: str, where: TextIO) -> None:
    where.write(f"{line}\n")
    where.flush()


if __name__ == "__main__":
    main()
