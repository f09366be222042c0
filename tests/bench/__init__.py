"""The benchmark: what relaying Claude's stream costs, beside nginx and beside the code of every tutorial.

::

    load ─→ target ─→ upstream          three kinds of process, on loopback only
     │         │          └ upstream.py: a fake Claude, cheaper than any gateway
     │         └ targets.py: direct, nginx, tutorial.py, ours, peers; watched through kernel.py
     └ load.py (sockets) → reading.py (what came, when, is it right) → report.py (medians, ratios)

``answers`` is what both ends know: which text an answer has and how fast it comes. ``plain`` and ``crowd`` hold
the modes, ``probe`` feels for stalls of a target's event loop. ``uv run python -m tests.bench --help``.
"""
