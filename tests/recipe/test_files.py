"""Recipes that write files, in real buildouts."""

import hashlib
import os
import subprocess

import pytest

WRAPPER = """
[part]
recipe = slapmaster:wrapper
wrapper-path = ${buildout:directory}/etc/service/own
"""
TEMPLATE = """
[part]
recipe = slapmaster:template
output = ${buildout:directory}/out
"""


def run(path, *words, **environment):
    own = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run([path, *words], env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestDirectory:
    def test_each_option_is_a_directory(self, buildout):
        profile = """
        [part]
        recipe = slapmaster:directory
        mode = 0700
        etc = ${buildout:directory}/etc
        service = ${:etc}/service
        """
        buildout.build("part", profile)
        assert (buildout.folder / "etc/service").stat().st_mode & 0o777 == 0o700
        (buildout.folder / "etc/data").write_text("kept")
        buildout.build("part", profile)
        buildout.build("", "")
        assert buildout.read("etc/data") == "kept"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("mode = rwx", "[part] mode is no octal number: rwx"),
            ("mode = 77777", "[part] mode is no file mode: 77777"),
            ("a = ${buildout:directory}/buildout.cfg", "buildout.cfg is there, and no directory"),
            ("a = /proc/none", "[part] /proc/none can't be made: No such file or directory"),
        ],
    )
    def test_what_is_wrong_is_told(self, buildout, options, said):
        profile = f"[part]\nrecipe = slapmaster:mkdirectory\n{options}\n"
        assert said in buildout.fail("part", profile)


class TestWrapper:
    def test_a_command_runs_with_its_words_as_they_are(self, buildout):
        command = "command-line = printf '<%s>' 'a b' $HOME `id` \"it's\" ';' '*'"
        buildout.build("part", WRAPPER + command)
        said = run(buildout.folder / "etc/service/own", "more words")
        assert said == "<a b><$HOME><`id`><it's><;><*><more words>"
        assert (buildout.folder / "etc/service/own").stat().st_mode & 0o777 == 0o700

    def test_the_environment_is_given_as_it_is(self, buildout):
        options = "command-line = env\nenvironment =\n  A = x $HOME 'y'\n  B=\n"
        buildout.build("part", WRAPPER + options)
        said = run(buildout.folder / "etc/service/own", C="3").splitlines()
        assert {"A=x $HOME 'y'", "B=", "C=3"} <= set(said)

    def test_it_waits_for_files(self, buildout):
        first = buildout.folder / "first one"
        buildout.build("part", f"{WRAPPER}command-line = echo begun\nwait-for-files = ready\n")
        path = buildout.folder / "etc/service/own"
        process = subprocess.Popen(path, cwd=buildout.folder, stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.7)
        (buildout.folder / "ready").write_text("")
        assert process.communicate(timeout=10)[0] == "begun\n" and not first.exists()

    def test_one_process_at_a_time_holds_the_pidfile(self, buildout):
        options = f"command-line = sleep 60\npidfile = {buildout.folder}/pid\n"
        buildout.build("part", WRAPPER + options)
        path = buildout.folder / "etc/service/own"
        with subprocess.Popen(path) as process:
            try:
                while not (buildout.folder / "pid").exists() or not buildout.read("pid"):
                    pass
                assert int(buildout.read("pid")) == process.pid
                second = subprocess.run(path, capture_output=True, text=True)
                assert second.returncode == 1 and "belongs to a process" in second.stderr
            finally:
                process.kill()

    def test_signals_are_ignored_and_output_is_redirected(self, buildout):
        options = (
            f"command-line = sh -c 'kill -HUP $$$$; echo said; echo wrong >&2'\nsig-ign = SIGHUP\n"
            f"redirect-stdout = {buildout.folder}/said\nredirect-stderr = {buildout.folder}/wrong\n"
        )
        buildout.build("part", WRAPPER + options.replace("$$$$", "$$"))
        assert run(buildout.folder / "etc/service/own") == ""
        assert (buildout.read("said"), buildout.read("wrong")) == ("said\n", "wrong\n")

    def test_it_is_named_after_what_its_files_say(self, buildout):
        path = buildout.folder / "conf"
        path.write_text("1")
        for option in ("hash-files", "hash-existing-files"):
            profile = f"{WRAPPER}command-line = true\n{option} = {path}\n"
            buildout.build("part", profile)
            before = {p for p in os.listdir(buildout.folder / "etc/service")}
            path.write_text(f"2{option}")
            buildout.build("part", profile)
            after = {p for p in os.listdir(buildout.folder / "etc/service")}
            assert len(before) == len(after) == 1 and before != after
        buildout.build("", "")
        assert os.listdir(buildout.folder / "etc/service") == []

    def test_what_says_the_same_is_left_alone(self, buildout):
        profile = f"{WRAPPER}command-line = true\n"
        buildout.build("part", profile)
        path = buildout.folder / "etc/service/own"
        os.utime(path, (1, 1))
        buildout.build("part", profile)
        assert path.stat().st_mtime == 1

    def test_a_removed_part_leaves_nothing(self, buildout):
        buildout.build("part", f"{WRAPPER}command-line = true\n")
        buildout.build("", "")
        assert buildout.list_files() == {"etc", "etc/service"}

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("", "[part] the option command-line is missing"),
            ("command-line = echo 'a", "[part] command-line can't be split: No closing quotation"),
            ("command-line = a\nenvironment = A", "has a line that is no key = value: A"),
            ("command-line = a\nenvironment = A B = 1", "has a name that is none: A B"),
            ("command-line = a\nsig-ign = SIGNONE", "sig-ign has a signal that is none: SIGNONE"),
            ("command-line = a\nreserve-cpu = true", "[part] reserve-cpu is not offered"),
            ("command-line = a\nhash-existing-files = /none", "[part] /none can't be read"),
        ],
    )
    def test_what_is_wrong_is_told(self, buildout, options, said):
        assert said in buildout.fail("part", WRAPPER + options)
        assert "etc" not in buildout.list_files()


