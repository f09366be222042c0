"""The chat page's files as a browser gets them: few, compressed, revalidated.

``static/`` is a whole page as it stands: small ES modules and style sheets. Asked for one by one they are dozens of
requests, each level of imports a round trip of its own. So the gateway joins them when it starts (``scripts``) and keeps
them in memory, compressed (``files``): one script and one style sheet, no build step, and the very code that is in ``static/``.
"""
