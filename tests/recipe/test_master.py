"""Recipes that speak to the master, in real buildouts at the door of a real one."""

import json

import pytest

from tests.served import RELEASE

CONFIGURATION = """
[slap-configuration]
recipe = slapmaster:slapconfiguration
"""
SHOW = """
[show]
recipe = slapmaster:template
output = shown
context =
  section own slap-configuration
  key configuration slap-configuration:configuration
  key shared slap-configuration:slave-instance-list
inline = {{ dumps({"own": own, "configuration": configuration, "shared": shared}) }}
"""


def show(buildout):
    return json.loads(buildout.read("shown"))


def wrap(values):
    return {"_": json.dumps(values)}


class TestConfiguration:
    def test_parameters_are_given_one_by_one_and_together(self, connected, site):
        site.request(greeting="Hello ${you}", port="81")
        profile = f"""{CONFIGURATION}configuration.port = 80
configuration.host = localhost
{SHOW}"""
        connected.build("slap-configuration show", profile)
        found = show(connected)
        wanted = {"greeting": "Hello ${you}", "port": "81", "host": "localhost"}
        assert found["configuration"] == wanted
        own = found["own"]
        assert {name: own[f"configuration.{name}"] for name in wanted} == wanted
        assert json.loads(own["configuration"]) == wanted

    def test_what_else_is_known_of_the_instance(self, connected, site):
        site.request()
        (connected.folder / ".slapos-resource").write_text(
            json.dumps({"tap": {"ipv4_addr": "10.0.0.1"}, "address_list": [1], "ipv4": "kept"})
        )
        connected.build("slap-configuration show", CONFIGURATION + SHOW)
        own = show(connected)["own"]
        known = {
            "instance-title": site.title,
            "root-instance-title": site.title,
            "slap-software-type": "default",
            "slap-software-release-url": RELEASE,
            "slap-computer-id": site.served.node,
            "slap-computer-partition-id": site.partition,
            "instance-state": "started",
            "ipv4": "127.0.0.1",
            "ipv4-random": "127.0.0.1",
            "ipv6": "",
            "tap-ipv4-addr": "10.0.0.1",
            "address-list": "[1]",
            "slave-instance-list": "[]",
        }
        assert {name: own[name] for name in known} == known
        assert own["instance-guid"].startswith("SOFTINST-") and own["timestamp"].isdigit()

    def test_shared_instances_are_listed(self, connected, site):
        site.request()
        site.share("b", greeting="B")
        site.share("a", greeting="A")
        connected.build("slap-configuration show", CONFIGURATION + SHOW)
        found = show(connected)["shared"]
        assert {each["slave_title"][0]: each["greeting"] for each in found} == {"a": "A", "b": "B"}
        references = [each["slave_reference"] for each in found]
        assert references == sorted(references)

    def test_parameters_may_travel_as_json(self, connected, site):
        site.request(**wrap({"port": 81, "names": ["a"]}))
        profile = CONFIGURATION.replace("slapconfiguration", "slapconfiguration.serialised")
        connected.build("slap-configuration show", profile + SHOW)
        found = show(connected)
        assert found["configuration"] == {"port": 81, "names": ["a"]}
        assert found["own"]["configuration.names"] == '["a"]'

    def test_what_is_no_json_is_told(self, connected, site):
        site.request(_="{")
        profile = CONFIGURATION.replace("slapconfiguration", "slapconfiguration.serialised")
        said = "[slap-configuration] the parameters are no JSON in the parameter _"
        assert said in connected.fail("slap-configuration", profile)

    def test_an_older_section_says_who_asks_itself(self, buildout, site):
        site.request()
        profile = f"""{CONFIGURATION}
computer = {site.served.node}
partition = {site.partition}
url = http://127.0.0.1:{site.served.port}/
{SHOW}"""
        buildout.build("slap-configuration show", profile)
        assert show(buildout)["own"]["instance-title"] == site.title

    def test_without_a_connection_it_is_told_what_is_missing(self, buildout):
        said = "[slap-configuration] there is no server-url, neither here nor in [slap-connection]"
        assert said in buildout.fail("slap-configuration", CONFIGURATION)

    def test_what_the_master_refuses_is_told(self, connected):
        connected.connection = connected.connection.replace("= slappart", "= slappart9")
        said = "[slap-configuration] the master says: "
        assert said in connected.fail("slap-configuration", CONFIGURATION)


