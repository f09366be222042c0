"""claude-gateway: Claude's answers, re-streamed to browsers; nothing lost, whatever breaks.

::

    Claude ─bytes→ upstream ─[sse.Decoder → frame → claude.Translator → events]→ generation (log)
                                                                                   │ frames, bell
    browser ←bytes─ relay ←[frames of events, encoded once]────────────────────────┘

A *generation* is one answer: an append-only, numbered *log* of *events*. A producer reads Claude and appends;
every browser connection is a *cursor* on the log. Nothing connects the two ends but the log.

=================  =====================================================================================
``__main__``       the command line: serve, simulate, check, token
``server``         the process: listen, drain on a signal, end
``main``           create_app(): introduces the others to each other
``collector``      when Python looks for garbage: not while answers pass
``demo``           runs the simulator for demo mode
``checks/``        what works and what does not, in one table; what stands before a public address
``web/``           HTTP: what every request passes, routes, event streams, WebSockets, the page's files
``gateway``        what the routes work with
``diagnosis``      the answer, without Claude, that a check through proxies reads
``hub``            the generations of this process: start, find, retire, drain
``idempotency``    which generation an Idempotency-Key has started
``room``           what questions hold while they are answered, and who may hold how much
``answer``         one answer of Claude: its turns, and the tools that run between them
``turn``           one assistant turn: the calls it takes, retries and continuations included
``patience``       how often an answer may still try again, and how long it waits before
``intake``         what one call brings, on its way to the log
``continuation``   what to ask for, and what to leave out, when an answer broke off (pure)
``reader``         one reader: log, cursor and view → what to send next
``caller``         who asks: from where, as far as trusted proxies say, and whose it is
``upstream/``      the only caller of Claude: the SDK, connections and exchanges below it, the models
``monitoring/``    what the operator is told: metrics, traces, how generations ended, what they cost
``request/``       what a browser may ask: the body for Claude, how the reader wants to see the answer
``settings``       environment, files and flags → one frozen Settings
``accepted``       what a setting accepts
``wrong``          what is wrong with settings, in words
``auth/``          who may use it: a module for each way to say who one is
``limits/``        what one client may ask for, how often, and how many tokens it may use
``tools/``         tools that run here: Python functions, MCP servers, a result for whatever they do
``generation``     one generation: its task, its log, its readers, exactly one end
``tally``          what is counted of it while it is said
``producer``       who makes an answer, and what it sees of its generation
``record``         what is noted of it for the operator meanwhile
``logs``           the log's lines
``listener``       the socket that the gateway listens on
``version``        which version this is
``protocol/``      pure: frames, events, log, fold; no clock, no loop, no network
``simulator/``     a Claude that needs no key: real HTTP, real SSE, paced; scripted faults
=================  =====================================================================================
"""
