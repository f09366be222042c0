"""``claude-gateway check``: what works and what does not, in one table.

``probe`` finds out what stands between a public address and the gateway: buffers, compression, timeouts.
"""