class TestSchema:
    @pytest.fixture
    def described(self, connected):
        """Give a buildout whose release describes its parameters."""
        folder = connected.folder / "release"
        folder.mkdir()
        types = {
            "default": {"request": "input.json", "index": 0},
            "default-shared": {
                "software-type": "default",
                "shared": True,
                "request": "shared.json",
            },
        }
        self.write(folder / "software.cfg.json", {"serialisation": "xml", "software-type": types})
        limits = {"type": "object", "properties": {"most": {"type": "integer", "default": 9}}}
        self.write(folder / "more/limits.json", {"definitions": {"limits": limits}})
        self.write(
            folder / "input.json",
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "allOf": [{"properties": {"host": {"type": "string", "default": "localhost"}}}],
                "properties": {
                    "port": {"type": "integer", "minimum": 1, "default": 80},
                    "secure": {"type": "boolean"},
                    "limits": {"$ref": "more/limits.json#/definitions/limits"},
                    "greeting": {"type": "string"},
                },
            },
        )
        self.write(
            folder / "shared.json",
            {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        )
        return connected

    def write(self, path, value):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))

    def profile(self, **options):
        lines = "".join(f"{name.replace('_', '-')} = {v}\n" for name, v in options.items())
        recipe = CONFIGURATION.replace("slapconfiguration", "slapconfiguration.jsonschema")
        return f"{recipe}jsonschema = release/software.cfg.json\n{lines}"

    def build(self, described, **options):
        described.build("slap-configuration show", self.profile(**options) + SHOW)
        return show(described)

    def test_defaults_come_from_the_schema_and_texts_become_what_it_wants(self, described, site):
        site.request(port="81", secure="true", greeting="12")
        assert self.build(described, set_default="all")["configuration"] == {
            "port": 81,
            "secure": True,
            "greeting": "12",
            "host": "localhost",
            "limits": {"most": 9},
        }
        assert self.build(described)["configuration"] == {
            "port": 81,
            "secure": True,
            "greeting": "12",
        }

    def test_what_is_not_as_described_is_told_and_reported(self, described, site):
        site.request(port="0", secure="perhaps")
        said = described.fail("slap-configuration", self.profile())
        wrong = "$.port: 0 is less than the minimum of 1; $.secure: 'perhaps' is not of type"
        assert wrong in said
        assert site.status().startswith("#error while instanciating: ")

    def test_it_may_go_unchecked(self, described, site):
        site.request(port="0")
        found = self.build(described, validate_parameters="none", unstringify="none")
        assert found["configuration"] == {"port": "0"}

    def test_a_default_of_the_profile_counts_before_that_of_the_schema(self, described, site):
        site.request()
        profile = self.profile(set_default="main") + "configuration.port = 82\n"
        described.build("slap-configuration show", profile + SHOW)
        assert show(described)["configuration"]["port"] == 82

    def test_shared_instances_are_checked_one_by_one(self, described, site):
        site.request()
        site.share("good", name="x")
        site.share("bad")
        own = self.build(described)["own"]
        good = json.loads(own["valid-shared-instance-list"])
        bad = json.loads(own["invalid-shared-instance-list"])
        assert [each["parameters"] for each in good] == [{"name": "x"}]
        assert [each["errors"] for each in bad] == ["$: 'name' is a required property"]

    def test_json_in_xml_is_read_as_the_release_says(self, described, site):
        path = described.folder / "release/software.cfg.json"
        path.write_text(path.read_text().replace('"xml"', '"json-in-xml"'))
        site.request(**wrap({"port": 81, "limits": {}}))
        found = self.build(described, set_default="main")["configuration"]
        assert found == {"port": 81, "limits": {"most": 9}, "host": "localhost"}

    @pytest.mark.parametrize(
        ("schema", "said"),
        [
            ("{", "input.json can't be read"),
            ("[]", "holds no JSON object"),
            ('{"$ref": "../outside.json"}', "is not beside the release's description"),
            ('{"$ref": "http://127.0.0.1:9/x.json"}', "is not beside the release's description"),
            ('{"$ref": "#/nowhere"}', "is not there"),
        ],
    )
    def test_a_schema_that_is_none_is_told(self, described, site, schema, said):
        site.request()
        (described.folder / "outside.json").write_text("{}")
        (described.folder / "release/input.json").write_text(schema)
        profile = self.profile(set_default="main")
        assert said in described.fail("slap-configuration", profile)

    def test_an_unknown_type_and_a_wrong_option_are_told(self, described, site):
        site.request()
        said = "validate-parameters is some, and has to be one of none, main, shared, all"
        wrong = self.profile(validate_parameters="some")
        assert said in described.fail("slap-configuration", wrong)
        path = described.folder / "release/software.cfg.json"
        path.write_text(path.read_text().replace('"default"', '"other"'))
        said = "software.cfg.json says nothing of the type default"
        assert said in described.fail("slap-configuration", self.profile())


