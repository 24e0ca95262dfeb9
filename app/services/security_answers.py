"""Security answers at rest: folded, hashed, sealed. Nobody can read one, or tell two of them apart.

Hashing is slow: see ``hashing``. What is here neither begins nor ends a transaction.
"""

import json
from collections.abc import Mapping, Sequence
from uuid import uuid4

from app.domain.security_questions import AnswerProblem, AnswersRefused, check_answers, fold
from app.extensions import db
from app.models import SecurityAnswer, SelfService, SelfServiceDraft
from app.services import hashing
from app.services.keys import vault

Hashes = dict[str, str]  # the hash of the folded answer to each question, in the person's order


def hashed(chosen: Sequence[tuple[str, str]], kept: Mapping[str, str]) -> Hashes:
    """Return the hashes to keep of what was chosen; ``kept`` are those that are kept already.

    An answer that is left empty stays as it is kept. What is typed is held against the kept ones
    that stay, too, so that no two answers are the same.

    Raises:
        AnswersRefused: says what is wrong at each place.
    """
    check_answers(chosen, kept)
    typed = {question: fold(answer) for question, answer in chosen if answer.strip()}
    stay = {question: kept[question] for question, _ in chosen if question not in typed}
    places = {question: place for place, (question, _) in enumerate(chosen)}
    repeats = {
        places[question]: places[other]
        for question, answer in typed.items()
        for other, hash_ in stay.items()
        if hashing.matches(hash_, answer)
    }
    if repeats:
        raise AnswersRefused(dict.fromkeys(repeats, AnswerProblem.SAME), repeats)
    new = {question: hashing.hash_of(answer) for question, answer in typed.items()}
    return {question: new.get(question) or stay[question] for question, _ in chosen}


def all_right(given: Mapping[str, str], kept: Mapping[str, str]) -> bool:
    """Judge the answers to some questions. Each is judged, however many are wrong."""
    right = [
        hashing.matches(kept.get(question, ""), fold(answer)) for question, answer in given.items()
    ]
    return bool(right) and all(right)


def keep(row: SelfService, hashes: Mapping[str, str]) -> None:
    """Make these the answers of a registration. Part of the caller's action."""
    row.answers.clear()
    db.session.flush()  # those that stay are written anew
    row.answers = [_sealed(question, hash_) for question, hash_ in hashes.items()]


def kept_in(row: SelfService) -> Hashes:
    """Open the hashes of a registration, in their order."""
    return {each.question: _opened(each.ref, each.answer_sealed) for each in row.answers}


def keep_in_draft(draft: SelfServiceDraft, hashes: Mapping[str, str]) -> None:
    """Keep answers until a registration is complete. Part of the caller's action."""
    draft.questions = list(hashes)
    plain = json.dumps(list(hashes.values())).encode()
    draft.answers_sealed = vault().seal(plain, **_draft_place(draft.ref))


def kept_in_draft(draft: SelfServiceDraft) -> Hashes:
    """Open the hashes of a draft, in their order."""
    if draft.answers_sealed is None:
        return {}
    opened = json.loads(vault().open(draft.answers_sealed, **_draft_place(draft.ref)))
    return dict(zip(draft.questions or [], opened, strict=True))


def _sealed(question: str, hash_: str) -> SecurityAnswer:
    ref = str(uuid4())
    sealed = vault().seal(hash_.encode(), **_place(ref))
    return SecurityAnswer(ref=ref, question=question, answer_sealed=sealed)


def _opened(ref: str, sealed: bytes) -> str:
    return vault().open(sealed, **_place(ref)).decode()


def _place(ref: str) -> dict[str, str]:
    return {"table": "security_answer", "column": "answer_sealed", "row": ref}


def _draft_place(ref: str) -> dict[str, str]:
    return {"table": "self_service_draft", "column": "answers_sealed", "row": ref}
