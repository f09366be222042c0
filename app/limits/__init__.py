"""What one client may ask for (``terms``), how often (``rates``), and how many tokens it may use (``budget``)."""
