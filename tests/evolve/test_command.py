"""``slapmaster evolve``: an older database is brought up by steps, and used by nothing before."""

import json

import pytest
from click.testing import CliRunner

from slapmaster import evolve
from slapmaster.cli import main

STEP = '''"""Every person called old is called new."""


def evolve(site):
    for person in site.persons:
        if person.name == "{old}":
            person.name = "{new}"
'''


@pytest.fixture
def say(tmp_path, monkeypatch):
    monkeypatch.setattr(evolve, "STEPS", ())

    def run(*words, code=0):
        arguments = ["--directory", str(tmp_path / "data"), *map(str, words)]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == code, f"{words}: {done.output} {done.exception!r}"
        return done.stderr if code else done.stdout

    run("init", "--operator", "ada")
    return run


@pytest.fixture
def newer_program(say, tmp_path, monkeypatch):
    """A program with two steps that the database has not seen."""
    folder = tmp_path / "steps"
    folder.mkdir()
    (folder / "step_0001_to_bea.py").write_text(STEP.format(old="ada", new="bea"))
    (folder / "step_0002_to_cleo.py").write_text(STEP.format(old="bea", new="cleo"))
    monkeypatch.setattr(evolve, "__path__", [*evolve.__path__, str(folder)])
    monkeypatch.setattr(evolve, "STEPS", ("step_0001_to_bea", "step_0002_to_cleo"))


def test_a_new_database_has_nothing_to_do(say):
    assert "nothing to do" in say("evolve")
    assert json.loads(say("evolve", "--dry-run", "--json")) == {"steps": [], "version": 0}


def test_steps_run_in_order_and_once(say, newer_program):
    assert say("evolve").split() == ["step_0001_to_bea", "step_0002_to_cleo"]
    assert json.loads(say("person", "list", "--json"))[0]["name"] == "cleo"
    assert json.loads(say("evolve", "--json")) == {"steps": [], "version": 2}


def test_a_dry_run_says_the_steps_and_changes_nothing(say, newer_program):
    for _ in range(2):
        assert json.loads(say("evolve", "--dry-run", "--json"))["version"] == 0
    assert "step_0002_to_cleo" in say("evolve", "--dry-run")


def test_an_old_database_is_backed_up_and_otherwise_left_alone(say, newer_program, tmp_path):
    for words in (["person", "list"], ["serve", "--listen", "127.0.0.1:0"], ["init"]):
        assert "run 'slapmaster evolve'" in say(*words, code=1)
    assert "full" in say("backup", tmp_path / "copies")


def test_a_step_that_fails_leaves_the_database_as_it_was(say, newer_program, tmp_path):
    (tmp_path / "steps" / "step_0003_wrong.py").write_text(
        '"""Fails half way."""\n\n\ndef evolve(site):\n'
        '    for person in site.persons:\n        person.name = "spoilt"\n    raise ValueError\n'
    )
    evolve.STEPS = (*evolve.STEPS, "step_0003_wrong")
    done = CliRunner().invoke(main, ["--directory", str(tmp_path / "data"), "evolve"])
    assert isinstance(done.exception, ValueError)
    evolve.STEPS = evolve.STEPS[:2]
    assert json.loads(say("person", "list", "--json"))[0]["name"] == "cleo"
    assert json.loads(say("evolve", "--json"))["version"] == 2


def test_a_newer_database_is_not_touched_by_an_older_program(say, newer_program, monkeypatch):
    say("evolve")
    monkeypatch.setattr(evolve, "STEPS", ())
    assert "this program knows 0" in say("person", "list", code=1)
