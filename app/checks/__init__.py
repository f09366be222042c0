"""``claude-gateway check``: what works and what does not, in one table; each row that fails says whose fault it is.

============  ================================================================================
``check``     fills the table
``table``     its rows, and how they are printed
``settings``  what may be told besides the settings that are checked
``address``   can it listen where it is to?
``claude``    do key and models work?
``sign_in``   can people get in?
``probe``     what stands between a public address and the gateway: buffers, compression, timeouts
``way``       the way there, as it asks and reads
============  ================================================================================
"""
