"""MCP servers as a source of tools: programs and addresses that the operator names, kept running.

==============  =====================================================================================
``servers``     all of them: started and ended with the gateway
``server``      one of them: connected, listed, watched, started again when it dies or hangs
``connection``  the official SDK's client, and what it calls over
``stdio``       a program: its process, its lines, its end
``http``        an address: a client that reads no more than it should
``content``     what a server's tool gave → Claude's content blocks (pure)
``lines``       bytes → lines, however long they are (pure)
``config``      what an operator writes
==============  =====================================================================================

The SDK takes a second to import, so nothing here but ``connection``, ``stdio``, ``http`` and ``content`` knows
it, and those are imported when the first server is started.
"""
