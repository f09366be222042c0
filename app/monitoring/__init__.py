"""What the operator is told.

``metrics`` for Prometheus and ``telemetry`` as traces, both of how a generation ended (``outcome``) and what it cost
(``pricing``).
"""
