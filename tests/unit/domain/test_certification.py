"""Certificates are issued, renewed in time, revoked, and that is forgotten at their end."""

import pytest

from slapcore.errors import NotFound
from slapcore.errors import StillActive
from slapmaster.domain.certification import FORGOTTEN_AT_ONCE
from slapmaster.domain.certification import RENEWED_BEFORE
from slapmaster.domain.certification import certify_instance
from slapmaster.domain.certification import current_revocations
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.certification import revoke
from slapmaster.domain.certification import revoke_all
from tests.factories import DAY
from tests.factories import SECOND
from tests.factories import World


@pytest.fixture
def world():
    return World.make()


def issue(world, **values):
    return issue_certificate(world.act(), world.person, **values)


def test_who_has_one_gets_no_other_unless_that_is_said(world):
    new = issue(world)
    assert (new.certificate, new.key) == ("CN=PERS-1", "key 1")
    with pytest.raises(StillActive, match=r"^Certificate still active\.$"):
        issue(world)
    issue(world, only_one=False)
    assert [held.serial for held in world.person.certificates] == ["1", "2"]


def test_a_master_may_work_without_certificates(world):
    world.act.issuer = None
    world.node()
    web = world.request()
    assert certify_instance(world.act(), web) is None
    assert web.secret is None
    with pytest.raises(NotFound, match="works without certificates"):
        issue(world)


def test_an_instance_has_its_certificate_and_its_sealed_key(world):
    world.node()
    web = world.request()
    secret = certify_instance(world.act(), web)
    assert secret is web.secret
    assert secret.certificate == "CN=SOFTINST-1"
    assert world.act.issuer.open(secret.sealed, web.reference) == "key 1"


def test_an_instance_gets_another_one_before_the_first_ends(world):
    world.node()
    web = world.request()
    world.act.clock.now = world.act.issuer.not_after - RENEWED_BEFORE - 10 * SECOND
    first = certify_instance(world.act(), web)
    world.act.clock.now += 10 * SECOND
    world.act.issuer.not_after += 365 * DAY
    second = certify_instance(world.act(), web)
    assert second is not first
    assert certify_instance(world.act(), web) is second
    assert len(web.certificates) == 2


def test_a_short_lived_one_is_not_renewed_at_once(world):
    world.act.issuer.not_after = world.act.clock.now + 3 * DAY
    world.node()
    web = world.request()
    first = certify_instance(world.act(), web)
    world.act.clock.now += DAY
    assert certify_instance(world.act(), web) is first
    world.act.clock.now += DAY
    assert certify_instance(world.act(), web) is not first


def test_a_revoked_one_is_listed_and_no_longer_held(world):
    issue(world)
    issue(world, only_one=False)
    act = world.act()
    revoke(act, world.person, "1", "lost")
    assert [held.serial for held in world.person.certificates] == ["2"]
    revocation = world.site.revocations["1"]
    assert (revocation.holder, revocation.when, revocation.reason) == ("PERS-1", act.now, "lost")
    assert current_revocations(world.site, act.now) == [("1", act.now)]


def test_what_is_not_held_can_not_be_revoked(world):
    with pytest.raises(NotFound, match="PERS-1 has no certificate 7"):
        revoke(world.act(), world.person, "7", "lost")


def test_all_are_revoked_at_once(world):
    assert revoke_all(world.act(), world.person, "left") == 0
    issue(world)
    issue(world, only_one=False)
    assert revoke_all(world.act(), world.person, "left") == 2
    assert world.person.certificates == ()
    assert len(world.site.revocations) == 2


def test_what_would_have_expired_is_forgotten_when_another_is_revoked(world):
    for _ in range(FORGOTTEN_AT_ONCE + 2):
        issue(world, only_one=False)
    revoke_all(world.act(), world.person, "left")
    world.act.clock.now = world.act.issuer.not_after
    world.act.issuer.not_after += 365 * DAY
    assert current_revocations(world.site, world.act().now) == []
    issue(world)
    revoke_all(world.act(), world.person, "left again")
    assert len(world.site.revocations) == len(world.site.revocations_by_end) == 3
    assert len(current_revocations(world.site, world.act().now)) == 1
