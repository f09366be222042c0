"""Two gateways behind one nginx, as deploy/nginx/replicas.sed sets it up: what one has, that one answers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from app.settings import Settings
from tests.nginx import UNLIMITED, Nginx
from tests.nobody import nobody
from tests.reading import Client, Stream, ask
from tests.running import Gateway, serving
from tests.scripted import ScriptedClaude, gated
from tests.signing_in import ALICE, cookie, sign_in, tokens_file

NAMES = ("one", "two")
MANY = {"max_streams_per_client": 1000, "rate_limit": "10000/minute"}
KEYS = [f"key-{number}" for number in range(24)]


@dataclass
class Replicas:
    """Two gateways, each with a Claude of its own that waits for ``goes_on`` in the middle of its answer."""

    client: Client
    gateways: dict[str, Gateway]
    claudes: dict[str, ScriptedClaude]
    goes_on: asyncio.Event

    def calls(self) -> dict[str, int]:
        return {name: len(claude.calls) for name, claude in self.claudes.items()}

    async def one_of_each(self) -> dict[str, Stream]:
        """Return an answer under way on each gateway, whose text so far is the gateway's name."""
        streams: dict[str, Stream] = {}
        for key in KEYS:
            stream = await self.client.stream(ask("x"), headers={"Idempotency-Key": key})
            await stream.until_text(3)
            if streams.setdefault(stream.text, stream) is not stream:
                stream.close()
            if len(streams) == len(NAMES):
                return streams
        raise AssertionError(f"all of {len(KEYS)} keys go to {list(streams)}")


@asynccontextmanager
async def replicas(folder: Path, **settings: Any) -> AsyncIterator[Replicas]:
    goes_on = asyncio.Event()

    async with (
        ScriptedClaude(lambda _: gated(goes_on, ("one", "!"), after=1)) as first,
        ScriptedClaude(lambda _: gated(goes_on, ("two", "!"), after=1)) as second,
        serving(first.url, replica="one", **MANY, **settings) as one,
        serving(second.url, replica="two", **MANY, **settings) as two,
        Nginx(
            folder,
            variant="replicas",
            changes=UNLIMITED
            | {
                "server 127.0.0.1:8001;": f"server 127.0.0.1:{one.port};",
                "server 127.0.0.1:8002;": f"server 127.0.0.1:{two.port};",
            },
        ) as nginx,
    ):
        yield Replicas(Client(nginx.url), {"one": one, "two": two}, {"one": first, "two": second}, goes_on)


async def test_an_id_leads_to_the_gateway_that_made_it(tmp_path: Path) -> None:
    async with replicas(tmp_path) as rig:
        streams = await rig.one_of_each()
        for name, stream in streams.items():
            assert re.fullmatch(rf"g_[0-9a-f]{{34}}_{name}", stream.id)
            stream.close()
        again = {name: await rig.client.resume(each.id, each.ids[-1]) for name, each in streams.items()}
        snapshots = {
            name: await rig.client.request("GET", f"/api/chat/{each.id}") for name, each in streams.items()
        }
        cancelled = await rig.client.request("DELETE", f"/api/chat/{streams['two'].id}?purge=true")
        rig.goes_on.set()
        ends = {name: await each.rest() for name, each in again.items()}
        missing = await rig.client.request("GET", f"/api/chat/{streams['two'].id}")
    for name in NAMES:
        assert snapshots[name].json["turns"][0]["content"][0]["text"] == name
        assert snapshots[name].json["id"] == streams[name].id
    assert (ends["one"].text, ends["one"].terminal["stop_reason"]) == ("!", "end_turn")
    assert ends["two"].terminal["stop_reason"] == "cancelled"
    assert cancelled.status == 200
    assert missing.status == 410


async def test_a_key_leads_to_the_gateway_where_it_was_before(tmp_path: Path) -> None:
    async with replicas(tmp_path) as rig:
        streams = [await rig.client.stream(ask("x"), headers={"Idempotency-Key": key}) for key in KEYS]
        calls = rig.calls()
        again = [await rig.client.stream(ask("x"), headers={"Idempotency-Key": key}) for key in KEYS]
        assert [each.id for each in again] == [each.id for each in streams]
        assert rig.calls() == calls
        for key in KEYS:
            gone = await rig.client.request("DELETE", "/api/chat", headers={"Idempotency-Key": key})
            assert gone.status == 200
        for stream in (*streams, *again):
            assert (await stream.rest()).terminal["stop_reason"] == "cancelled"
    assert sum(calls.values()) == len(KEYS)
    assert all(calls.values()), "both gateways have a share"


async def test_a_socket_that_resumes_says_in_its_address_what(tmp_path: Path) -> None:
    async with replicas(tmp_path) as rig:
        streams = await rig.one_of_each()
        rig.goes_on.set()
        for name, stream in streams.items():
            address = f"ws://{rig.client.host}:{rig.client.port}/api/chat/ws?id={stream.id}"
            async with connect(address, proxy=None) as socket:
                await socket.send(json.dumps({"resume": {"id": stream.id}}))
                frames = [json.loads(message) async for message in socket]
            assert "".join(frame["event"].get("text", "") for frame in frames[:-1]) == f"{name}!"
            await stream.rest()


async def test_a_gateway_that_is_down_is_said_to_be_and_new_questions_go_to_the_other(tmp_path: Path) -> None:
    async with replicas(tmp_path) as rig:
        streams = await rig.one_of_each()
        down = rig.gateways["two"].server
        for listener in down.servers:
            listener.close()
        with nobody(rig.gateways["two"].port):
            streams["two"].close()
            for connection in list(down.server_state.connections):
                connection.transport.abort()
            refused = await rig.client.request("GET", f"/api/chat/{streams['two'].id}/stream")
            fresh = [await rig.client.stream(ask("x"), headers={"Idempotency-Key": key}) for key in KEYS]
        rig.goes_on.set()
        texts = {(await stream.rest()).text for stream in fresh}
        here = await streams["one"].rest()
    assert refused.status == 502
    assert refused.error["type"] == "api_error"
    assert "cannot be reached" in refused.error["message"]
    assert texts == {"one!"}
    assert here.text == "one!"


async def test_an_id_whose_gateway_is_not_known_here_is_a_404(tmp_path: Path) -> None:
    async with replicas(tmp_path) as rig:
        for unknown in (f"g_{'a' * 26}_three", f"g_{'a' * 26}"):
            answer = await rig.client.request("GET", f"/api/chat/{unknown}/stream")
            assert (answer.status, answer.error["type"]) == (404, "not_found_error")


async def test_a_browser_that_has_signed_in_stays_where_its_session_is(tmp_path: Path) -> None:
    async with replicas(tmp_path, auth="token", tokens_file=tokens_file(tmp_path)) as rig:
        seen = set()
        rig.goes_on.set()
        for _ in range(24):  # a sign-in goes anywhere
            session = cookie(await sign_in(rig.client, ALICE))
            name = session["Cookie"].rpartition(".")[2]
            for key in KEYS[:4]:
                stream = await rig.client.stream(
                    ask("x"), headers={**session, "Idempotency-Key": f"{name}-{key}"}
                )
                assert (await stream.rest()).text == f"{name}!"
            seen.add(name)
            if seen == set(NAMES):
                break
    assert seen == set(NAMES)


@pytest.mark.parametrize("name", ["", "One", "-one", "one_two", "a" * 65, "one."])
def test_a_name_that_nginx_would_not_find_in_an_id_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be a name like a host's"):
        Settings(_env_file=None, replica=name)
