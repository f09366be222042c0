"""Which version this is, as metrics, the OpenAPI document and MCP servers are told."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("claude-gateway")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "unknown"
