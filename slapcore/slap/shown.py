"""What a person is shown by a master: services, instances, nodes, releases on nodes, products."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from slapcore.protocol.attributes import Attributes
from slapcore.protocol.attributes import as_texts
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

STATES = frozenset(InstanceState)
RELEASE_STATES = frozenset(ReleaseState)

#: What a node says of an instance that runs as it should.
STARTED = "#access Instance correctly started"
STOPPED = "#access Instance correctly stopped"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An instance, with its place or waiting for one; ``status`` says how it is, or why not."""

    title: str
    reference: str
    root_title: str
    release_url: str
    software_type: str
    state: InstanceState
    shared: bool
    parameters: Mapping[str, str]
    connection: Mapping[str, str]
    demands: Mapping[str, str]
    node: str
    partition: str
    addresses: tuple[str, ...]
    #: In microseconds; 0 while it waits.
    timestamp: int
    status: str

    @property
    def is_placed(self) -> bool:
        return bool(self.partition)

    @property
    def is_settled(self) -> bool:
        """Tell whether its node has said that it is as it was asked for.

        A shared instance has no node that would say so: it is there once it has published.
        """
        if self.state is InstanceState.DESTROYED:
            return True
        if self.shared:
            return self.is_placed and bool(self.connection)
        wanted = STARTED if self.state is InstanceState.STARTED else STOPPED
        return self.is_placed and self.status == wanted


@dataclass(frozen=True, kw_only=True)
class Member:
    """An instance of a service in brief; ``node`` is empty while it waits for a place."""

    title: str
    reference: str
    release_url: str
    software_type: str
    state: InstanceState
    shared: bool
    node: str
    connection: Mapping[str, str]
    status: str
    #: When that was last said, in seconds since the epoch; 0 when it never was.
    reported: int


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a person asked for; ``statuses`` are what is known of each of its instances."""

    title: str
    reference: str
    project: str
    release_url: str
    software_type: str
    state: InstanceState
    shared: bool
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Node:
    """A compute node; ``scope`` says whether it takes instances."""

    reference: str
    title: str
    project: str
    scope: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A release that a node is to have, or to lose."""

    reference: str
    url: str
    state: ReleaseState
    node: str
    project: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """A version of a product; ``current`` says whether its time has come."""

    title: str
    url: str
    effective: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class Product:
    """A piece of software in the catalogue of a project; the newest release comes first."""

    reference: str
    title: str
    project: str
    releases: tuple[Release, ...] = ()

    @property
    def newest(self) -> Release | None:
        """The newest release whose time has come."""
        return next((release for release in self.releases if release.current), None)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why so many nodes can't take an instance, and one of them."""

    count: int
    why: str
    example: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where a request would lead; without a node, the reasons say why nowhere."""

    node: str
    partition: str
    #: whether it lives there already
    is_there: bool
    policy: str
    reasons: tuple[Reason, ...]
    message: str


@dataclass(frozen=True, kw_only=True)
class Left:
    """An instance of a node that is to be empty: where it is now, and why it can't move, if so."""

    instance: str
    node: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; ``cursor`` is where to go on after it."""

    cursor: str
    when: str
    kind: str
    subject: str
    title: str
    service: str
    node: str
    by: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever asks."""

    reference: str
    name: str
    email: str


def read_instance(found: Attributes) -> Instance:
    """Read the instance document of JSON-RPC."""
    return Instance(
        title=found.read_text("title"),
        reference=found.read_text("instance_guid"),
        root_title=found.read_text("root_instance_title"),
        release_url=found.read_text("software_release_uri"),
        software_type=found.read_text("software_type"),
        state=read_state(found, "state"),
        shared=found.read_flag("shared"),
        parameters=found.read_texts("parameters"),
        connection=found.read_texts("connection_parameters"),
        demands=found.read_texts("sla_parameters"),
        node=found.read_text("computer_guid"),
        partition=found.read_text("compute_partition_id"),
        addresses=tuple(address for _, address in found.read_pairs("ip_list")),
        timestamp=found.read_moment("processing_timestamp"),
        status=found.read_text("access_status_message"),
    )


def read_state(found: Attributes, name: str) -> InstanceState:
    return InstanceState(found.read_word(name, STATES, InstanceState.STARTED))


