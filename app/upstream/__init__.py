"""Claude, or whatever speaks its API.

``client``: the only caller, with ``question`` (asked as the SDK would), ``refusals`` (what Claude's errors mean) and
``silence`` (a call's deadlines); ``transport``: HTTP for questions and for the SDK's own calls, with connections, proxies and
TLS; ``exchange``: one request on a connection, its answer pushed as it comes; ``catalogue``: the models to choose from.
"""
