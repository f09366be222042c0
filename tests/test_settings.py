"""What is wrong with settings is refused at start: all of it, in one list that says what would be right."""

from pathlib import Path

import pytest

from app.__main__ import main
from app.checks.settings import CheckSettings
from app.settings import Settings
from app.wrong import unknown

SECRET = "sk-ant-in-the-wrong-place-0123456789"


def complaints(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of the list with which the gateway refuses to start."""
    assert main([]) == 2
    said = capsys.readouterr()
    assert not said.out
    head, *lines = said.err.splitlines()
    assert head == "claude-gateway cannot start:"
    assert all(line.startswith("  ") for line in lines)
    return [line.strip() for line in lines]


def test_everything_is_in_one_list_together_with_what_would_be_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {
        "GATEWAY_PORT": ("x", "must be a whole number"),
        "GATEWAY_AUTH": ("tokens", "'none', 'token', 'proxy' or 'jwt'"),
        "GATEWAY_STORE": ("redis://x", "not available"),
        "GATEWAY_WORKERS": ("3", "shared store"),
        "GATEWAY_ALLOW_ANONYMOUS": ("maybe", "true or false"),
        "GATEWAY_TRUSTED_PROXIES": ("10.0.0.0/99", "127.0.0.1,10.0.0.0/8"),
        "GATEWAY_CORS_ORIGINS": ("*", "https://chat.example"),
        "GATEWAY_MODELS": (",", "at least one"),
        "GATEWAY_RATE_LIMIT": ("often", "60/minute"),
        "GATEWAY_TOKEN_BUDGET": ("much", "1000000/day"),
        "GATEWAY_MAX_BODY_BYTES": ("lots", "32MiB"),
        "GATEWAY_SEND_TIMEOUT": ("0", "greater than 0"),
        "GATEWAY_PROXY_USER_HEADER": ("Cookie", "X-Forwarded-User"),
        "GATEWAY_JWT_JWKS_URL": ("http://login.example", "https://"),
        "GATEWAY_DEFAULT_MAX_TOKENS": ("70000", "GATEWAY_MAX_TOKENS"),
        "GATEWAY_RATE_LIMITS": ("1/minute", "did you mean GATEWAY_RATE_LIMIT?"),
        "ANTHROPIC_BASE_URL": ("api.example", "http:// or https://"),
    }
    for name, (value, _) in wrong.items():
        monkeypatch.setenv(name, value)
    lines = complaints(capsys)
    assert len(lines) == len(wrong)
    for name, (_, says) in wrong.items():
        (line,) = [each for each in lines if each.startswith(f"{name}: ")]
        assert says in line


@pytest.mark.parametrize(
    "name",
    [
        "GATEWAY_PORT",
        "GATEWAY_AUTH",
        "GATEWAY_TOKENS_FILE",
        "GATEWAY_TRUSTED_PROXIES",
        "GATEWAY_RATE_LIMIT",
        "GATEWAY_CORS_ORIGINS",
        "GATEWAY_JWT_JWKS_URL",
        "GATEWAY_PROXY_USER_HEADER",
        "GATEWAY_MAX_BODY_BYTES",
        "ANTHROPIC_BASE_URL",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_AUTH", "jwt")
    monkeypatch.setenv(name, f"{SECRET} {SECRET}")
    assert SECRET not in "".join(complaints(capsys))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:99999", "http:// or https://"),
        ("ANTHROPIC_BASE_URL", "http://[::1", "http:// or https://"),
        ("ANTHROPIC_BASE_URL", "https:///v1", "http:// or https://"),
        ("ANTHROPIC_BASE_URL", "https://claude example", "http:// or https://"),
        ("ANTHROPIC_BASE_URL", "https://claude..example", "http:// or https://"),
        ("ANTHROPIC_BASE_URL", f"https://me:{SECRET}@claude.example", "no user"),
        ("ANTHROPIC_BASE_URL", f"https://claude.example/?key={SECRET}", "no query"),
        ("ANTHROPIC_API_KEY", f"{SECRET} {SECRET}", "printable ASCII"),
        ("ANTHROPIC_API_KEY", f"{SECRET}é", "printable ASCII"),
        ("ANTHROPIC_AUTH_TOKEN", f"{SECRET}\r\nx: {SECRET}", "printable ASCII"),
        ("GATEWAY_JWT_JWKS_URL", "https://[::1", "https://"),
        ("GATEWAY_JWT_JWKS_URL", "https://", "https://"),
        ("GATEWAY_HOST", " ", "name or an address"),
        ("GATEWAY_HOST", "localhost..", "name or an address"),
        ("GATEWAY_MCP_SERVERS", "~nobody-of-that-name/servers.json", "home folder"),
        ("GATEWAY_ALLOWED_HOSTS", ",", "at least one"),
        ("GATEWAY_ALLOWED_HOSTS", "https://chat.example", "chat.example"),
        ("GATEWAY_ALLOWED_HOSTS", "chat.example:8443", "without a port"),
        ("GATEWAY_ALLOWED_HOSTS", "*.example", "chat.example"),
        *(
            (f"GATEWAY_{name.upper()}", "inf", "finite number")
            for name, field in Settings.model_fields.items()
            if field.annotation is float
        ),
    ],
)
def test_what_could_never_work_is_refused_at_start(
    name: str,
    value: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    (line,) = complaints(capsys)
    assert line.startswith(f"{name}: ")
    assert says in line
    assert SECRET not in line


def test_a_setting_is_taken_as_it_was_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ANTHROPIC_API_KEY": f" {SECRET}\n",
        "GATEWAY_HOST": "[::1]",
        "GATEWAY_ALLOWED_HOSTS": "Chat.Example, ::1, 127.0.0.1",
        "GATEWAY_SYSTEM_PROMPT": " \n",
    }.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.api_key
    assert settings.api_key.get_secret_value() == SECRET
    assert settings.host == "::1"
    assert settings.hosts == ("chat.example", "[::1]", "127.0.0.1")
    assert settings.system_prompt is None


def test_a_lower_greatest_max_tokens_lowers_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_MAX_TOKENS", "4000")
    assert Settings().terms.default_max_tokens == 4000


def test_what_depends_on_a_wrong_setting_is_not_complained_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "GATEWAY_AUTH": "tokens",  # so nobody knows yet whether this host is safe
        "GATEWAY_HOST": "192.0.2.1",
        "ANTHROPIC_API_KEY": "k",
    }.items():
        monkeypatch.setenv(name, value)
    (line,) = complaints(capsys)
    assert line.startswith("GATEWAY_AUTH: ")


def test_a_misspelt_setting_in_the_env_file_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("GATEWAY_MAX_STREAM=3\nOTHER=1\nANTHROPIC_LOG=debug\n")
    assert complaints(capsys) == [
        "GATEWAY_MAX_STREAM: there is no such setting; did you mean GATEWAY_MAX_STREAMS_PER_CLIENT?"
    ]


def test_a_flag_that_begins_as_json_and_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--allowed-hosts", "["]) == 2
    assert "allowed_hosts" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["token", "alice"], ["check"]])
@pytest.mark.parametrize("name", [".env", "ANTHROPIC_API_KEY"])
def test_a_file_that_is_no_text_is_told_without_a_trace(
    name: str,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "secrets_dir", tmp_path)
    monkeypatch.setitem(CheckSettings.model_config, "secrets_dir", tmp_path)
    (tmp_path / name).write_bytes(b"GATEWAY_SYSTEM_PROMPT=caf\xe9")
    assert main(command) == 2
    assert "not text in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("GATEWAY_TOKEN_FILE", "did you mean GATEWAY_TOKENS_FILE?"),
        ("gateway_ratelimit", "did you mean GATEWAY_RATE_LIMIT?"),
        ("GATEWAY_COLOUR", "there is no such setting"),
        ("GATEWAY_SERVICE_PORT_HTTP", "enableServiceLinks: false"),
        ("GATEWAY_PORT_8000_TCP_ADDR", "enableServiceLinks: false"),
    ],
)
def test_an_unknown_variable_is_pointed_at_what_was_meant(name: str, says: str) -> None:
    (line,) = unknown([name, "PATH", "GATEWAY_PORT"], Settings.model_fields)
    assert line.startswith(f"{name.upper()}: ")
    assert says in line


def test_every_setting_is_told_in_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for name in set(Settings.model_fields) - {"api_key", "auth_token", "base_url", "workers", "store"}:
        assert f"GATEWAY_{name.upper()}`" in readme, name
