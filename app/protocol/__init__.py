"""The pure core: bytes in, values out. No clock, no loop, no network.

==============  ===================================================================================
``sse``         bytes ↔ frames of an event stream
``frames``      Claude's frames as values: what kind each is, and its data
``claude``      these → our events
``blocks``      one content block while it is open
``runs``        deltas of one block, any number at a time
``events``      what a generation can say
``encoding``    events ↔ the exact JSON of each
``log``         numbers what was said, keeps it, gives it to any reader from any cursor on
``cursor``      a place in it, as the id of an event
``deltas``      neighbouring pieces of one thing: whether they join, and how their frames are written
``view``        how one reader wants to see it: fewer events, deltas joined by sentence or by time
``fold``        events → messages in Claude's shape
``usage``       what it cost in Claude's fields, and the digest of what it said
``errors``      whose fault a failure is
``jsontext``    JSON ↔ values, nothing lost on the way
==============  ===================================================================================
"""
