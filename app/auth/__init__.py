"""Who asks: a module for each way to say it, behind one gate.

================  ====================================================================
``gate``          credentials of a request → an identity, or a refusal
``tokens``        mode ``token``: access tokens: made here, kept as hashes in a file
``jwt``           mode ``jwt``: tokens of a sign-in service
``jwks``          its public keys
``proxy``         mode ``proxy``: somebody in front has signed them in
``sessions``      what a browser has instead of a token, and its cookie
``identity``      who somebody is, what they may have, and whether that still holds
``command``       ``claude-gateway token NAME``
================  ====================================================================
"""
