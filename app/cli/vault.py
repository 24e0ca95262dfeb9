"""`flask vault`: the keys under which the database's secrets are sealed."""

import click
from flask.cli import AppGroup

from app.services import vault_keys
from app.services.keys import vault as the_vault
from app.vault import BadKey, Vault

MOST_NAMED = 10  # of those that do not open, by each column

vault = AppGroup("vault", help="What is sealed in the database, and the keys for it.")


@vault.command("check")
def check() -> None:
    """Open everything that is sealed, and say under which key it is.

    Ends with 1 where something does not open. Shows no secret.
    """
    keys = _keys()
    old = lost = 0
    for found in vault_keys.check(keys):
        click.echo(
            f"{found.name}: {found.current:,} under the current key, {found.old:,} under an old "
            f"one, {len(found.lost):,} that do not open"
        )
        _name(found.lost)
        old += found.old
        lost += len(found.lost)
    if lost:
        raise click.ClickException(
            f"{lost:,} do not open: their key is not in VAULT_KEY or VAULT_KEY_OLD, or they were "
            f"altered. Here are the keys {', '.join(keys.key_ids)}, the current one last."
        )
    if old:
        click.echo("`flask --app wsgi vault rotate` seals the rest under the current key.")
    else:
        click.echo("All is under the current key: VAULT_KEY_OLD is not needed.")


@vault.command("rotate")
def rotate() -> None:
    """Seal under VAULT_KEY all that is under a key of VAULT_KEY_OLD.

    The service may run meanwhile, if each of its servers has both keys. Stopped half way, it goes
    on when it is run again.
    """
    keys = _keys()
    wrong = 0
    for done in vault_keys.rotate(keys):
        click.echo(
            f"{done.name}: {done.resealed:,} sealed anew, {done.passed_over:,} under the current "
            "key already"
        )
        _name(done.lost)
        for clash in done.clashes:
            click.echo(f"  {clash}: somebody else has the same number; compare the two records")
        wrong += len(done.lost) + len(done.clashes)
    if wrong:
        raise click.ClickException(
            f"{wrong:,} could not be sealed anew. Keep VAULT_KEY_OLD, and see to them first."
        )
    click.echo("All is under the current key: VAULT_KEY_OLD is not needed any more.")


def _keys() -> Vault:
    try:
        return the_vault()
    except BadKey as error:
        raise click.ClickException(str(error)) from error


def _name(lost: list[str]) -> None:
    for each in lost[:MOST_NAMED]:
        click.echo(f"  does not open: {each}")
    if len(lost) > MOST_NAMED:
        click.echo(f"  and {len(lost) - MOST_NAMED:,} more")
