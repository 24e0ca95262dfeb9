"""The people, organisations and positions of the demonstration, as data. All of them invented."""

from dataclasses import dataclass
from datetime import date

from app.domain.roles import Role
from app.domain.statuses import PersonStatus, PositionSource

HOSPITAL, CLINICS = "RZ9", "RZ9C1"

ORGANISATIONS: tuple[tuple[str, str, str | None], ...] = (
    (HOSPITAL, "Northmere University Hospital", None),
    (CLINICS, "Northmere Community Clinics", HOSPITAL),
)


@dataclass(frozen=True)
class PlannedPosition:
    code: str
    name: str
    organisation: str
    role: Role | None = None
    source: PositionSource = PositionSource.LOCAL


_N = PositionSource.NATIONAL

POSITIONS: tuple[PlannedPosition, ...] = (
    PlannedPosition("RAM", "RA Manager", HOSPITAL, Role.RA_MANAGER, _N),
    PlannedPosition("ARA", "Advanced RA Agent", HOSPITAL, Role.ADVANCED_RA_AGENT, _N),
    PlannedPosition("RAA", "RA Agent", HOSPITAL, Role.RA_AGENT, _N),
    PlannedPosition("IDC", "RA ID Checker", HOSPITAL, Role.ID_CHECKER, _N),
    PlannedPosition("SPON", "Sponsor", HOSPITAL, Role.SPONSOR, _N),
    PlannedPosition("LSA", "Local Smartcard Administrator", HOSPITAL, Role.LOCAL_ADMINISTRATOR, _N),
    PlannedPosition("CONS", "Consultant", HOSPITAL, None, _N),
    PlannedPosition("NURSE", "Staff Nurse", HOSPITAL, None, _N),
    PlannedPosition("PHARM", "Pharmacist", HOSPITAL, None, _N),
    PlannedPosition("CLERK", "Ward Clerk", HOSPITAL),
    PlannedPosition("RAA", "RA Agent", CLINICS, Role.RA_AGENT, _N),
    PlannedPosition("SPON", "Sponsor", CLINICS, Role.SPONSOR, _N),
    PlannedPosition("GP", "General Practitioner", CLINICS, None, _N),
    PlannedPosition("NURSE", "Practice Nurse", CLINICS, None, _N),
    PlannedPosition("RECEP", "Receptionist", CLINICS),
)


@dataclass(frozen=True)
class Held:
    """A position that a person holds."""

    code: str
    organisation: str = HOSPITAL
    start: date = date(2022, 4, 4)
    end: date | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedPerson:
    """One person. ``number`` is the end of their UUID; ``manager`` is the number of another."""

    number: int
    title: str
    given: str
    family: str
    job: str
    manager: int | None
    holds: tuple[Held, ...] = ()
    home: str = HOSPITAL
    preferred: str | None = None
    status: PersonStatus = PersonStatus.OPEN

    @property
    def uuid(self) -> str:
        return f"500200300{self.number}"

    @property
    def nino(self) -> str:
        """Of a prefix that is never given out."""
        return f"QQ{self.number:03}{(self.number * 7) % 1000:03}{'ABCD'[self.number % 4]}"

    @property
    def telephone(self) -> str:
        """Ofcom keeps 0113 496 0000 to 0999 for drama."""
        return f"01134960{self.number}"

    @property
    def mobile(self) -> str:
        """Ofcom keeps 07700 900000 to 900999 for drama."""
        return f"07700900{self.number}"


def _person(
    number: int,
    title: str,
    given: str,
    family: str,
    job: str,
    manager: int | None,
    *holds: Held,
    home: str = HOSPITAL,
    preferred: str | None = None,
    status: PersonStatus = PersonStatus.OPEN,
) -> PlannedPerson:
    return PlannedPerson(
        number=number,
        title=title,
        given=given,
        family=family,
        job=job,
        manager=manager,
        holds=holds,
        home=home,
        preferred=preferred,
        status=status,
    )


_CLINIC_NURSE, _RECEPTION = Held("NURSE", CLINICS), Held("RECEP", CLINICS)
_LEFT = date(2025, 9, 30)

