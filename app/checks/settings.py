"""What ``claude-gateway check`` may be told besides the settings it checks."""

from pydantic import Field, field_validator

from app.accepted import web_address
from app.settings import Settings

TOKEN_VARIABLE = "CHECK_TOKEN"  # noqa: S105 - its name


class CheckSettings(Settings):
    """Say what works and what does not: settings, upstream, tools, and with --url the way to the browser.

    --url reads answers that cost no tokens through a public address, and says what on the way holds them back,
    compresses them or cuts them, and which setting to change. Where people sign in, put an access token into the
    environment variable CHECK_TOKEN. All other flags are the gateway's settings.
    """

    url: str | None = Field(None, description="public address to look through, like https://chat.example.org")
    silence: int = Field(
        5,
        ge=0,
        le=120,
        description="seconds of silence to sit through with --url; 75 finds what cuts after a minute",
    )

    @field_validator("url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        if url and web_address(url) is None:
            msg = "must be an address that starts with http:// or https://"
            raise ValueError(msg)
        return url.rstrip("/") if url else None
