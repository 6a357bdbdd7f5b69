"""The way back from a decoded text to its bytes."""


def encode(text: str, encoding: str) -> bytes:
    """Encode a text as `biaozhu.reading.encodings.decode` found it."""
    return text.encode("utf-8" if encoding == "utf-8-bom" else encoding)
