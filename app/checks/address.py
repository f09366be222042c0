"""Can the gateway listen where it is told to, or does it listen there already?"""

from app.checks.table import Row
from app.checks.way import NotThere, Way
from app.listener import CannotListen, listen, spelt

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be asked, not listened on
"""Where a gateway is asked that listens on all addresses."""


async def look_at_address(host: str, port: int) -> Row:
    """Return whether *host* and *port* can be listened on, or a gateway is there to answer."""
    where = spelt(host, port)
    try:
        listen(host, port).close()
    except CannotListen as error:
        if not error.taken:
            said = f"cannot listen on {error}. Yours to set right: GATEWAY_HOST, GATEWAY_PORT"
            return Row("address", False, said)
        if await _is_a_gateway(f"http://{spelt(ANYWHERE.get(host, host), port)}"):
            return Row("address", True, f"a gateway listens on {where}")
        said = f"another program listens on {where}. Yours to set right: end it, or set GATEWAY_PORT"
        return Row("address", False, said)
    return Row("address", True, f"{where} is free" if port else f"{host}, on a free port")


async def _is_a_gateway(url: str) -> bool:
    async with Way.open(url, None) as way:
        try:
            await way.reach()
        except NotThere:
            return False
    return True
