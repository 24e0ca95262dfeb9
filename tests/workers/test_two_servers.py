"""What holds when the requests of one person reach two servers, at once or in turn."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest

from tests.parts.http_person import DASHBOARD, Person
from tests.parts.visitor import CARDS, HOLDER
from tests.workers.conftest import Cluster

Found = TypeVar("Found")
PASSCODE = CARDS[HOLDER].passcode
RUNNING = "SELECT count(*) FROM session WHERE ended_at IS NULL"
SERVERS = (0, 1)


def at_once(*actions: Callable[[], Found]) -> list[Found]:
    start = Barrier(len(actions))

    def one(action: Callable[[], Found]) -> Found:
        start.wait(timeout=20)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(one, actions))


@pytest.fixture
def grace(cluster: Cluster) -> Iterator[Person]:
    cluster.desk.insert(HOLDER)
    yield cluster.person()
    cluster.value("UPDATE card SET status = 'issued' WHERE status IN ('cancelled', 'suspended')")


def card_of(cluster: Cluster, person: Person) -> str:
    return str(person.page.read_card("Virtual reader 1")["guid"])


def set_status(cluster: Cluster, person: Person, status: str) -> None:
    guid = card_of(cluster, person)
    query = "UPDATE card SET status = :status WHERE guid = :guid"
    assert cluster.value(query, status=status, guid=guid) == 1


def test_a_session_is_the_same_at_every_server_until_it_ends_at_one(grace: Person) -> None:
    grace.sign_in(PASSCODE)
    assert [grace.is_signed_in(server) for server in SERVERS * 2] == [True] * 4
    assert grace.post("/sign-out", {}, 1, keep=False).status == 303
    assert [grace.is_signed_in(server) for server in SERVERS] == [False, False]


def test_one_card_signs_in_two_browsers_at_once(cluster: Cluster, grace: Person) -> None:
    two = (grace, cluster.person())
    for each in two:
        each.come()
    brought = [each.prove_card(PASSCODE) for each in two]
    answers = at_once(
        *(
            lambda each=each, sent=sent, server=server: each.post(*sent, server)
            for each, sent, server in zip(two, brought, SERVERS, strict=True)
        )
    )
    assert [answer.goes_to for answer in answers] == [DASHBOARD] * 2
    assert cluster.value(RUNNING) == 2
    assert all(each.is_signed_in(server) for each in two for server in SERVERS)


def test_the_same_result_twice_at_once_is_one_sign_in_and_one_answer(
    cluster: Cluster, grace: Person
) -> None:
    grace.come()
    address, result = grace.prove_card(PASSCODE)
    before = cluster.value("SELECT count(*) FROM audit_event WHERE event = 'sign-in'")
    answers = at_once(
        *(
            lambda server=server: grace.post(address, result, server, keep=False)
            for server in SERVERS
        )
    )
    assert [answer.goes_to for answer in answers] == [DASHBOARD] * 2
    assert cluster.value(RUNNING) == 1
    after = cluster.value("SELECT count(*) FROM audit_event WHERE event = 'sign-in'")
    assert after == int(str(before)) + 1


def test_a_page_that_lost_the_answer_to_its_sign_in_asks_once_more(
    cluster: Cluster, grace: Person
) -> None:
    grace.come()
    address, result = grace.prove_card(PASSCODE)
    grace.post(address, result, 0, keep=False)
    assert grace.post(address, result, 1).goes_to == DASHBOARD
    assert [grace.is_signed_in(server) for server in SERVERS] == [True, True]
    assert cluster.value(RUNNING) == 1


@pytest.mark.parametrize("status", ["cancelled", "suspended"])
def test_a_card_that_is_stopped_between_ticket_and_result_signs_nobody_in(
    cluster: Cluster, grace: Person, status: str
) -> None:
    grace.come()
    address, result = grace.prove_card(PASSCODE)
    set_status(cluster, grace, status)
    answer = grace.post(address, result, 1)
    assert (answer.status, answer.goes_to) == (409, None)
    assert status in answer.text
    assert cluster.value(RUNNING) == 0


def test_a_card_that_is_stopped_ends_its_sessions_at_every_server(
    cluster: Cluster, grace: Person
) -> None:
    other = cluster.person()
    for each in (grace, other):
        each.sign_in(PASSCODE)
    set_status(cluster, grace, "cancelled")
    assert not any(each.is_signed_in(server) for each in (grace, other) for server in SERVERS)
    reasons = "SELECT count(*) FROM session WHERE end_reason = 'card-cancelled'"
    assert cluster.value(reasons) == 2


def test_of_several_tabs_that_hear_a_tick_one_is_given_the_proof(
    cluster: Cluster, grace: Person
) -> None:
    grace.sign_in(PASSCODE)
    grace.page = cluster.new_page()
    grace.post("/bridge/hello", {"hello": grace.page.hello})
    cluster.let_proofs_grow_old()
    told = {"sid": grace.page.sid}
    answers = at_once(
        *(
            lambda server=server: grace.post("/presence", told, server).json
            for server in SERVERS * 3
        )
    )
    [ticket] = [answer for answer in answers if "ticket" in answer]
    done = grace.post(ticket["result_url"], grace.step(ticket), 1).json
    assert done == {"done": True}
    assert all("ticket" not in grace.post("/presence", told, server).json for server in SERVERS)
