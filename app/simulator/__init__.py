"""A Claude that needs no key: real HTTP, real SSE, paced like Claude, strict like Claude, with scripted faults."""
