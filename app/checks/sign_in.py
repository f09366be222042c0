"""Who may use it, and can they sign in?"""

import time

from app.auth import tokens
from app.checks.table import Row
from app.settings import Settings

NAME = "sign-in"


async def look_at_sign_in(settings: Settings) -> Row:
    """Return what can be seen of it from here: whether keys are to be had, and whether anybody has a token."""
    match settings.auth:
        case "none":
            who = "anybody who reaches it" if settings.open_to_all else "anybody on this machine"
            return Row(NAME, True, f"none: {who} may use it")
        case "proxy":
            proxies = ", ".join(settings.trusted_proxies)
            said = f"whom {proxies} names in {settings.proxy_user_header}; it must set or clear it on every request"
            return Row(NAME, True, said)
        case "token":
            return _tokens(settings)
        case "jwt":
            return await _keys(settings)


def _tokens(settings: Settings) -> Row:
    assert settings.tokens_file  # noqa: S101 - the settings have seen to it
    listed, _ = tokens.parse(tokens.read(settings.tokens_file), settings.terms)
    ended = [each for each in listed if each.expires and each.expires.timestamp() <= time.time()]
    people = {each.name for each in listed if each not in ended}
    if not people:
        why = "all tokens have expired" if ended else "there is no token"
        todo = "Yours to set right: claude-gateway token NAME prints a line for GATEWAY_TOKENS_FILE"
        return Row(NAME, False, f"nobody can: {why}. {todo}")
    said = f"{len(listed) - len(ended)} tokens of {len(people)} people"
    return Row(NAME, True, f"{said}, {len(ended)} expired" if ended else said)


async def _keys(settings: Settings) -> Row:
    from app.auth.jwks import DISCOVERY, NoKeys, algorithms, fetch  # cryptography takes a while to import

    assert settings.jwt_jwks_url  # noqa: S101 - the same
    try:
        keys = await fetch(settings.jwt_jwks_url)
    except NoKeys as error:
        return Row(NAME, False, f"GATEWAY_JWT_JWKS_URL {error}")
    able = sorted(algorithms(keys))
    if not able:
        said = f"GATEWAY_JWT_JWKS_URL has {len(keys)} keys, none for signatures that count here: {DISCOVERY}"
        return Row(NAME, False, said)
    return Row(NAME, True, f"{len(keys)} keys to be had, for {', '.join(able)}")
