"""Where programs find what is said of certificates, as the certificates themselves name it."""

OCSP_PATH = "/pki/ocsp"


def crl_address(origin: str, authority: str) -> str:
    """Everything that an authority has revoked, for servers that keep one file."""
    return f"{origin}/pki/{authority}.crl"


def shard_address(origin: str, authority: str, shard: int) -> str:
    """The part of it that a certificate names: small, however much is revoked."""
    return f"{origin}/pki/{authority}/{shard:02x}.crl"


def certificate_address(origin: str, authority: str) -> str:
    return f"{origin}/pki/{authority}.crt"


def ocsp_address(origin: str) -> str:
    return f"{origin}{OCSP_PATH}"