class TestPublish:
    def test_options_are_published(self, connected, site):
        site.request()
        profile = """
[publish]
recipe = slapmaster:publish
-extends = more
url = http://[::1]/
[more]
-publish = user
user = alice
secret = kept
"""
        connected.build("publish", profile)
        assert site.published() == {"url": "http://[::1]/", "user": "alice"}

    def test_all_may_travel_as_one_and_keep_their_types(self, connected, site):
        site.request(**wrap({"names": ["a"]}))
        profile = f"""{CONFIGURATION.replace("slapconfiguration", "slapconfiguration.serialised")}
[publish]
recipe = slapmaster:publish.serialised
url = http://[::1]/
"""
        connected.build("slap-configuration publish", profile)
        assert json.loads(site.published()["_"]) == {"url": "http://[::1]/"}

    def test_a_shared_instance_has_parameters_of_its_own(self, connected, site):
        site.request()
        answer = site.share("share")
        reference = answer.attributes["_instance_guid"]
        profile = f"[p]\nrecipe = slapmaster:publish\n-slave-reference = {reference}\nurl = x\n"
        connected.build("p", profile)
        assert site.share("share").attributes["_connection_dict"] == {"url": "x"}
        assert site.published() == {}

    def test_what_is_published_early_stays(self, connected, site):
        site.request()
        profile = """
[early]
recipe = slapmaster:publish-early
-init =
  password made:value
  fixed made:other
fixed = by the profile
[made]
recipe = slapmaster:template
output = made
value = {value}
inline = x
[publish]
recipe = slapmaster:publish.serialised
-extends = early
url = x
"""
        connected.build("early publish", profile.format(value="first"))
        wanted = {"password": "first", "url": "x", "fixed": "by the profile"}
        assert json.loads(site.published()["_"]) == wanted
        connected.build("early publish", profile.format(value="second"))
        assert json.loads(site.published()["_"]) == wanted
        assert "first" not in connected.read(".installed.cfg")

    @pytest.mark.parametrize(
        ("init", "said"),
        [
            ("password made", "[early] -init has a line that is no NAME section:option"),
            ("password none:x", "[early] there is no section [none]"),
            ("password made:x", "[early] [made] has made no x"),
        ],
    )
    def test_what_is_wrong_is_told(self, connected, site, init, said):
        site.request()
        profile = f"[early]\nrecipe = slapmaster:publish-early\n-init = {init}\n[made]\na = 1\n"
        assert said in connected.fail("early", profile)

    def test_what_was_made_already_is_told(self, connected, site):
        site.request()
        profile = "[early]\nrecipe = slapmaster:publish-early\n-init = a made:x\n[made]\nx = 1\n"
        profile += "[before]\nrecipe = slapmaster:template\noutput = o\ninline = ${made:x}\n"
        said = "[early] [made] was made already: list this part before it"
        assert said in connected.fail("before early", profile)


