"""Who asks: a module for each way to say it, behind one gate.

================  ====================================================================
``gate``          credentials of a request → an identity, or a refusal
``tokens_file``   mode ``token``: access tokens, as their file has them now
``tokens``        how they are made, and what a line of the file says
``jwt``           mode ``jwt``: tokens of a sign-in service
``jwks``          its public keys
``proxy``         mode ``proxy``: somebody in front has signed them in
``sessions``      what a browser has instead of a token, and its cookie
``identity``      who somebody is, what they may have, and whether that still holds
``command``       ``claude-gateway token NAME``
================  ====================================================================
"""
