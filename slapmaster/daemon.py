"""A master that runs: its listeners, its control socket, and what is done every so often.

Signals: SIGTERM and SIGINT end it, requests in progress are finished; SIGHUP reads the
listener's certificate again.
"""

import logging
import signal
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from functools import partial

from ZODB.POSException import POSError

from slapcore.errors import SlapError
from slapcore.server.address import Address
from slapcore.server.listeners import Limits
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapcore.server.signals import kept_signals
from slapmaster import directory
from slapmaster.app import make_app
from slapmaster.cache import opened_cache
from slapmaster.control.listener import ControlApplication
from slapmaster.control.operation import Asked
from slapmaster.control.operation import act_once
from slapmaster.domain.closure import needs_tending
from slapmaster.domain.closure import tend_nodes
from slapmaster.domain.waiting import resume_placing
from slapmaster.forward import forwarding
from slapmaster.master import Master
from slapmaster.master import refuse_old
from slapmaster.settings import Settings
from slapmaster.storage import now_in_microseconds
from slapmaster.storage import opened

log = logging.getLogger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*ENDING, signal.SIGHUP)


def run(master: Master, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it; ``say`` is told the addresses once it listens."""
    with kept_signals(SIGNALS):
        serve(master, say)


def serve(master: Master, say: Callable[[str], None]) -> None:
    settings = master.settings
    refuse_old(master)
    renew_certificate(master)
    with opened_cache(master) as cache, forwarding(master):
        server = Server(
            make_app(replace(master.parts, cache=cache)),
            listeners=make_listeners(master),
            threads=settings.threads,
            limits=limits_of(settings),
        )
        server.start()
        try:
            say(f"listening on {' '.join(urls_of(settings, server))}")
            wait(master, server)
        finally:
            server.stop()


def wait(master: Master, server: Server) -> None:
    """Do what is to be done every so often, until a signal ends it."""
    begun = now_in_microseconds()
    while True:
        found = signal.sigtimedwait(SIGNALS, master.settings.pulse_flush_seconds)
        if found is not None and found.si_signo in ENDING:
            log.info("ended by signal %d", found.si_signo)
            return
        if found is None:
            flush_pulse(master)
            place_the_rest(master)
            watch_nodes(master, begun)
        keep_certificate(master, server, asked=found is not None)


def keep_certificate(master: Master, server: Server, *, asked: bool) -> None:
    """Have the listener's certificate made and read again in time, or when it is ``asked`` for.

    With files that can't be used the listener goes on with what it has.
    """
    try:
        if renew_certificate(master) or asked:
            server.reload()
            log.info("the listener's certificate was read again")
    except (OSError, SlapError):
        log.exception("the listener's certificate could not be read again")


def place_the_rest(master: Master) -> None:
    """Go on where more waited for a place than one transaction could place."""
    asked = Asked(name="place the rest", arguments={}, by="master")
    try:
        while act_once(master, asked, resume_placing):
            log.info("placed some of those that waited")
    except (POSError, OSError, SlapError):
        log.exception("those that wait could not be placed")


def watch_nodes(master: Master, begun: int) -> None:
    """Close nodes that were not heard of for long, and do what the times of closed ones say.

    As long as this server did not run it could not hear them: it begins to count when it does.
    """
    asked = Asked(name="watch nodes", arguments={}, by="master")
    seconds = master.settings.node_outdated_seconds
    silent: list[str] = []
    limit = now_in_microseconds() - int(seconds * 1_000_000)
    if not master.parts.alone and limit > begun:
        silent = master.parts.store.pulse.silent_since(limit)
    try:
        if has_work(master, silent):
            act_once(master, asked, partial(tend_nodes, silent=silent, seconds=int(seconds)))
    except (POSError, OSError, SlapError):
        log.exception("the times of nodes could not be kept")


def has_work(master: Master, silent: Sequence[str]) -> bool:
    """Tell whether a transaction is worth while."""
    with opened(master.parts.store.main) as connection:
        return needs_tending(connection.root()["site"], silent, now_in_microseconds())


def flush_pulse(master: Master) -> None:
    try:
        count = master.parts.store.pulse.flush()
    except (OSError, POSError):
        log.exception("when nodes were heard last could not be written")
    else:
        log.debug("wrote when %d were heard last", count)


def renew_certificate(master: Master) -> bool:
    """Make the listener's certificate again if it is time; tell whether it was."""
    issuer, settings = master.parts.issuer, master.settings
    if issuer is None or not settings.listen:
        return False
    reason = directory.keep_server_certificate(settings, issuer.authority, datetime.now(UTC))
    if reason:
        log.info("made the listener's certificate: %s", reason)
    return bool(reason)


def make_listeners(master: Master) -> Sequence[Listener]:
    settings = master.settings
    encrypted = [
        Listener(
            address=address,
            certificate=settings.server_certificate,
            key=settings.server_key,
        )
        for address in settings.listen
    ]
    plain = [Listener(address=address) for address in settings.listen_plain]
    control = Listener.unix(settings.control_socket, ControlApplication(master))
    return [*encrypted, *plain, control]


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_connections=settings.max_connections,
        max_header=settings.max_header,
        max_body=settings.max_body,
        handshake_timeout=settings.handshake_timeout,
        request_timeout=settings.request_timeout,
        idle_timeout=settings.idle_timeout,
    )


def urls_of(settings: Settings, server: Server) -> list[str]:
    addresses = [address for address in server.addresses if isinstance(address, Address)]
    schemes = ["https"] * len(settings.listen) + ["http"] * len(settings.listen_plain)
    return [
        f"{scheme}://{address}" for scheme, address in zip(schemes, addresses, strict=True)
    ]
