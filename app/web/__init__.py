"""HTTP and WebSockets: what comes from browsers, and how answers go back.

``wire`` and ``upgraded`` (uvicorn's HTTP and WebSockets, with bounds of ours) → ``turns`` (a thousand at once hold up
nobody) → ``observer`` (counts every request) → ``edge`` (its id, who asks, safe by default, errors in one shape;
``sites``, ``refusal``) → ``routes`` and ``websocket`` (HTTP words only), with ``body`` (within its bounds), ``session``
(signing in and out), ``snapshot`` (a generation as JSON), ``openapi/`` (described for programs) and ``page/`` (the chat
page's files).
``relay`` streams one generation to one reader; ``connection`` knows how to write to one at once, and how to drop one;
``step`` lets what seldom waits do without a task.
"""
