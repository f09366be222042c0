"""The OpenAPI document: what the routes take and answer (``document``), in which shapes (``schemas``).

Written by hand, because the routes read bodies themselves (their order and bytes go up to Claude unchanged) and a stream of
events is nothing that a framework can see. Tests hold it to the truth: requests made from it, answers compared with it.
"""
