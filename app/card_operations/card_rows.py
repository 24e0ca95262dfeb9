"""A card with its holder, keys and certificates: read in one statement, under its lock or without.

A step of an operation asks for them again and again, from the card's own lists.
"""

from sqlalchemy import bindparam, select
from sqlalchemy.orm.attributes import set_committed_value

from app.database import is_sole_writer
from app.extensions import db
from app.models import Card, CardKey, Certificate, Person

# Put together once: that takes as long as the database takes to answer.
_LOCK = select(Card.id).where(Card.id == bindparam("card_id")).with_for_update()
_READ = (
    select(Card, Person, CardKey, Certificate)
    .outerjoin(Person, Person.id == Card.person_id)
    .outerjoin(CardKey, CardKey.card_id == Card.id)
    .outerjoin(Certificate, Certificate.key_id == CardKey.id)
    .where(Card.id == bindparam("card_id"))
    .order_by(CardKey.id, Certificate.id)
    .execution_options(populate_existing=True)
)


def locked(card_id: int) -> Card | None:
    """Lock a card, and read it as it is under the lock.

    The lock comes first: what a statement reads beside the row that it waits for is older.
    """
    lock(card_id)
    return read(card_id)


def lock(card_id: int) -> None:
    if not is_sole_writer(db.session.connection()):
        db.session.execute(_LOCK, {"card_id": card_id})


def read(card_id: int) -> Card | None:
    rows = db.session.execute(_READ, {"card_id": card_id}).all()
    if not rows:
        return None
    card, person = rows[0].Card, rows[0].Person
    keys = {row.CardKey.id: row.CardKey for row in rows if row.CardKey is not None}
    certificates = [row.Certificate for row in rows if row.Certificate is not None]
    set_committed_value(card, "person", person)
    set_committed_value(card, "keys", list(keys.values()))
    set_committed_value(card, "certificates", certificates)
    found: Card = card
    return found