#: the columns of a search, for each kind of thing
SERVICE_COLUMNS = (
    "title", "reference", "follow_up_reference", "url_string", "source_reference", "slap_state",
    "root_slave", "InstanceTree_getNewsDict",
)  # fmt: skip
MEMBER_COLUMNS = (
    "title", "reference", "url_string", "source_reference", "slap_state", "portal_type",
    "default_aggregate_reference", "getConnectionXmlAsDict", "SoftwareInstance_getNewsDict",
)  # fmt: skip
NODE_COLUMNS = (
    "title", "reference", "follow_up_reference", "allocation_scope", "ComputeNode_getNewsDict",
)  # fmt: skip
INSTALLATION_COLUMNS = (
    "reference", "url_string", "slap_state", "default_aggregate_reference", "follow_up_reference",
    "SoftwareInstallation_getNewsDict",
)  # fmt: skip

SHARED_KIND = "Slave Instance"


def read_service(row: Attributes) -> Service:
    news = row.read_part("InstanceTree_getNewsDict")
    return Service(
        title=row.read_text("title"),
        reference=row.read_text("reference"),
        project=row.read_text("follow_up_reference"),
        release_url=row.read_text("url_string"),
        software_type=row.read_text("source_reference"),
        state=read_state(row, "slap_state"),
        shared=row.read_flag("root_slave"),
        statuses=tuple(member.read_text("text") for member in news.read_each("instance")),
    )


def read_member(row: Attributes) -> Member:
    news = row.read_part("SoftwareInstance_getNewsDict")
    return Member(
        title=row.read_text("title"),
        reference=row.read_text("reference"),
        release_url=row.read_text("url_string"),
        software_type=row.read_text("source_reference"),
        state=read_state(row, "slap_state"),
        shared=row.read_text("portal_type") == SHARED_KIND,
        node=row.read_text("default_aggregate_reference"),
        connection=as_texts(row.read_mapping("getConnectionXmlAsDict")),
        status=news.read_text("text"),
        reported=0 if news.read_flag("no_data") else read_date(news.read_text("created_at")),
    )


def read_date(text: str) -> int:
    """Read a date of HTTP; one that can't be read is none."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return 0



def read_node(row: Attributes) -> Node:
    news = row.read_part("ComputeNode_getNewsDict").read_part("computer")
    return Node(
        reference=row.read_text("reference"),
        title=row.read_text("title"),
        project=row.read_text("follow_up_reference"),
        scope=row.read_text("allocation_scope"),
        status=news.read_text("text"),
    )


def read_installation(row: Attributes) -> Installation:
    state = row.read_word("slap_state", RELEASE_STATES, ReleaseState.AVAILABLE)
    return Installation(
        reference=row.read_text("reference"),
        url=row.read_text("url_string"),
        state=ReleaseState(state),
        node=row.read_text("default_aggregate_reference"),
        project=row.read_text("follow_up_reference"),
        status=row.read_part("SoftwareInstallation_getNewsDict").read_text("text"),
    )


def read_product(found: Attributes) -> Product:
    return Product(
        reference=found.read_text("reference"),
        title=found.read_text("title"),
        project=found.read_text("project_guid"),
        releases=tuple(
            Release(
                title=release.read_text("title"),
                url=release.read_text("software_release_uri"),
                effective=release.read_text("effective_date"),
                current=release.read_flag("current"),
            )
            for release in found.read_each("release_list")
        ),
    )


def read_plan(found: Attributes) -> Plan:
    return Plan(
        node=found.read_text("computer_guid"),
        partition=found.read_text("compute_partition_id"),
        is_there=found.read_flag("is_there"),
        policy=found.read_text("policy"),
        reasons=tuple(
            Reason(
                count=reason.read_number("count"),
                why=reason.read_text("why"),
                example=reason.read_text("example"),
            )
            for reason in found.read_each("reason_list")
        ),
        message=found.read_text("message"),
    )


def read_left(found: Attributes) -> Left:
    return Left(
        instance=found.read_text("instance_guid"),
        node=found.read_text("computer_guid"),
        message=found.read_text("message"),
    )


def read_event(found: Attributes) -> Event:
    return Event(
        cursor=found.read_text("cursor"),
        when=found.read_text("when"),
        kind=found.read_text("kind"),
        subject=found.read_text("subject"),
        title=found.read_text("title"),
        service=found.read_text("instance_tree_guid"),
        node=found.read_text("computer_guid"),
        by=found.read_text("by"),
        detail=found.read_text("detail"),
    )
