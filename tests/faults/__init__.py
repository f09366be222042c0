"""Broken networks, real signals: what a generation has to survive."""
