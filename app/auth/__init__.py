"""Who asks: a module for each way to say it, behind one gate.

================  ====================================================================
``gate``          credentials of a request → an identity, or a refusal
``tokens``        access tokens: made here, kept as hashes in a file
``sessions``      what a browser has instead of a token, and its cookie
``identity``      who somebody is, what they may have, and whether that still holds
``command``       ``claude-gateway token NAME``
================  ====================================================================
"""
