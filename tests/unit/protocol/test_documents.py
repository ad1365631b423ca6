"""The documents say what the protocol says they say."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slapcore.errors import ProtocolError
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import NodeView
from slapcore.protocol.documents import PartitionView
from slapcore.protocol.documents import ReleaseView
from slapcore.protocol.documents import SharedInstanceView
from slapcore.protocol.documents import read_computer
from slapcore.protocol.documents import read_instance
from slapcore.protocol.documents import read_partition
from slapcore.protocol.documents import read_release
from slapcore.protocol.documents import write_computer
from slapcore.protocol.documents import write_free_partition
from slapcore.protocol.documents import write_instance
from slapcore.protocol.documents import write_partition
from slapcore.protocol.documents import write_release
from slapcore.protocol.documents import write_shared_instance
from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import decode
from slapcore.protocol.marshal import encode
from slapcore.protocol.marshal import encode_fragment
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

SYSTEM_WORDS = {
    "full_ip_list": [("route_tap", "10.1.0.1", "10.1.0.254", "255.0.0.0", "10.0.0.0")],
    "instance_title": "web",
    "ip_list": [("tap", "10.0.0.1")],
    "root_instance_short_title": "s",
    "root_instance_title": "shop",
    "slap_computer_id": "COMP-1",
    "slap_computer_partition_id": "slappart0",
    "slap_software_release_url": "https://example.org/software.cfg",
    "slap_software_type": "default",
    "slave_instance_list": [],
    "timestamp": 1700000000000001,
}

VIEW = InstanceView(
    computer_guid="COMP-1",
    partition_id="slappart0",
    instance_guid="SOFTINST-1",
    title="web",
    root_title="shop",
    root_short_title="s",
    software_type="default",
    release_url="https://example.org/software.cfg",
    state="started",
    timestamp=1700000000000001,
    parameters={"port": "80"},
    connection={"url": "http://10.0.0.1/"},
    sla={"computer_guid": "COMP-1"},
    ip_list=(("tap", "10.0.0.1"),),
    full_ip_list=(("route_tap", "10.1.0.1", "10.1.0.254", "255.0.0.0", "10.0.0.0"),),
    access_status="#access Instance correctly started",
)
SHARED = SharedInstanceView(
    title="site", reference="SOFTINST-2", software_type="default", timestamp=1700000000000000
)


def test_a_release_says_what_is_wanted_of_it():
    assert write_release("https://x/s.cfg", "COMP-1", "destroyed") == Document(
        "SoftwareRelease",
        ("https://x/s.cfg", "COMP-1"),
        {
            "_computer_guid": "COMP-1",
            "_requested_state": "destroyed",
            "_software_instance_list": [],
            "_software_release": "https://x/s.cfg",
        },
    )


def test_a_free_partition_is_to_be_emptied():
    document = write_free_partition("COMP-1", "slappart0")
    assert document.args == ("COMP-1", "slappart0", None)
    assert document.attributes == {
        "_computer_id": "COMP-1",
        "_need_modification": 0,
        "_partition_id": "slappart0",
        "_request_dict": None,
        "_requested_state": "destroyed",
        "_software_release_document": None,
    }


def test_a_partition_says_everything_of_its_instance():
    document = write_partition(VIEW)
    assert document.class_name == "ComputerPartition"
    assert document.args == ("COMP-1", "slappart0", None)
    assert document.attributes == {
        "_access_status": "#access Instance correctly started",
        "_computer_id": "COMP-1",
        "_connection_dict": {"url": "http://10.0.0.1/"},
        "_filter_dict": {"computer_guid": "COMP-1"},
        "_instance_guid": "SOFTINST-1",
        "_need_modification": 1,
        "_parameter_dict": {"port": "80", **SYSTEM_WORDS},
        "_partition_id": "slappart0",
        "_request_dict": None,
        "_requested_state": "started",
        "_software_release_document": write_release(VIEW.release_url, "COMP-1"),
    }
    assert "_requested_state" not in document.attributes["_software_release_document"].attributes


def test_a_destroyed_instance_is_still_described():
    attributes = write_partition(replace(VIEW, state="destroyed")).attributes
    assert attributes["_requested_state"] == "destroyed"
    assert attributes["_need_modification"] == 1
    assert attributes["_parameter_dict"]["port"] == "80"


def test_a_partition_asked_for_by_itself_has_no_status():
    attributes = write_partition(VIEW, with_status=False).attributes
    assert attributes["_synced"] is True
    assert "_access_status" not in attributes


def test_no_parameter_overrides_what_the_system_says():
    view = replace(VIEW, parameters={word: "mine" for word in SYSTEM_WORDS})
    assert write_partition(view).attributes["_parameter_dict"] == SYSTEM_WORDS


@pytest.mark.parametrize(
    "word", ["slave_title", "slave_reference", "slap_software_type", "timestamp"]
)
@pytest.mark.parametrize("place", ["parameters", "connection"])
def test_no_parameter_makes_a_shared_instance_pass_for_another(word, place):
    honest = write_partition(replace(VIEW, shared_instances=(SHARED,)))
    liar = replace(SHARED, **{place: {word: "SOFTINST-1"}})
    assert write_partition(replace(VIEW, shared_instances=(liar,))) == honest


def test_a_host_sees_what_its_shared_instances_want():
    shared = replace(
        SHARED, connection={"url": "a", "x": "1"}, parameters={"domain": "b", "x": "2"}
    )
    attributes = write_partition(replace(VIEW, shared_instances=(shared,))).attributes
    assert attributes["_parameter_dict"]["slave_instance_list"] == [
        {
            "domain": "b",
            "slap_software_type": "default",
            "slave_reference": "SOFTINST-2",
            "slave_title": "site",
            "timestamp": 1700000000000000,
            "url": "a",
            "x": "2",
        }
    ]


def test_an_answer_to_a_request_says_where_the_instance_is():
    document = write_instance(VIEW)
    assert document.class_name == "SoftwareInstance"
    assert document.args == ()
    assert document.attributes == {
        **SYSTEM_WORDS,
        "_connection_dict": {"url": "http://10.0.0.1/"},
        "_filter_dict": {"computer_guid": "COMP-1"},
        "_instance_guid": "SOFTINST-1",
        "_parameter_dict": {"port": "80"},
        "_requested_state": "started",
    }


def test_a_shared_instance_does_not_see_its_neighbours():
    view = replace(VIEW, instance_guid="SOFTINST-2", shared_instances=(SHARED,))
    attributes = write_shared_instance(view).attributes
    assert "slave_instance_list" not in attributes
    assert attributes["_instance_guid"] == "SOFTINST-2"
    assert attributes["_requested_state"] == "started"
    assert attributes["slap_computer_partition_id"] == "slappart0"


def test_a_computer_is_put_together_from_fragments():
    parts = [write_partition(VIEW), write_free_partition("COMP-1", "slappart1")]
    releases = [write_release("https://x/s.cfg", "COMP-1", "available")]
    whole = write_computer("COMP-1", releases, parts)
    assert decode(encode(whole)) == whole
    fragments = write_computer("COMP-1", releases, map(encode_fragment, parts))
    assert encode(fragments) == encode(whole)


def test_what_a_node_is_told_is_read_again():
    host = replace(
        VIEW,
        shared_instances=(replace(SHARED, parameters={"d": "x.org"}),),
    )
    wanted = write_release("https://x/s.cfg", "COMP-1", "available")
    free = write_free_partition("COMP-1", "slappart1")
    sent = write_computer("COMP-1", [wanted], [write_partition(host), free])
    assert read_computer(decode(encode(sent))) == NodeView(
        computer_guid="COMP-1",
        releases=(
            ReleaseView(
                url="https://x/s.cfg", computer_guid="COMP-1", state=ReleaseState.AVAILABLE
            ),
        ),
        partitions=(
            PartitionView(
                computer_guid="COMP-1",
                partition_id="slappart0",
                state=InstanceState.STARTED,
                instance=host,
            ),
            PartitionView(
                computer_guid="COMP-1", partition_id="slappart1", state=InstanceState.DESTROYED
            ),
        ),
    )


def test_what_a_host_is_told_of_a_shared_instance_is_read_as_one():
    shared = replace(SHARED, connection={"url": "u"}, parameters={"d": "x.org"})
    document = write_partition(replace(VIEW, shared_instances=(shared,)))
    (read,) = read_partition(document).instance.shared_instances
    assert read == replace(SHARED, parameters={"url": "u", "d": "x.org"})


def test_the_answer_to_a_request_is_read_again():
    told = replace(VIEW, access_status="#error no data found")
    assert read_instance(write_instance(told)) == told
    assert read_instance(write_shared_instance(told)) == told


def test_a_parameter_called_like_a_word_of_the_system_is_read_as_one_of_a_request():
    view = replace(VIEW, parameters={"timestamp": "1", "ip_list": "2"})
    read = read_instance(write_instance(view))
    assert (read.parameters, read.timestamp) == (view.parameters, view.timestamp)


#: What SlapProxy answers: it says less, and the time in seconds.
PROXY_WORDS = {
    "full_address_list": [],
    "ip_list": [("tap", "127.0.0.1")],
    "slap_computer_id": "computer",
    "slap_computer_partition_id": "slappart0",
    "slap_software_type": "default",
    "slave_instance_list": [
        {"slap_software_type": "default", "slave_reference": "_s", "slave_title": "_s", "x": None}
    ],
    "timestamp": "1795423041.0745351",
}


def test_a_partition_of_slapproxy_is_read():
    release = write_release("http://x/s.cfg", "computer")
    attributes = {
        "_computer_id": "computer",
        "_partition_id": "slappart0",
        "_requested_state": "started",
        "_parameter_dict": {**PROXY_WORDS, "a": "b"},
        "_software_release_document": release,
    }
    instance = read_partition(Document("ComputerPartition", (), attributes)).instance
    assert instance.timestamp == 1795423041074535
    assert (instance.parameters, instance.release_url) == ({"a": "b"}, "http://x/s.cfg")
    assert instance.shared_instances[0].parameters == {"x": ""}
    assert (instance.instance_guid, instance.title, instance.full_ip_list) == ("", "", ())


def test_an_answer_of_slapproxy_is_read():
    attributes = {
        "_parameter_dict": {"a": "b", "timestamp": "1795423041.5"},
        "slap_computer_id": "computer",
        "slap_computer_partition_id": "slappart0",
    }
    view = read_instance(Document("SoftwareInstance", (), attributes))
    assert (view.timestamp, view.parameters) == (1795423041500000, {"a": "b"})
    assert (view.state, view.connection) == ("started", {})


def partition(**attributes):
    return Document("ComputerPartition", (), {"_parameter_dict": {}, **attributes})


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "is a NoneType, not a ComputerPartition"),
        (Document("Computer"), "is a Computer, not a ComputerPartition"),
        (partition(_requested_state="flying"), "_requested_state of ComputerPartition is 'flying'"),
        (partition(_instance_guid=1), "_instance_guid of ComputerPartition is a int"),
        (partition(_parameter_dict=[]), "_parameter_dict of ComputerPartition is a list"),
        (partition(_parameter_dict={"ip_list": 1}), "ip_list of ComputerPartition is a int"),
        (partition(_parameter_dict={"ip_list": ["ab"]}), "is no list of 2 words each"),
        (partition(_parameter_dict={"ip_list": [(1,)]}), "is no list of 2 words each"),
        (partition(_parameter_dict={"timestamp": "soon"}), "timestamp of ComputerPartition is"),
        (partition(_parameter_dict={"timestamp": "9" * 41}), "not a time"),
        (partition(_parameter_dict={"timestamp": "1e9"}), "not a time"),
        (partition(_parameter_dict={"slave_instance_list": [1]}), "a shared instance is a int"),
        (partition(_software_release_document=1), "is a int, not a SoftwareRelease"),
    ],
)
def test_what_is_no_partition_is_refused_by_name(value, fault):
    with pytest.raises(ProtocolError) as caught:
        read_partition(value)
    assert fault in str(caught.value)


def test_addresses_may_be_unknown():
    view = read_partition(partition(_parameter_dict={"ip_list": [(None, "::1")]})).instance
    assert (view.ip_list, view.timestamp) == ((("", "::1"),), 0)


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.just(partition()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = ("_computer_id", "_partition_id", "_requested_state", "_parameter_dict", "_filter_dict",
         "_connection_dict", "_software_release_document", "_computer_partition_list",
         "_software_release_list", "_instance_guid", "_access_status", "timestamp")  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_whatever_a_document_holds_is_read_or_is_a_protocol_error(attributes):
    for name, read in (
        ("Computer", read_computer),
        ("ComputerPartition", read_partition),
        ("SoftwareInstance", read_instance),
        ("SoftwareRelease", read_release),
    ):
        with suppress(ProtocolError):
            read(Document(name, (), attributes))
