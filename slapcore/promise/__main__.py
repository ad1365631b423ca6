"""Starts the warm process, or looks at one promise in the Python of a release.

It is run by its path, so that it needs nothing of ours in the interpreter that runs it: where
that has no ``slapcore`` of its own, the one that this file belongs to is put in place.
"""

import importlib
import importlib.util
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("promises need Python 3.11 or newer, this is " + sys.version.split()[0])

if "slapcore" not in sys.modules:
    root = __file__.rsplit("/", 2)[0]
    spec = importlib.util.spec_from_file_location(
        "slapcore", root + "/__init__.py", submodule_search_locations=[root]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["slapcore"] = package
    spec.loader.exec_module(package)

importlib.import_module("slapcore.promise.warm").main(sys.argv[1:])
