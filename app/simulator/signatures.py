"""Signatures of thinking: an opaque string that proves a thinking block came from here and is unchanged.

Claude signs what it thought and refuses a turn whose thinking was edited. The key is a constant, so that a
restarted simulator still accepts what it signed before; this proves integrity to a test, it protects nothing.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from hashlib import sha256, shake_256

_KEY = b"claude simulator, thinking block"
REDACTED = "\0redacted"
"""What the ``data`` of redacted thinking is a signature over: nobody is told the thinking itself."""

_NONCE_BYTES = 12
_TAG_BYTES = 32
_PADDING_BYTES = 148
"""Real signatures are some hundred characters long; clients must not assume short ones."""


def sign(text: str, nonce: bytes) -> str:
    """Return a signature over *text*; *nonce* makes equal texts differ."""
    nonce = nonce[:_NONCE_BYTES].ljust(_NONCE_BYTES, b"\0")
    tag = _tag(text, nonce)
    return b64encode(b"\x12" + nonce + tag + shake_256(tag).digest(_PADDING_BYTES)).decode()


def verified(text: str, signature: str) -> bool:
    """Return whether *signature* was made by ``sign`` over exactly this *text*."""
    try:
        raw = b64decode(signature, validate=True)
    except (NotBase64, ValueError):
        return False
    nonce, tag = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES : 1 + _NONCE_BYTES + _TAG_BYTES]
    whole = b"\x12" + nonce + tag + shake_256(tag).digest(_PADDING_BYTES)
    return hmac.compare_digest(whole, raw) and hmac.compare_digest(tag, _tag(text, nonce))


def _tag(text: str, nonce: bytes) -> bytes:
    return hmac.digest(_KEY, nonce + text.encode("utf-8", "surrogatepass"), sha256)
