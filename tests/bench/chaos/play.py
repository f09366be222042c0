"""A plan, carried out on a line that breaks."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

from tests.bench.chaos.claude import Claude
from tests.bench.chaos.findings import Findings
from tests.bench.chaos.plan import Plan
from tests.bench.chaos.reader import Broken, Reader, position
from tests.faults.proxy import FaultProxy
from tests.reading import Client, Stream


class Lane:
    """A line to the gateway that breaks, and the readers on it, one generation after the other."""

    def __init__(self, proxy: FaultProxy, gateway: Client, claude: Claude, findings: Findings) -> None:
        self._proxy = proxy
        self._client = Client(proxy.url)
        self._gateway = gateway
        self._claude = claude
        self._findings = findings

    async def run(self, plan: Plan) -> None:
        """Carry *plan* out."""
        try:
            async with asyncio.timeout(120):
                await _Play(
                    plan, self._proxy, self._client, self._gateway, self._claude, self._findings
                ).run()
        except (Broken, AssertionError, TimeoutError, OSError, EOFError, KeyError, ValueError) as error:
            self._findings.violations.append(f"generation {plan.number}: {type(error).__name__} {error}")
        finally:
            self._proxy.heal()
            self._proxy.end("reset")
            self._findings.done += 1
            self._findings.ends[plan.ends] += 1


@dataclass
class _Play:
    plan: Plan
    proxy: FaultProxy
    client: Client
    gateway: Client
    claude: Claude
    findings: Findings
    stream: Stream | None = None
    chat: str = ""
    others: list["asyncio.Task[None]"] = field(default_factory=list)
    armed: str = ""

    def __post_init__(self) -> None:
        self.reader = Reader(self.plan, self.findings)
        self.key = {"Idempotency-Key": f"chaos-{self.plan.number}"}
        self.chance = random.Random(self.plan.number)  # noqa: S311 - no secret

    async def run(self) -> None:
        try:
            await self._ask()
            for what, place in zip(self.plan.reading, self.plan.places, strict=True):
                if not await self._on(int(place * len(self.plan.text))):
                    break
                await self._suffer(what)
            await self._end()
        finally:
            for task in self.others:
                task.cancel()
            await asyncio.gather(*self.others, return_exceptions=True)
            if self.stream:
                self.stream.close()
        self.findings.characters += self.reader.has
        self.findings.insist(
            bool(self.claude.calls[self.plan.number]), self.plan.number, "Claude was never asked"
        )

    # Its connections

    async def _ask(self) -> None:
        if self.plan.loses_question:
            self.proxy.down.cut("reset", after=self.chance.randrange(300), times=1)
            if await self._post() is None:
                self.findings.faults["reader: lost answer, asked again"] += 1
            self.proxy.heal()
        while self.stream is None:
            self.stream = await self._post()

    async def _post(self) -> Stream | None:
        try:
            stream = await self.client.stream(self.plan.question, headers=self.key)
        except (OSError, asyncio.IncompleteReadError):
            return None
        self.findings.connections += 1
        self.findings.insist(self.chat in ("", stream.id), self.plan.number, "one key, two generations")
        self.chat = stream.id
        if self.plan.loses_question and self.proxy.down._cut:
            # The cut is still to come, somewhere in the beginning of the answer.
            await self.reader.read(stream, self.reader.has + 1)
        if stream.cut:
            stream.close()
            self.findings.faults["reader: lost answer, asked again"] += 1
            return await self._resumed(self.reader)
        return stream

    async def _resumed(self, reader: Reader, client: Client | None = None) -> Stream | None:
        """Return a stream of what *reader* has not seen; None if that is nothing."""
        path = f"/api/chat/{self.chat}/stream"
        by_query = reader.last and self.chance.random() < 0.3
        headers = {"Last-Event-ID": reader.last} if reader.last and not by_query else {}
        path += f"?after={reader.last}" if by_query else ""
        while True:
            try:
                status, got, r, w = await (client or self.client).open("GET", path, headers=headers)
            except (OSError, asyncio.IncompleteReadError):
                continue  # the line is cut already
            self.findings.connections += 1
            if status == 200:
                return Stream(status, got, r, w)
            w.close()
            self.findings.insist(
                status == 204 and reader.terminal is not None, self.plan.number, f"{status} to a resume"
            )
            if status != 204:
                raise Broken(f"{status} to a resume")
            return None

    async def _on(self, until: int | None) -> bool:
        """Read on, over as many connections as it takes; say whether there is more to come."""
        while self.stream:
            if await self.reader.read(self.stream, until):
                return self.reader.terminal is None
            if self.stream.cut and self.armed:
                self.findings.faults[f"reader: {self.armed}"] += 1
                self.armed = ""
            self.stream.close()
            self.stream = None if self.reader.terminal else await self._resumed(self.reader)
        return False

    async def _other(self, reader: Reader, stream: Stream | None) -> None:
        """Read with another reader to the end."""
        while stream:
            await reader.read(stream)
            stream.close()
            stream = None if reader.terminal else await self._resumed(reader, self.gateway)
        reader.finish()

    # What happens to it

    async def _suffer(self, what: str) -> None:
        assert self.stream
        if what in ("reset", "close"):
            self.armed = what  # and counted when it happens
        else:
            self.findings.faults[f"reader: {what}"] += 1
        match what:
            case "reset" | "close":
                self.proxy.down.cut(
                    "reset" if what == "reset" else "close", after=self.chance.randrange(400), times=1
                )
            case "stall":
                self.proxy.down.stall()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.reader.read(self.stream), 0.05)
                self.proxy.heal()
                await self._again()
            case "slices":
                self.proxy.down.slice_bytes = self.chance.randrange(1, 8)
                await self._again()
            case "slow":
                self.proxy.down.bytes_per_second = self.chance.randrange(20_000, 200_000)
                await self._again()
            case "left the line":
                await self._again()
            case "double resume":
                twin = self.reader.twin()
                self.others.append(
                    asyncio.create_task(self._other(twin, await self._resumed(twin, self.gateway)))
                )
                await self._again()
            case "asked again":
                twin = Reader(self.plan, self.findings)
                stream = await self.gateway.stream(self.plan.question, headers=self.key)
                self.findings.insist(stream.id == self.chat, self.plan.number, "one key, two generations")
                self.others.append(asyncio.create_task(self._other(twin, stream)))
            case _:
                await self._reload()

    async def _again(self) -> None:
        """Leave the connection and come back over another."""
        if self.stream:
            self.stream.close()
        self.stream = await self._resumed(self.reader) if not self.reader.terminal else None

    async def _reload(self) -> None:
        if self.stream:
            self.stream.close()
            self.stream = None
        snapshot = (await self.gateway.request("GET", f"/api/chat/{self.chat}")).json
        text = _text(snapshot)
        insist = self.findings.insist
        insist(self.plan.text.startswith(text), self.plan.number, "the snapshot is no prefix")
        insist(len(text) >= self.reader.has, self.plan.number, "the snapshot has less than a reader")
        self.reader = Reader(self.plan, self.findings, len(text), snapshot["cursor"])
        self.stream = await self._after_snapshot(snapshot)

    async def _after_snapshot(self, snapshot: dict[str, Any]) -> Stream | None:
        if snapshot["state"] == "running":
            return await self._resumed(self.reader)
        # At its end there is nothing after the cursor, so look at the last event once more.
        end = position(snapshot["cursor"])
        self.reader.last, self.reader._number = f"1-{end - 1}", end - 1
        return await self._resumed(self.reader)

    # How it ends

    async def _end(self) -> None:
        match self.plan.ends:
            case "cancelled":
                await self._cancelled("DELETE", f"/api/chat/{self.chat}", {})
            case "cancelled by key":
                await self._cancelled("DELETE", "/api/chat", self.key)
            case "left":
                await self._left()
            case _:
                pass
        await self._on(None)
        self.reader.finish()
        snapshot = (await self.gateway.request("GET", f"/api/chat/{self.chat}")).json
        insist = self.findings.insist
        insist(_text(snapshot) == self.plan.text[: self.reader.has], self.plan.number, "the snapshot differs")
        insist(snapshot["state"] != "running", self.plan.number, "it still runs after its end")
        await asyncio.gather(*self.others)
        # Forgotten at once, or memory could not be flat.
        await self.gateway.request("DELETE", f"/api/chat/{self.chat}?purge=true")
        gone = await self.gateway.request("GET", f"/api/chat/{self.chat}/stream")
        insist(gone.status == 410, self.plan.number, f"{gone.status} for what was forgotten")

    async def _cancelled(self, method: str, path: str, headers: dict[str, str]) -> None:
        answer = await self.gateway.request(method, path, headers=headers)
        self.findings.faults["reader: cancel"] += 1
        self.findings.insist(answer.status == 200, self.plan.number, f"{answer.status} to a cancel")
        for call in self.claude.calls[self.plan.number]:
            await asyncio.wait_for(call.closed.wait(), 5)

    async def _left(self) -> None:
        """Leave for longer than the grace; it must be abandoned then, if it did not end before."""
        if self.stream:
            self.stream.close()
            self.stream = None
        for task in self.others:
            task.cancel()
        await asyncio.gather(*self.others, return_exceptions=True)
        self.others.clear()
        self.findings.faults["reader: left"] += 1
        for call in self.claude.calls[self.plan.number]:
            await call.closed.wait()
        while (await self.gateway.request("GET", f"/api/chat/{self.chat}")).json["state"] == "running":  # noqa: ASYNC110 - HTTP has no event for it
            await asyncio.sleep(0.1)
        if self.reader.terminal is None:
            self.stream = await self._resumed(self.reader)


def _text(snapshot: dict[str, Any]) -> str:
    blocks = snapshot["turns"][0]["content"] if snapshot["turns"] else []
    return "".join(block["text"] for block in blocks if block["type"] == "text")
