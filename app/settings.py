"""Environment, ``.env``, secret files and flags → one frozen Settings. Units are in the descriptions.

Everything that is wrong is reported in one list, names and accepted values included.
"""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    AliasChoices,
    ByteSize,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    CliSuppress,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.sources import PydanticBaseSettingsSource

from app.accepted import (
    BaseUrl,
    BudgetText,
    Credential,
    HeaderName,
    Host,
    Hosts,
    KeysUrl,
    Networks,
    Origins,
    RatesText,
    ReplicaName,
    Servers,
    Store,
    SystemPrompt,
    Words,
    Workers,
    is_loopback,
)
from app.limits.terms import Terms, budget, rates
from app.wrong import unknown, what_is_wrong

CURRENT_MODELS = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-2",
    "claude-fable-5-1",
    "claude-haiku-4-5",
)
"""Claude's current models (November 2026). The first is the one its documentation advises to start with."""

SECRETS_DIRS = [
    path
    for name in ("/run/secrets", os.environ.get("CREDENTIALS_DIRECTORY", ""))
    if (path := Path(name)).is_dir() and name
]
"""Where container engines and systemd put secrets, a file each, named like the variable."""


def _anthropic(name: str) -> AliasChoices:
    return AliasChoices(name, name.lower())


class Settings(BaseSettings):
    """A web gateway that re-streams Claude to browsers.

    Run without an API key and without a base URL it serves demo mode: a bundled simulator answers.
    Other commands: simulate, check, token (each has its own --help); --version tells which this is.
    Every setting is also an environment variable: GATEWAY_ and its name.
    """

    model_config = SettingsConfigDict(
        env_prefix="GATEWAY_",
        env_file=".env",
        secrets_dir=SECRETS_DIRS,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # a rejected value may be a secret in the wrong place
        cli_prog_name="claude-gateway",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    api_key: CliSuppress[Credential | None] = Field(None, validation_alias=_anthropic("ANTHROPIC_API_KEY"))
    auth_token: CliSuppress[Credential | None] = Field(
        None, validation_alias=_anthropic("ANTHROPIC_AUTH_TOKEN")
    )
    base_url: BaseUrl | None = Field(
        None,
        validation_alias=AliasChoices("ANTHROPIC_BASE_URL", "anthropic_base_url", "base_url"),
        description="any Messages-compatible upstream (ANTHROPIC_BASE_URL)",
    )

    host: Host = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    workers: Workers = Field(1, ge=1, description="processes; more than one needs a shared store")
    replica: ReplicaName | None = Field(
        None, description="name of this process where nginx spreads over several; ids end in it"
    )
    store: Store = Field("memory://", description="where generations are kept")

    auth: Literal["none", "token", "proxy", "jwt"] = Field(
        "none", description="who may use it, and how they say who they are"
    )
    tokens_file: Path | None = Field(None, description="file of access tokens, for auth=token")
    proxy_user_header: HeaderName = Field(
        "X-Forwarded-User", description="header in which a trusted proxy says who asks, for auth=proxy"
    )
    jwt_jwks_url: KeysUrl | None = Field(
        None, description="where the keys of the sign-in service are, for auth=jwt"
    )
    jwt_issuer: str | None = Field(None, description="what its tokens must name as iss")
    jwt_audience: Words = Field((), description="what they must name as aud: one of these")
    allow_anonymous: bool = Field(False, description="serve anybody who can reach it, with your key")
    trusted_proxies: Networks = Field(
        ("127.0.0.1", "::1"), description="addresses or networks that may say who the client is"
    )
    allowed_hosts: Hosts | None = Field(
        None, description="accepted Host values; default: loopback names, in demo mode any"
    )
    cors_origins: Origins = Field((), description="origins of other sites whose pages may call the gateway")

    models: Words = Field(
        CURRENT_MODELS, min_length=1, description="models a browser may ask for, default first"
    )
    allow_params: Words = Field((), description="more request fields that a browser may send")
    allow_url_sources: bool = Field(False, description="allow images and documents by URL")
    system_prompt: SystemPrompt = Field(None, description="put before whatever a browser sends")
    max_tokens: int = Field(64_000, ge=1, description="greatest max_tokens of a request")
    default_max_tokens: int = Field(8192, ge=1, description="max_tokens of a request that names none")

    rate_limit: RatesText = Field(
        "60/minute", description="new generations of one client, like 60/minute or 10/second;500/day"
    )
    token_budget: BudgetText | None = Field(None, description="tokens of one client, like 1000000/day")
    max_body_bytes: ByteSize = Field(ByteSize(32 * 1024**2), ge=1, description="largest request body")
    max_generation_bytes: ByteSize = Field(
        ByteSize(16 * 1024**2), ge=1024, description="largest log of one generation"
    )
    max_log_bytes: ByteSize = Field(
        ByteSize(512 * 1024**2), ge=1024, description="all logs and questions together"
    )
    max_generations: int = Field(2000, ge=1, description="live generations")
    max_streams_per_client: int = Field(16, ge=1, description="live generations of one client")
    max_readers: int = Field(64, ge=1, description="readers of one generation")
    send_timeout: float = Field(20, gt=0, description="seconds until a reader that does not read is let go")

    connect_timeout: float = Field(10, gt=0, description="seconds to connect to Claude")
    stall_timeout: float = Field(60, gt=0, description="seconds of silence; twice as long for pings alone")
    total_timeout: float = Field(3600, gt=0, description="seconds of one call of Claude")
    retries: int = Field(3, ge=0, description="calls after the first, before any content")
    continuations: int = Field(2, ge=0, description="times a broken answer is continued")
    on_break: Literal["continue", "error"] = Field(
        "continue", description="when an answer breaks after content"
    )
    tools: Words = Field((), description="modules whose public functions are tools that run here")
    tool_timeout: float = Field(30, gt=0, description="seconds of one call of a tool")
    max_tool_turns: int = Field(16, ge=0, description="turns of one answer that end in calls of tools")
    mcp_servers: Servers = Field((), description="MCP servers whose tools run here: JSON, or a file of it")
    orphan_grace: float = Field(
        30, ge=-1, description="seconds that an unwatched generation goes on; -1: to its end"
    )
    retention: float = Field(600, ge=0, description="seconds that a finished generation can be replayed")
    drain_timeout: float = Field(30, ge=0, description="seconds that open streams get after SIGTERM")
    log_format: Literal["console", "json"] = Field("console", description="form of the log's lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is logged"
    )
    ping_interval: float = Field(15, gt=0, description="seconds between keep-alives")

    @property
    def demo(self) -> bool:
        """Whether the bundled simulator answers."""
        return not (self.api_key or self.auth_token or self.base_url)

    @property
    def open_to_all(self) -> bool:
        """Whether anybody who reaches the gateway may use it: demo mode has nothing to steal."""
        return self.demo or self.allow_anonymous

    @property
    def loopback_only(self) -> bool:
        """Whether this machine alone is served, because nobody has to sign in and there is a key to use."""
        return self.auth == "none" and not self.open_to_all

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """The accepted Host values without port; None accepts any."""
        if self.allowed_hosts is not None:
            return None if "*" in self.allowed_hosts else self.allowed_hosts
        return None if self.demo or self.auth != "none" else ("localhost", "127.0.0.1", "[::1]")

    @cached_property
    def terms(self) -> Terms:
        """What a client may have that nobody has given terms of its own."""
        return Terms(
            models=self.models,
            max_tokens=self.max_tokens,
            default_max_tokens=min(self.default_max_tokens, self.max_tokens),
            rates=rates(self.rate_limit),
            max_streams=self.max_streams_per_client,
            budget=budget(self.token_budget) if self.token_budget else None,
        )

    @model_validator(mode="wrap")
    @classmethod
    def _fits_together(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Look at settings together even where one of them is wrong: the list is to hold everything at once."""
        try:
            settings, alone = handler(given), []
        except ValidationError as error:
            alone = what_is_wrong(error)
            wrong = {str(item["loc"][0]) for item in error.errors()}
            settings = handler({name: value for name, value in given.items() if name not in wrong})
        named = {line.partition(":")[0] for line in alone}
        together = [line for names, line in settings._contradictions() if named.isdisjoint(names)]
        if alone or together:
            raise ValueError("\n".join(alone + together))
        return settings

    def _contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what does not fit together: the settings it is about, and a line."""
        # One that nobody has set is as small as it must be.
        if "default_max_tokens" in self.model_fields_set and self.default_max_tokens > self.max_tokens:
            yield (
                ("GATEWAY_DEFAULT_MAX_TOKENS", "GATEWAY_MAX_TOKENS"),
                "GATEWAY_DEFAULT_MAX_TOKENS: must not be above GATEWAY_MAX_TOKENS",
            )
        if self.loopback_only and not is_loopback(self.host):
            yield (
                ("GATEWAY_HOST", "GATEWAY_AUTH", "GATEWAY_ALLOW_ANONYMOUS", "ANTHROPIC_BASE_URL"),
                f"GATEWAY_HOST: {self.host} would let anybody who reaches it use your key; listen on 127.0.0.1, set "
                "GATEWAY_AUTH, or GATEWAY_ALLOW_ANONYMOUS=true if something in front decides who may come",
            )
        yield from self._wrong_with_auth()

    def _wrong_with_auth(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.auth == "token" and self.tokens_file is None:
            yield (
                ("GATEWAY_AUTH", "GATEWAY_TOKENS_FILE"),
                "GATEWAY_TOKENS_FILE: GATEWAY_AUTH=token needs a file of tokens; "
                "claude-gateway token NAME prints a line for it",
            )
        elif self.auth == "token" and self.tokens_file is not None:
            about = ("GATEWAY_AUTH", "GATEWAY_TOKENS_FILE", "GATEWAY_MODELS", "GATEWAY_MAX_TOKENS")
            try:
                from app.auth import tokens  # and with it what counts, only where it is needed

                _, wrong = tokens.parse(tokens.read(self.tokens_file), self.terms)
            except ValueError as error:
                wrong = [f"{self.tokens_file} {error}"]
            yield from ((about, f"GATEWAY_TOKENS_FILE: {line}") for line in wrong)
        elif self.auth == "proxy" and not self.trusted_proxies:
            yield (
                ("GATEWAY_AUTH", "GATEWAY_TRUSTED_PROXIES"),
                "GATEWAY_TRUSTED_PROXIES: GATEWAY_AUTH=proxy needs a proxy that may say who asks",
            )
        elif self.auth == "jwt":
            needed = {
                "GATEWAY_JWT_JWKS_URL": self.jwt_jwks_url,
                "GATEWAY_JWT_ISSUER": self.jwt_issuer,
                "GATEWAY_JWT_AUDIENCE": self.jwt_audience,
            }
            for name in (name for name, value in needed.items() if not value):
                yield (("GATEWAY_AUTH", name), f"{name}: GATEWAY_AUTH=jwt needs it")

    @classmethod
    def unknown_variables(cls) -> list[str]:
        """Return a line for each variable of the environment or ``.env`` that looks like a setting and is none."""
        variables = {**EnvSettingsSource(cls).env_vars, **DotEnvSettingsSource(cls).env_vars}
        return unknown(variables, cls.model_fields)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, ``.env``, secret files: the first that names a setting wins."""
        return init_settings, env_settings, dotenv_settings, file_secret_settings
