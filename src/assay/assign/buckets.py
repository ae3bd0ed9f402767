"""A salted hash that spreads units evenly over [0, 1): MurmurHash3 (x86, 32 bit) of ``salt:unit``, over 2³²."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MASK = 0xFFFFFFFF
_C1, _C2 = 0xCC9E2D51, 0x1B873593


def bucket(salt: str, unit: str) -> float:
    """The unit's place in [0, 1) under a salt; the same for ever, and independent of its place under another salt."""
    return murmur3(_bytes(f"{salt}:{unit}")) / 2**32


def murmur3(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32, by Austin Appleby, who placed it in the public domain."""
    h, whole = seed & _MASK, len(data) & ~3
    for at in range(0, whole, 4):
        h ^= _scrambled(int.from_bytes(data[at : at + 4], "little"))
        h = (_rotated(h, 13) * 5 + 0xE6546B64) & _MASK
    h ^= _scrambled(int.from_bytes(data[whole:], "little")) ^ len(data)
    h = ((h ^ h >> 16) * 0x85EBCA6B) & _MASK
    h = ((h ^ h >> 13) * 0xC2B2AE35) & _MASK
    return int(h ^ h >> 16)


def buckets(salt: str, units: Iterable[str]) -> NDArray[np.float64]:
    """``bucket`` of many units at once, in their order."""
    import numpy as np

    texts = [_bytes(f"{salt}:{unit}") for unit in units]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    made = np.zeros(len(texts), dtype=np.uint32)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        padded = b"".join(texts[place].ljust((length + 3) // 4 * 4, b"\0") for place in places)
        made[places] = _many(np.frombuffer(padded, dtype="<u4").reshape(len(places), -1), int(length))
    return made / np.float64(2**32)


def _many(words: NDArray[Any], length: int) -> NDArray[Any]:
    """Hashes of texts of one length, as rows of words; the last word is the tail where the length leaves one."""
    import numpy as np

    h = np.zeros(len(words), dtype=np.uint32)
    for at in range(words.shape[1]):
        h ^= _scrambled(words[:, at])
        if 4 * at + 4 <= length:
            h = _rotated(h, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    h ^= np.uint32(length)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ h >> np.uint32(shift)) * np.uint32(factor)
    return h ^ h >> np.uint32(16)


def _scrambled(k: Any) -> Any:
    return _times(_rotated(_times(k, _C1), 15), _C2)


def _times(k: Any, factor: int) -> Any:
    return k * factor & _MASK if isinstance(k, int) else k * k.dtype.type(factor)


def _rotated(x: Any, by: int) -> Any:
    return (x << by | x >> 32 - by) & _MASK if isinstance(x, int) else x << by | x >> 32 - by


def _bytes(text: str) -> bytes:
    """UTF-8; a lone half of a surrogate pair, which is no text, becomes U+FFFD as it does in a browser."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