class TestTemplate:
    def test_the_context_is_from_everywhere(self, buildout):
        (buildout.folder / "text").write_text("in a file")
        (buildout.folder / "t.in").write_text(
            "{% include 'part.in' %}{{ raw }}|{{ key }}|{{ other['a-b'] }}|{{ json.x }}|"
            "{{ parsed[1] }}|{{ home }}|{{ missing }}|{{ file }}|{{ os.sep }}|{{ len(parsed) }}|"
            "{{ dumps(json) }}\n"
        )
        (buildout.folder / "part.in").write_text("included ")
        profile = (
            TEMPLATE
            + """
        url = ${buildout:directory}/t.in
        mode = 0640
        context =
          raw raw some words
          key key other:a-b
          section other other
          json json {"x": 1}
          jsonkey parsed other:list
          environment home OWN_HOME
          environment missing OWN_NOTHING by default
          file file text
          import os os
        [other]
        a-b = ${:_c}d
        _c = c
        list = [1, 2]
        """.replace("        ", "")
        )
        buildout.build("part", profile, OWN_HOME="/here")
        assert buildout.read("out") == (
            'included some words|cd|cd|1|2|/here|by default|in a file|/|2|{"x": 1}\n'
        )
        assert (buildout.folder / "out").stat().st_mode & 0o777 == 0o640

    def test_a_changed_template_is_rendered_again(self, buildout):
        profile = f"{TEMPLATE}url = t.in\n"
        (buildout.folder / "t.in").write_text("one")
        buildout.build("part", profile)
        (buildout.folder / "t.in").write_text("two")
        buildout.build("part", profile)
        assert buildout.read("out") == "two"
        buildout.build("", "")
        assert buildout.list_files() == {"t.in"}

    def test_an_inline_template_and_the_older_names(self, buildout):
        profile = "[part]\nrecipe = slapmaster:jinja2\nrendered = out\n"
        buildout.build("part", f"{profile}inline =\n  a\n    {{{{ 1 + 1 }}}}\n")
        assert buildout.read("out") == "a\n  2\n"

    def test_what_is_imported_is_named(self, buildout):
        (buildout.folder / "macros").write_text("{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}")
        inline = "inline = {% from 'lib' import twice %}{{ twice(4) }}\n"
        buildout.build("part", f"{TEMPLATE}import-list =\n  rawfile lib macros\n{inline}")
        assert buildout.read("out") == "44\n"

    def test_a_pinned_template_is_that_one(self, buildout):
        (buildout.folder / "t.in").write_text("one")
        wanted = hashlib.md5(b"one").hexdigest()
        profile = f"{TEMPLATE}url = t.in\nmd5sum = {wanted}\n"
        buildout.build("part", profile)
        (buildout.folder / "t.in").write_text("two")
        said = f"[part] t.in has another checksum than {wanted}"
        assert said in buildout.fail("part", profile)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("", "[part] the option url is missing"),
            ("url = none", "[part] none can't be read"),
            ("url = t\ninline = x", "a template is inline or at a url, not both"),
            ("inline = {{ missing }}", "[part] inline: 'missing' is undefined"),
            ("inline =\n  a\n  {% if %}", "[part] inline line 2: Expected an expression"),
            ("inline = {{ assert(1 == 2, 'one is not two') }}", "inline: one is not two"),
            ("inline = {% include '../x' %}", "[part] inline: ../x"),
            ("inline = x\ncontext = raw", "has a line that is no type, name and expression"),
            ("inline = x\ncontext = row a b", "has a type row; there are environment, file"),
            ("inline = x\ncontext = key a b", "[part] b is no section:option"),
            ("inline = x\ncontext = key a b:c", "[part] there is no section [b]"),
            ("inline = x\ncontext = key a buildout:c", "there is no option c in [buildout]"),
            ("inline = x\ncontext = json a {", "[part] that is no JSON: {"),
            ("inline = x\ncontext = environment a OWN_NOTHING", "environment has no OWN_NOTHING"),
            ("inline = x\ncontext = file a none", "none can't be read"),
            ("inline = x\ncontext = import a no.such", "context: No module named 'no'"),
        ],
    )
    def test_what_is_wrong_is_told(self, buildout, options, said):
        assert said in buildout.fail("part", TEMPLATE + options)
        assert "out" not in buildout.list_files()


