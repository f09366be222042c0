"""Claude, or whatever speaks its API.

``client``: the only caller, as the SDK calls, with ``refusals`` (what its errors mean) and ``silence`` (its deadlines);
``transport``: HTTP for it and for the SDK, with connections, proxies and TLS; ``exchange``: one request on a connection, its answer
pushed as it comes; ``catalogue``: the models to choose from.
"""
