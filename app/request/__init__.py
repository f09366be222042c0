"""What a browser may ask.

===============  ===================================================================
``chat``         the body of a POST → the exact body for Claude, or a 400
``view``         ``buffer`` and ``events``: how one reader wants to see an answer
``attachments``  which files it may send, as the page is told
``wrong``        what is wrong with a request, in words
===============  ===================================================================
"""
