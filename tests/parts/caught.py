"""Messages as the demonstration's mail catcher keeps them."""

from email.message import EmailMessage
from pathlib import Path

NAME = "20270304-140500-{:06}"


def catch(
    folder: Path,
    *,
    to: str = "grace.adeyemi@northmere.nhs.uk",
    subject: str = "Your code",
    text: str = "Dear Grace,\n\nYour code is 123 456.\n",
    html: str | None = None,
) -> str:
    """Keep one message in ``folder``, and return the name that it has there."""
    folder.mkdir(parents=True, exist_ok=True)
    message = EmailMessage()
    message["To"], message["Subject"] = to, subject
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    name = NAME.format(len(list(folder.glob("*.eml"))) + 1)
    (folder / f"{name}.eml").write_bytes(bytes(message))
    return name
