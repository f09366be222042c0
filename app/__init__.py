"""claude-gateway: Claude's answers, re-streamed to browsers; nothing lost, whatever breaks.

::

    Claude ─bytes→ upstream ─[sse.Decoder → frame → claude.Translator → events]→ generation (log)
                                                                                   │ after(cursor), bell
    browser ←bytes─ relay ←[frames of events, encoded once]────────────────────────┘

A *generation* is one answer: an append-only, numbered *log* of *events*. A producer reads Claude and appends;
every browser connection is a *cursor* on the log. Nothing connects the two ends but the log.

=================  =====================================================================================
``__main__``       the command line: serve, simulate, check, token
``server``         the process: listen, drain on a signal, end
``wire``           uvicorn's HTTP and WebSockets, with bounds on a request's head
``main``           create_app(): introduces the others to each other
``edge``           what every request passes: its id, who asks, safe by default, errors in one shape
``caller``         who asks: from where, as far as trusted proxies say, and whose it is
``sites``          which sites' pages may call the gateway
``refusal``        a Problem → an answer
``connection``     how to drop one
``auth/``          who may use it: a module for each way to say who one is
``terms``          what one client may ask for, and how much
``rates``          how often it does
``budget``         how many tokens it uses: reserved, then settled
``routes``         HTTP words only: read a request, start or find a generation, answer
``session``        signing in and out
``body``           a request's body, within its bounds
``openapi/``       the routes, events and errors described for programs
``websocket``      the same events over a WebSocket
``page/``          the chat page's files: joined, compressed, kept in memory
``gateway``        what the routes work with
``relay``          the event stream to one reader, sent from the log's bell
``reader``         one reader: log, cursor and view → what to send next
``hub``            the generations of this process: start, find, retire, drain
``answer``         one answer of Claude: its turns, and the tools that run between them
``turn``           one assistant turn: the calls it takes, retries and continuations included
``continuation``   what to ask for, and what to leave out, when an answer broke off (pure)
``functions``      Python functions as tools: schemas, threads, results
``tools``          tools that run here, by name, and a result for whatever they do
``mcp_servers/``   MCP servers as a source of such tools: programs and addresses, kept running
``catalogue``      the models a browser may choose from
``upstream``       the only caller of Claude
``transport``      HTTP for its SDK: connections, proxies, TLS
``exchange``       one request on a connection, its answer pushed as it comes
``generation``     one generation: its task, its log, its readers, exactly one end
``request``        what a browser may ask
``observer``       counts every request
``metrics``        what Prometheus is told
``outcome``        how a generation ended, for the operator
``record``         what is noted meanwhile
``telemetry``      the same as traces, where OpenTelemetry is installed and configured
``pricing``        what answers cost
``logs``           the log's lines
``settings``       environment, files and flags → one frozen Settings
``accepted``       what a setting accepts
``wrong``          what is wrong with settings, in words
``check``          what works and what does not, in one table
``check_settings`` what it may be told
``probe``          what stands between a public address and the gateway: buffers, compression, timeouts
``diagnosis``      the answer, without Claude, that it reads
``demo``           runs the simulator for demo mode
``protocol/``      pure: frames, events, log, fold; no clock, no loop, no network
``simulator/``     a Claude that needs no key: real HTTP, real SSE, paced; scripted faults
=================  =====================================================================================
"""