class TestLogrotate:
    PROFILE = """
[logrotate]
recipe = slapmaster:logrotate
logrotate-entries = ${buildout:directory}/logrotate.d
logrotate-binary = /usr/sbin/logrotate
gzip-binary = /bin/gzip
gunzip-binary = /bin/gunzip
conf = ${buildout:directory}/logrotate.conf
state-file = ${buildout:directory}/state
wrapper = ${buildout:directory}/bin-logrotate
[entry]
recipe = slapmaster:logrotate.d
logrotate-entries = ${logrotate:logrotate-entries}
log = ${buildout:directory}/var/a.log ${buildout:directory}/var/b.log
backup = ${buildout:directory}/old
post = kill -USR1 1
"""

    def test_a_program_a_configuration_and_an_entry_are_written(self, buildout):
        buildout.build("logrotate entry", self.PROFILE)
        folder = buildout.folder
        assert buildout.read("bin-logrotate") == (
            f'#!/bin/sh\nexec /usr/sbin/logrotate -s {folder}/state {folder}/logrotate.conf "$@"\n'
        )
        assert f'include "{folder}/logrotate.d"\n' in buildout.read("logrotate.conf")
        entry = buildout.read("logrotate.d/entry")
        assert entry.startswith(f'"{folder}/var/a.log" "{folder}/var/b.log" {{\n  daily\n')
        assert "  postrotate\n  kill -USR1 1\n  endscript\n" in entry
        assert f'  olddir "{folder}/old"\n' in entry
        buildout.build("", "")
        assert buildout.list_files() == {"logrotate.d"}

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("name = ../x", "[entry] name is no name of a file: ../x"),
            ("rotate-num = many", "[entry] rotate-num is no number: many"),
            ("frequency = now", "frequency is now, and has to be one of hourly, daily"),
            ("log =", "[entry] the option log is missing"),
            ('log = a"b', "[entry] that is no path for logrotate"),
        ],
    )
    def test_what_is_wrong_is_told(self, buildout, options, said):
        assert said in buildout.fail("logrotate entry", f"{self.PROFILE}\n[entry]\n{options}\n")