PEOPLE: tuple[PlannedPerson, ...] = (
    _person(
        101, "Dr", "Amara", "Okafor", "RA Manager", None,
        Held("RAM"), Held("CONS", start=date(2019, 8, 7)), Held("SPON", CLINICS),
    ),
    _person(102, "Mr", "Bryn", "Llewellyn", "Advanced RA Agent", 101, Held("ARA")),
    _person(
        103, "Ms", "Carys", "Whitfield", "RA Agent", 102, Held("RAA", CLINICS), home=CLINICS
    ),
    _person(104, "Mr", "Dominic", "Achterberg", "RA ID Checker", 102, Held("IDC")),
    _person(105, "Mrs", "Elspeth", "Marchbanks", "Matron", 101, Held("SPON")),
    _person(106, "Mr", "Farid", "Soltani", "IT Support Officer", 102, Held("LSA")),
    _person(
        107, "Miss", "Grace", "Adeyemi", "Staff Nurse", 105,
        Held("NURSE"), Held("CLERK", end=_LEFT), preferred="Gracie",
    ),
    _person(108, "Dr", "Henrik", "Sørensen", "Locum Registrar", 101),
    _person(109, "Ms", "Isla", "Farquharson", "Pharmacist", 105, Held("PHARM")),
    _person(110, "Dr", "João", "Ferreira", "Consultant", 101, Held("CONS")),
    _person(111, "Mrs", "Keira", "O’Sullivan", "Staff Nurse", 105, Held("NURSE")),
    _person(112, "Mr", "Lachlan", "Mackenzie", "Ward Clerk", 105, Held("CLERK")),
    _person(113, "Dr", "Mei-Lin", "Zhao", "General Practitioner", 101, Held("GP", CLINICS),
            home=CLINICS),
    _person(114, "Mrs", "Nadia", "Rahman", "Practice Nurse", 113, _CLINIC_NURSE, home=CLINICS),
    _person(115, "Mr", "Owen", "Pritchard", "Receptionist", 113, _RECEPTION, home=CLINICS),
    _person(116, "Dr", "Priya", "Venkataraman", "Consultant", 101, Held("CONS")),
    _person(117, "Mr", "Quentin", "Bellweather", "Pharmacist", 105, Held("PHARM")),
    _person(
        118, "Mrs", "Rosalind", "Thackeray", "Retired", None,
        Held("NURSE", end=_LEFT), status=PersonStatus.CLOSED,
    ),
    _person(119, "Mr", "Samuel", "Ashdown-Reyes", "RA Agent", 102, Held("RAA")),
    _person(120, "Ms", "Tamsin", "Kowalczyk", "Staff Nurse", 105, Held("NURSE")),
    _person(121, "Mr", "Umar", "Chaudhry", "Staff Nurse", 105, Held("NURSE")),
    _person(122, "Dr", "Viveka", "Lindqvist", "Consultant", 101, Held("CONS")),
    _person(123, "Mr", "Wilfred", "Abernathy", "Ward Clerk", 105, Held("CLERK")),
    _person(124, "Ms", "Xanthe", "Papadakis", "Pharmacist", 105, Held("PHARM")),
    _person(125, "Mr", "Yusuf", "Demir", "Practice Nurse", 113, _CLINIC_NURSE, home=CLINICS),
    _person(126, "Mrs", "Zofia", "Łukasiewicz", "Receptionist", 113, _RECEPTION, home=CLINICS),
    _person(127, "Mr", "Alistair", "Pemberton", "Staff Nurse", 105, Held("NURSE")),
    _person(128, "Ms", "Beatriz", "Núñez", "Staff Nurse", 105, Held("NURSE")),
    _person(129, "Dr", "Cormac", "Gallagher", "General Practitioner", 101, Held("GP", CLINICS),
            home=CLINICS),
    _person(130, "Mrs", "Delphine", "Haverford", "Practice Manager", 113,
            Held("SPON", CLINICS), _RECEPTION, home=CLINICS),
    _person(131, "Mr", "Emeka", "Nwosu", "Staff Nurse", 105, Held("NURSE")),
    _person(132, "Ms", "Fenella", "Greatorex", "Ward Clerk", 105, Held("CLERK")),
    _person(133, "Mr", "Gethin", "Vaughan-Price", "Pharmacist", 105, Held("PHARM")),
    _person(134, "Dr", "Harriet", "Osei-Bonsu", "Consultant", 101, Held("CONS")),
    _person(135, "Mr", "Imran", "Malik", "Receptionist", 113, _RECEPTION, home=CLINICS),
    _person(136, "Ms", "Jocasta", "Winterbourne", "Staff Nurse", 105, Held("NURSE")),
    _person(137, "Mr", "Kwabena", "Mensah", "Staff Nurse", 105, Held("NURSE")),
    _person(138, "Mrs", "Leocadia", "Brightwell", "Practice Nurse", 113, _CLINIC_NURSE,
            home=CLINICS),
    _person(139, "Mr", "Marek", "Dvořák", "Ward Clerk", 105, Held("CLERK", end=_LEFT)),
    _person(140, "Ms", "Niamh", "Castellanos", "Staff Nurse", 105, Held("NURSE")),
)  # fmt: skip
