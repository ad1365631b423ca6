"""The recipe that has an instance promise something, and what it writes under our launcher."""

import pytest

from slapcore.promise.launcher import Launcher
from slapcore.promise.launcher import Promising

PROMISE = """
[listens]
recipe = slapmaster:promise
"""


@pytest.fixture
def check(buildout):
    """Give a function that looks at the promises of the buildout: title -> whether it failed."""
    with Launcher() as launcher:

        def check(**how):
            place = Promising(name="slappart0", directory=buildout.folder)
            outcome = launcher.check(place, force=True, **how)
            found = [(each.title, each.result) for each in outcome.statuses]
            return {title: (result.problem, result.message) for title, result in found}

        yield check


def test_a_type_becomes_a_promise(buildout, check):
    options = "type = socket\nconfig-host = 127.0.0.1\nconfig-port = 9\n"
    buildout.build("listens", PROMISE + options)
    failed, message = check()["listens"]
    assert failed and message.startswith("nobody listens at 127.0.0.1 port 9")
    first = buildout.read("etc/plugin/listens.py").splitlines()[2]
    assert first.startswith("sys.path[0:0] = [")
    buildout.build("", "")
    assert check() == {}


def test_options_are_texts_as_they_are(buildout, check):
    command = """sh -c "printf '%s' '$HOME \\\\ {}'" """
    buildout.build("listens", f"{PROMISE}type = command\nconfig-command = {command}\n")
    assert check()["listens"] == (False, "sh has ended with 0: $HOME \\ {}")


def test_a_class_of_one_s_own(buildout, check):
    (buildout.folder / "own.py").write_text(
        "from slapos.grid.promise.generic import GenericPromise\n"
        "class Own(GenericPromise):\n"
        "    def sense(self):\n"
        "        self.logger.info('told %s', self.getConfig('what'))\n"
    )
    buildout.build("listens", f"{PROMISE}file = own.py\nclass = Own\nconfig-what = x\n")
    assert check()["listens"] == (False, "told x")


def test_a_module_of_an_egg(buildout, check):
    options = "module = slapplugin_promise_cpu.cpu\nclass = CPUPromise\nconfig-load = 10000\n"
    buildout.build("listens", f"{PROMISE.replace('promise', 'promise.plugin', 1)}{options}")
    assert check()["listens"][0] is False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "[listens] one of type, module and file has to be given, and no more"),
        ("type = url\nmodule = x", "[listens] one of type, module and file has to be given"),
        ("type = urll", "[listens] there is no type urll, only certificate, command, cpu"),
        ("type = url", "[listens] url: the option url is missing: what to ask for"),
        ("type = url\nconfig-urll = x", "[listens] url: no option urll; there are"),
        ("module = a b", "[listens] module is no name of one: a b"),
        ("module = a\nclass = b()", "[listens] class is no name of one: b()"),
        ("file = none.py", "[listens] there is no file"),
        ("type = cpu\noutput = etc/x", "[listens] output has to end with .py"),
    ],
)
def test_what_is_wrong_is_told(buildout, options, said):
    assert said in buildout.fail("listens", PROMISE + options)
    assert "etc" not in buildout.list_files()
