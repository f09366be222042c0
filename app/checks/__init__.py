"""``claude-gateway check``: what works and what does not, in one table; each row that fails says whose fault it is.

``address`` looks whether it can listen, ``claude`` asks whether key and models work, ``sign_in`` whether people can get in, ``probe``
what stands on the ``way`` between a public address and the gateway: buffers, compression, timeouts. ``check`` has them all fill the
``table``.
"""
