"""Items of work for tickets, as the service writes them."""

from typing import Any

from reader_bridge import encoding

Item = dict[str, Any]

RULE = {"min_length": 4, "max_length": 8, "alphabet": "ascii", "not_in": ["512345678905"]}


def sign(slot: str = "9a", purpose: str = "sign-in", **more: Any) -> Item:
    return {
        "command": "sign",
        "slot": slot,
        "algorithm": "ES256",
        "purpose": purpose,
        "nonce": "nonce-1",
        **more,
    }


def prove_presence(nonce: str = "nonce-p") -> Item:
    return {"command": "prove-presence", "algorithm": "ES256", "nonce": nonce}


def change_passcode() -> Item:
    return {"command": "change-passcode", "rule": RULE}


def unlock(candidates: str, new_puk: str) -> Item:
    return {
        "command": "unlock",
        "rule": RULE,
        "puk_candidates": candidates,
        "new_puk": new_puk,
    }


def open_management() -> Item:
    return {"command": "open-management"}


def answer_management(algorithm: str, answer: bytes, challenge: bytes) -> Item:
    return {
        "command": "answer-management",
        "algorithm": algorithm,
        "answer": encoding.to_text(answer),
        "challenge": encoding.to_text(challenge),
    }


def generate_key(slot: str) -> Item:
    return {"command": "generate-key", "slot": slot, "algorithm": "ES256"}


def write_certificate(slot: str, der: bytes) -> Item:
    return {"command": "write-certificate", "slot": slot, "certificate": encoding.to_text(der)}