class TestYAML:
    PROFILE = """
[doc]
recipe = slapmaster:yaml
file = doc.yaml
prefix = our-
[out]
recipe = slapmaster:template
output = out
inline = {{ port + 1 }} {{ names | join(',') }} {{ text }} ${our-web:port}
context =
  key port our-web:port
  key names our-web:names
  raw text ${doc:title}
"""

    def test_mappings_become_sections(self, buildout):
        (buildout.folder / "doc.yaml").write_text(
            "title: an $example\nweb:\n  port: 80\n  names: [a, b]\n"
        )
        buildout.build("doc out", self.PROFILE)
        assert buildout.read("out") == "81 a,b an $example 80\n"

    def test_a_section_may_have_a_recipe(self, buildout):
        recipe = "  recipe: slapmaster:template\n  output: other\n"
        text = f"title: yaml\nmade:\n{recipe}  inline: from ${{doc:title}}\n"
        (buildout.folder / "doc.yaml").write_text(text)
        profile = "[doc]\nrecipe = slapmaster:yaml\nfile = doc.yaml\n"
        buildout.build("doc", profile)
        assert buildout.read("other") == "from yaml\n"
        (buildout.folder / "doc.yaml").write_text("title: yaml\n")
        buildout.build("doc", profile)
        assert "other" not in buildout.list_files()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a: [", "[doc] doc.yaml is no YAML"),
            ("- a", "[doc] doc.yaml is no mapping of names and values"),
            ("file: x", "[doc] the document may not say file: the section does"),
            ("'a:b': 1", "[doc] that can't be the name of an option: 'a:b'"),
            ('web: {"a b\\n": 1}', "that can't be the name"),
            ("!!python/object/apply:os.system [id]", "[doc] doc.yaml is no YAML"),
        ],
    )
    def test_what_is_wrong_is_told(self, buildout, text, said):
        (buildout.folder / "doc.yaml").write_text(text)
        assert said in buildout.fail("doc", "[doc]\nrecipe = slapmaster:yaml\nfile = doc.yaml\n")

    def test_a_section_that_is_there_is_not_made_again(self, buildout):
        (buildout.folder / "doc.yaml").write_text("buildout: {a: 1}\n")
        profile = "[doc]\nrecipe = slapmaster:yaml\nfile = doc.yaml\n"
        assert "there is a section [buildout] already" in buildout.fail("doc", profile)


class TestDownload:
    def profile(self, buildout, content=b"content", **options):
        (buildout.folder / "source.bin").write_bytes(content)
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        return f"[part]\nrecipe = slapmaster:download\nurl = {buildout.folder}/source.bin\n{lines}"

    def test_the_right_file_is_put_in_place_and_goes_with_the_part(self, buildout):
        wanted = hashlib.sha512(b"content").hexdigest()
        buildout.build("part", self.profile(buildout, sha512=wanted, mode="0755"))
        path = buildout.folder / "parts/part/source.bin"
        assert path.read_bytes() == b"content" and path.stat().st_mode & 0o777 == 0o755
        assert buildout.options("part")["location"] == str(path.parent)
        buildout.build("", "")
        assert not path.parent.exists()

    def test_it_may_go_elsewhere(self, buildout):
        wanted = hashlib.md5(b"content").hexdigest()
        buildout.build("part", self.profile(buildout, md5sum=wanted, output="there/x"))
        assert buildout.read("there/x") == "content"
        (buildout.folder / "there/x").unlink()
        buildout.build("part", self.profile(buildout, md5sum=wanted, output="there/x"))
        assert buildout.read("there/x") == "content"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({}, "[part] md5sum or sha512 has to say which file that is"),
            ({"md5sum": "0" * 32}, "has another checksum than 0000"),
            ({"sha512": "0" * 128}, "has another checksum than 0000"),
            ({"sha512": "0", "url": "http://127.0.0.1:9/"}, "names no file"),
            ({"sha512": "0", "url": "http://127.0.0.1:9/x"}, "in offline mode"),
        ],
    )
    def test_what_is_wrong_is_told(self, buildout, options, said):
        profile = self.profile(buildout)
        if "url" in options:
            profile = "[part]\nrecipe = slapmaster:download\n"
        lines = "".join(f"{name} = {value}\n" for name, value in options.items())
        assert said in buildout.fail("part", profile + lines)
        assert not (buildout.folder / "parts/part").exists()
