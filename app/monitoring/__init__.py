"""What the operator is told.

``metrics`` for Prometheus and ``telemetry`` as traces (``genai`` has the names that OpenTelemetry gives things), both of
how a generation ended (``outcome``) and what it cost (``pricing``).
"""
