"""A Claude that needs no key: real HTTP, real SSE, paced like Claude, strict like Claude, with scripted faults.

::

    request ─[connection]→ api ─[rules]→ composer → answer (blocks) ─[message]→ events ─[pacing, faults]→ steps ─[connection]→ bytes

All but ``command``, ``server``, ``connection`` and ``records`` is pure: what a response does, pauses and breaks included, is a
value, a sequence of *steps*, which the connection plays.

========================  =====================================================================================
``command``               ``claude-gateway simulate``
``server``                listens, hands each request to ``api``, keeps ``records`` for tests
``connection``            one TCP connection: requests in, ``steps`` out
``api``                   the routes of Claude's API, with ``replies`` for what is no stream
``rules``                 what Claude refuses: ``message_rules``, ``block_rules``, ``tool_rules``
``conversation``          a request's messages as turns; ``directives`` are what its prompt makes happen
``composer``              what is said: ``answers`` (prose), ``calls``, ``server_tools``, ``citing``, ``examples`` of JSON
``going_on``              how much of the answer is there already, after a break or a pause
``limits``                where it stops before its end; ``tokens`` cuts and counts
``message``               ``blocks`` → the events of a stream, or one JSON message
``pacing``, ``faults``    when each event is due; what goes wrong, as ``failures`` counts it
``caching``               the prompt cache, as far as usage shows it
``models``                the models, their limits and rules; ``signatures`` of what they thought
``settings``, ``errors``  what it can be told; Claude's errors and their shape
========================  =====================================================================================
"""
