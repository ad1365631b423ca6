"""What is told of each method: what it is for, and of which type its result is."""

from dataclasses import dataclass

from slapmaster.api.operation import Operation


@dataclass(frozen=True)
class About:
    """A method of ``system``."""

    help: str
    signatures: list[list[str]]


SYSTEM = {
    "system.listMethods": About("The names of all methods.", [["array"]]),
    "system.methodHelp": About("What a method does and takes.", [["string", "string"]]),
    "system.methodSignature": About(
        "The type of a method's result and of what it takes.", [["array", "string"]]
    ),
    "system.multicall": About(
        "Up to 100 calls, structs of methodName and params, one after the other and each in a "
        "transaction of its own: what fails undoes no other.  For each, an array with its result, "
        "or a struct of faultCode and faultString.",
        [["array", "array"]],
    ),
}

#: operation -> type of its result, what it is for; a result of nothing is the boolean true
OPERATIONS = {
    "availableSoftwareRelease": ("boolean", "A node says that a release is built."),
    "buildingSoftwareRelease": ("boolean", "A node says that it builds a release."),
    "computerBang": ("string", "Have every tree with an instance on a node processed again."),
    "destroyedComputerPartition": (
        "boolean", "A node says that an instance has gone; a sentence, if that was not wanted.",
    ),
    "destroyedSoftwareRelease": ("boolean", "A node says that it has removed a release."),
    "generateComputerCertificate": ("struct", "Issue the certificate of a node that has none."),
    "getComputerInformation": ("struct", "All that a node has to know."),
    "getComputerPartitionCertificate": ("struct", "Key and certificate of an instance."),
    "getComputerPartitionStatus": ("struct", "What was last heard of an instance."),
    "getComputerStatus": ("struct", "What was last heard of a node."),
    "getFullComputerInformation": ("struct", "All that a node has to know."),
    "getHateoasUrl": ("string", "Where the HATEOAS documents begin."),
    "getHostingSubscriptionIpList": ("array", "The addresses of all instances of a tree."),
    "getSoftwareInstallationStatus": ("struct", "What was last heard of a release on a node."),
    "getSoftwareReleaseListFromSoftwareProduct": (
        "array", "The releases of a product, newest first.",
    ),
    "ingestData": ("boolean", "Refused: this master keeps no such data."),
    "loadComputerConfigurationFromXML": ("string", "A node describes itself."),
    "registerComputerPartition": ("struct", "A partition and the instance in it."),
    "requestComputer": ("struct", "Register a node."),
    "requestComputerPartition": ("struct", "Ask for an instance."),
    "revokeComputerCertificate": ("boolean", "Revoke the certificate of a node."),
    "setComputerPartitionConnectionXml": ("boolean", "Publish how an instance is reached."),
    "softwareInstanceBang": ("string", "Have the whole tree of an instance processed again."),
    "softwareInstanceError": ("boolean", "Say why an instance could not be processed."),
    "softwareInstanceRename": ("boolean", "Give an instance another title."),
    "softwareReleaseError": ("boolean", "A node says why a release could not be built."),
    "startedComputerPartition": ("boolean", "A node says that an instance is started."),
    "stoppedComputerPartition": ("boolean", "A node says that an instance is stopped."),
    "supplySupply": ("string", "Want a release on a node, or want it gone."),
    "updateComputerPartitionRelatedInstanceList": (
        "boolean", "An instance says what it asked for in this run.",
    ),
    "useComputer": ("string", "Report what was used on a node."),
}  # fmt: skip

#: What XML-RPC calls a signature that is not known.
UNKNOWN = "undef"


def describe(operation: Operation) -> str:
    """Say what an operation is for, and name the fields of its struct."""
    _, purpose = OPERATIONS.get(operation.name, (UNKNOWN, ""))
    lines = [purpose, ""]
    lines += [f"{name}: {kind_of(operation, name)}" for name in operation.required]
    lines += [f"{name}: {kind_of(operation, name)}, optional" for name in operation.optional]
    return "\n".join(lines).strip()


def kind_of(operation: Operation, name: str) -> str:
    return "a native value" if name in operation.marshalled else "text"


def signatures(operation: Operation) -> object:
    result, _ = OPERATIONS.get(operation.name, (UNKNOWN, ""))
    if result == UNKNOWN:
        return UNKNOWN
    with_fields = [[result, "struct"]] if operation.required or operation.optional else []
    return with_fields if operation.required else [[result], *with_fields]