class TestRequest:
    PROFILE = f"""
[child]
recipe = slapmaster:request
name = the child
software-url = {RELEASE}
config-greeting = Hello
return = url
[out]
recipe = slapmaster:template
output = out
inline = ${{child:connection-url}} ${{child:instance-state}} ${{child:requested-state}}
"""

    def test_it_fails_until_the_child_has_published(self, connected, site):
        site.make_room()
        said = "[child] the child has not published url yet"
        assert said in connected.fail("child out", self.PROFILE)
        assert site.newest().attributes["_parameter_dict"]["greeting"] == "Hello"
        site.publish(site.newest_name, {"url": "http://[::1]/"})
        connected.build("child out", self.PROFILE)
        assert connected.read("out") == "http://[::1]/ started started\n"
        assert "the child\n" in connected.read(f".slapos-request-transaction-{site.partition}")

    def test_an_optional_child_may_be_missing(self, connected, site):
        site.make_room()
        profile = self.PROFILE.replace("slapmaster:request", "slapmaster:requestoptional")
        assert "the child has not published url yet" in connected.build("child out", profile)
        assert connected.read("out") == " started started\n"

    def test_a_child_stops_with_its_parent(self, connected, site):
        site.make_room()
        profile = self.PROFILE.replace("slapmaster:request", "slapmaster:requestoptional")
        connected.connection = connected.connection.replace("= started", "= stopped")
        connected.build("child out", profile)
        assert connected.read("out") == " stopped stopped\n"

    def test_parameters_may_travel_as_json(self, connected, site):
        site.make_room()
        profile = self.PROFILE.replace("slapmaster:request", "slapmaster:request.serialised")
        connected.fail("child out", profile)
        parameters = site.newest().attributes["_parameter_dict"]
        assert json.loads(parameters["_"]) == {"greeting": "Hello"}
        site.publish(site.newest_name, wrap({"url": "u"}))
        connected.build("child out", profile)
        assert connected.read("out").startswith("u ")

    def test_no_room_is_told(self, connected, site):
        assert "[child] the child is not there yet" in connected.fail("child", self.PROFILE)
        # It waits for the next room, which would be another test's.
        site.make_room()

    def test_a_demand_that_nothing_can_meet_is_told(self, connected, site):
        profile = self.PROFILE + "\n[child]\nsla-computer_guid = COMP-999\n"
        said = "[child] the master says: there is no node 'COMP-999'"
        assert said in connected.fail("child", profile)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("software-url =", "[child] the option software-url is missing"),
            ("state = running", "[child] state is running, and has to be one of started, stopped"),
            ("shared = perhaps", "[child] shared is neither true nor false: perhaps"),
            ("config = greeting", "[child] config is obsolete: every config-… counts by itself"),
        ],
    )
    def test_what_is_wrong_is_told(self, connected, site, options, said):
        assert said in connected.fail("child", f"{self.PROFILE}\n[child]\n{options}\n")


class TestSoftwareType:
    PROFILE = f"""{CONFIGURATION}
[switch]
recipe = slapmaster:switch-softwaretype
default = profiles:default
other = profiles:other
[profiles]
default = ${{buildout:directory}}/default.cfg
other = ${{buildout:directory}}/other.cfg
"""
    INNER = """
[buildout]
parts = out
[out]
recipe = slapmaster:template
output = inner
inline = {{ configuration['greeting'] }} ${slap-connection:partition-id}
context = key configuration slap-configuration:configuration
"""

    def test_the_profile_of_the_type_is_built_and_knows_the_same(self, connected, site):
        site.request(greeting="Hello ${you}")
        (connected.folder / "default.cfg").write_text(self.INNER)
        connected.build("switch", self.PROFILE)
        assert connected.read("inner") == f"Hello ${{you}} {site.partition}\n"
        (connected.folder / "default.cfg").write_text("[buildout]\nparts =\n")
        connected.build("switch", self.PROFILE)
        assert "inner" not in connected.list_files()

    def test_a_failure_inside_is_told(self, connected, site):
        site.request()
        (connected.folder / "default.cfg").write_text(self.INNER)
        said = "[out] inline: 'dict object' has no attribute 'greeting'"
        assert said in connected.fail("switch", self.PROFILE)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (("default = profiles:default\n", ""), "there is no software type default, only other"),
            (("profiles:default", "profiles"), "[switch] profiles is no section:option"),
            (("slap-configuration", "slapconf"), "there is no section [slap-configuration]"),
        ],
    )
    def test_what_is_wrong_is_told(self, connected, site, change, said):
        site.request()
        assert said in connected.fail("switch", self.PROFILE.replace(*change))
