"""Runs calls: operations of the master, and ``system.…``, which tells of them."""

from collections.abc import Callable
from collections.abc import Mapping

from pyramid.request import Request

from slapcore.errors import ProtocolError
from slapcore.protocol.xmlrpc import Value
from slapmaster.api.operation import Operation
from slapmaster.api.operation import operations_of
from slapmaster.api.xmlrpc import table
from slapmaster.api.xmlrpc.fault import Fault
from slapmaster.api.xmlrpc.passing import native
from slapmaster.api.xmlrpc.passing import pass_on
from slapmaster.api.xmlrpc.passing import write_fields

MULTICALL = "system.multicall"
#: How many calls one multicall may hold, and how many bytes their answers may have together.
MAX_CALLS = 100
MAX_TOLD = 32 << 20


class Caller:
    """Runs the calls of one request; knows how much it has told already."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._operations: Mapping[str, Operation] = operations_of(request.registry)
        self._told = 0
        self._system: dict[str, Callable[..., object]] = {
            "system.listMethods": self.list_methods,
            "system.methodHelp": self.help_with,
            "system.methodSignature": self.sign,
            MULTICALL: self.run_all,
        }

    def run(self, name: str, arguments: list[Value]) -> object:
        """Run one call; raises ``Fault``, or ``ProtocolError`` when it can't be understood."""
        if name in self._system:
            expected = 0 if name == "system.listMethods" else 1
            if len(arguments) != expected:
                raise ProtocolError(f"{name} takes {expected} values, not {len(arguments)}")
            return self._system[name](*arguments)
        operation = self._operations.get(name)
        if operation is None:
            raise Fault(404, f"there is no method {name!r}")
        return self.operate(operation, arguments)

    def operate(self, operation: Operation, arguments: list[Value]) -> object:
        if self._told > MAX_TOLD:
            raise Fault(413, f"the answers before this one have more than {MAX_TOLD} bytes")
        struct = arguments[0] if arguments else {}
        if len(arguments) > 1 or not isinstance(struct, dict):
            raise ProtocolError(f"{operation.name} takes one struct of named fields")
        response = pass_on(self._request, operation, write_fields(operation, struct))
        self._told += len(response.body)
        if response.status_int != 200:
            raise Fault(response.status_int, response.text)
        return native(response)

    def run_all(self, calls: Value) -> list[object]:
        """Run calls one after the other, each for itself: what fails undoes no other."""
        if not isinstance(calls, list):
            raise ProtocolError(f"{MULTICALL} takes an array of calls")
        if len(calls) > MAX_CALLS:
            raise ProtocolError(f"{len(calls)} calls at once; {MAX_CALLS} are allowed")
        return [self.run_one(call) for call in calls]

    def run_one(self, call: Value) -> object:
        """Run one of many: a result alone in an array, or the struct of a fault."""
        try:
            return [self.run(*read_one(call))]
        except ProtocolError as error:
            return {"faultCode": 400, "faultString": str(error)}
        except Fault as fault:
            return {"faultCode": fault.code, "faultString": str(fault)}

    def list_methods(self) -> list[str]:
        return sorted([*self._operations, *self._system])

    def help_with(self, name: Value) -> str:
        if name in self._system:
            return table.SYSTEM[str(name)].help
        return table.describe(self.find(name))

    def sign(self, name: Value) -> object:
        """Tell of what type the result is and then what is taken, for each way to call it."""
        if name in self._system:
            return table.SYSTEM[str(name)].signatures
        return table.signatures(self.find(name))

    def find(self, name: Value) -> Operation:
        operation = self._operations.get(name) if isinstance(name, str) else None
        if operation is None:
            raise Fault(404, f"there is no method {str(name)[:80]!r}")
        return operation


def read_one(call: Value) -> tuple[str, list[Value]]:
    """Read one call of many; such calls may not hold many themselves."""
    if not isinstance(call, dict) or not call.keys() <= {"methodName", "params"}:
        raise ProtocolError("a call is a struct of methodName and params")
    name, arguments = call.get("methodName"), call.get("params", [])
    if not isinstance(name, str) or not isinstance(arguments, list):
        raise ProtocolError("a call has a name, which is text, and params, which are an array")
    if name == MULTICALL:
        raise ProtocolError(f"{MULTICALL} may not be one of many calls")
    return name, arguments
