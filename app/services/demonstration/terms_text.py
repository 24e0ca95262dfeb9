"""The first version of the terms and conditions that the demonstration publishes."""

TITLE = "Terms and conditions of using a smartcard"

TEXT = """\
Your smartcard opens the records of patients. These terms say what you promise when you use it.

1. Your card is yours alone

Your card and its passcode identify you, and nobody else. What is done with your card counts as
done by you. Do not lend your card to anybody, not even for a moment and not to a colleague whom
you trust.

2. Your passcode is a secret

Do not tell your passcode to anybody: not to colleagues, not to your manager, not to the
registration authority. Do not write it down where others can find it. Nobody who works for this
service will ever ask you for it. If you think that somebody knows it, change it at once.

3. Take your card with you

Take your card out of the reader whenever you leave the screen. Keep it as you would keep the keys
of your home.

4. Look only at what you need

Open only the records of patients whom you care for, or that your work requires. Looking at the
record of a neighbour, a relative or a famous person without need is a breach of these terms, and
may be against the law.

5. If your card is lost, stolen or damaged

Tell your registration authority at once, whatever the time of day. The card is then cancelled so
that nobody can use it, and you receive another one.

6. If your details change

Tell your registration authority when your name changes. Keep your email address and telephone
numbers in your profile up to date, so that the service can reach you.

7. When you leave

Your card goes with you from one employer in health care to the next. If you leave health care for
good, give it back to your registration authority.

8. What the service records

The service records when you sign in, what you do with your card, and which records about people it
showed you. You can read what it has recorded about you. The records are kept so that misuse can be
found, and so that you can be protected if you are accused wrongly.

9. If you break these terms

Your card may be suspended or cancelled. Your employer is told, and may take disciplinary action.

By accepting, you sign this text with the signature key of your smartcard. You are asked again when
the text changes, and once every 12 months.
"""
