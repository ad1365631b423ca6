"""How functions and modules are written, as far as their syntax trees show it."""

import ast
import re
from pathlib import Path

import pytest

from tests.rules.tree import PRODUCT
from tests.rules.tree import Module
from tests.rules.tree import read_modules

#: Where everything that goes wrong may be caught: the outermost edge of a process, a thread or
#: an item.  File -> the functions that do it.
BOUNDARIES: dict[str, set[str]] = {
    "slapcore/node/agent.py": {"_do"},
    "slapcore/node/daemon.py": {"_work"},
    "slapcore/promise/look.py": {"attempt"},
    "slapcore/server/connection.py": {"_ask", "advance"},
    "slapcore/server/listeners.py": {"_take_event"},
    "slapmaster/domain/policy.py": {"_run"},
}

#: Where a transaction may be ended: the store and what runs without the web.
ENDS_TRANSACTIONS = ("slapmaster/storage.py", "slapmaster/evolve/", "slapmaster/cli/")

#: Methods that a framework wants to find under their names.
WANTED_BY_OTHERS = {"slapmaster/auth/policy.py identity"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(module: Module) -> str:
    return str(module.path)


@pytest.mark.parametrize("module", read_modules(), ids=name_of)
def test_every_module_says_what_it_knows(module):
    documented = ast.get_docstring(module.syntax)
    assert documented or not module.text.strip()


def is_passing_on(function: Function) -> bool:
    """Tell whether ``function`` only calls another with the very arguments it got.

    A method that asks a part of its object is no such case: it keeps that part to itself.
    A decorated one isn't either: it stands where a framework wants it.
    """
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    if len(statements) != 1 or function.decorator_list or function.name.startswith("__"):
        return False
    statement = statements[0]
    call = statement.value if isinstance(statement, ast.Return | ast.Expr) else None
    if not isinstance(call, ast.Call) or is_own_part(call.func):
        return False
    wanted = [argument.arg for argument in function.args.posonlyargs + function.args.args]
    wanted = [name for name in wanted if name not in {"self", "cls"}]
    wanted += [argument.arg for argument in function.args.kwonlyargs]
    given = [name_in(part) for part in call.args]
    given += [keyword.arg for keyword in call.keywords if keyword.arg == name_in(keyword.value)]
    same = len(call.args) + len(call.keywords) == len(wanted) and given == wanted
    return bool(wanted) and same


def name_in(part: ast.expr) -> str:
    return part.id if isinstance(part, ast.Name) else ""


def is_own_part(called: ast.expr) -> bool:
    names = ast.unparse(called).split(".")
    return names[0] == "self" and len(names) > 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def ask(a, b): return answer(a, b)", True),
        ("def ask(a, *, b): answer(a, b=b)", True),
        ("def ask(a, b): return answer(b, a)", False),
        ("def ask(a): return answer(a, 1)", False),
        ("def ask(): return answer()", False),
        ("def ask(self, a): return self._index.get(a)", False),
        ("def ask(self, a): return self.answer(a)", True),
    ],
)
def test_passing_on_is_recognised(text, expected):
    assert is_passing_on(ast.parse(text).body[0]) is expected


def test_no_function_only_passes_its_arguments_on():
    found = {
        f"{module.path} {function.name}"
        for module in read_modules(*PRODUCT)
        for function in module.walk_functions()
        if is_passing_on(function)
    }
    assert found == WANTED_BY_OTHERS


def walk_with_owner(part: ast.AST, owner: str = "") -> list[tuple[ast.AST, str]]:
    """List everything below ``part`` with the name of the function it stands in."""
    found = []
    for child in ast.iter_child_nodes(part):
        name = child.name if isinstance(child, Function) else owner
        found.append((child, name))
        found += walk_with_owner(child, name)
    return found


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Tell whether ``handler`` swallows whatever comes; one that raises it again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
        for kind in kinds
    )


def find_broad_handlers(module: Module) -> set[str]:
    return {
        owner
        for part, owner in walk_with_owner(module.syntax)
        if isinstance(part, ast.ExceptHandler) and is_broad(part)
    }


def test_everything_is_caught_only_at_the_listed_boundaries():
    found = {str(module.path): find_broad_handlers(module) for module in read_modules(*PRODUCT)}
    assert {path: owners for path, owners in found.items() if owners} == BOUNDARIES


def test_transactions_end_only_where_they_may():
    found = [
        f"{module.path}:{number}: {line.strip()}"
        for module in read_modules(*PRODUCT)
        if not str(module.path).startswith(ENDS_TRANSACTIONS)
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(r"\b(?:commit|abort)\(", line)
    ]
    assert not found


def test_at_most_five_arguments_and_the_rest_by_name():
    found = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in read_modules(*PRODUCT)
        if "cli" not in module.path.parts
        for function in module.walk_functions()
        if len([part for part in function.args.args if part.arg not in {"self", "cls"}]) > 5
    ]
    assert not found


def test_modules_stay_below_five_hundred_lines():
    found = {
        str(module.path): len(module.text.splitlines())
        for module in read_modules(*PRODUCT)
        if len(module.text.splitlines()) >= 500
    }
    assert not found


def test_imports_stand_at_the_top_except_in_command_tables():
    found = [
        f"{module.path}:{part.lineno}"
        for module in read_modules(*PRODUCT)
        if Path("slapmaster/cli") not in module.path.parents
        for part, owner in walk_with_owner(module.syntax)
        if isinstance(part, ast.Import | ast.ImportFrom) and owner
    ]
    assert not found
