"""The pure core: bytes in, values out. No clock, no loop, no network.

``sse`` splits bytes into frames, ``claude`` turns Claude's frames into our events (``blocks``: one content block while
it is open; ``runs``: its deltas, any number at a time), ``events`` says what a generation can say and ``encoding`` how
it looks on the wire, ``log`` numbers and keeps it, ``fold`` makes messages of it
again, ``usage`` adds up what it cost, ``errors`` knows whose fault a failure is.
"""
