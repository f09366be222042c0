"""Tools that run in the gateway.

``registry``: tools by name, with a result for whatever they do; made of Python functions (``functions``, ``examples``)
or of MCP servers (``mcp_servers/``).
"""
