"""Of what Einmal is made, for programs that read such lists: CycloneDX 1.6 as JSON, checked against its schema.

Made of the lock, so it names every file that may be installed by its hash; of what is installed here it takes the
licences. Writes build/sbom.cdx.json, or the file that is named. The same lock gives the same list.
"""

import hashlib
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from licences import VENDORED, licence_of
from locks import FOLDER, ROOT, Pin, needed_always, pins_of
from packageurl import PackageURL

from einmal import __version__

TARGET: Final = ROOT / "build" / "sbom.cdx.json"
STATIC: Final = ROOT / "src" / "einmal" / "entrypoints" / "web" / "static"
ITSELF: Final = "einmal"
LICENCES: Final = LicenseFactory()


class NotValid(Exception):
    """The list is not what its schema asks for. That is a mistake here."""


def bill(pins: list[Pin], always: set[str]) -> Bom:
    """`always`: the names of those that are run without any extra."""
    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, _fingerprint(pins)))
    made = os.environ.get("SOURCE_DATE_EPOCH")
    bom.metadata.timestamp = None if made is None else datetime.fromtimestamp(int(made), UTC)
    itself = Component(
        name=ITSELF,
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref=ITSELF,
        purl=PackageURL("pypi", name=ITSELF, version=__version__),
        licenses=[LICENCES.make_with_expression("MIT AND 0BSD")],
    )
    bom.metadata.component = itself
    components = {pin.name: _component(pin, pin.name in always) for pin in pins}
    vendored = [_vendored(path) for path in sorted(STATIC.glob("*.min.js"))]
    bom.components.update(components.values(), vendored)
    asked: dict[str, list[Component]] = {ITSELF: list(vendored)}
    for pin in pins:
        for by in pin.by:
            asked.setdefault(by, []).append(components[pin.name])
    for by, wanted in asked.items():
        bom.register_dependency(itself if by == ITSELF else components[by], wanted)
    return bom


def _component(pin: Pin, is_always: bool) -> Component:  # noqa: FBT001 - internal
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    licence = licence_of(pin.name) if pin.fits else None
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        bom_ref=pin.name,
        purl=purl,
        scope=ComponentScope.REQUIRED if is_always else ComponentScope.OPTIONAL,
        licenses=[] if licence is None else [LICENCES.make_from_string(licence)],
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(purl.to_string()),
                comment="one of these files, whichever fits the machine",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in sorted(pin.hashes)],
            )
        ],
        properties=[Property(name="einmal:for", value=str(pin.requirement.marker))] if pin.requirement.marker else [],
    )


def _vendored(path: Path) -> Component:
    name, version, licence, _ = VENDORED[0]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Component(
        name=path.name,
        group=name,
        version=version,
        type=ComponentType.FILE,
        bom_ref=path.name,
        licenses=[LICENCES.make_from_string(licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )


def _fingerprint(pins: list[Pin]) -> str:
    lines = (f"{pin.name}=={pin.version} {' '.join(sorted(pin.hashes))}" for pin in pins)
    return hashlib.sha256("\n".join([__version__, *lines]).encode()).hexdigest()


def valid(text: str) -> str:
    """The text. Raises NotValid."""
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise NotValid(str(wrong))
    return text


def written(pins: list[Pin]) -> str:
    return valid(JsonV1Dot6(bill(pins, needed_always(pins))).output_as_string(indent=2))


def main() -> int:
    target = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else TARGET
    pins, _ = pins_of((FOLDER / "extras.txt").read_text("utf-8"), "extras.txt")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(written(pins), "utf-8")
    print(f"sbom: {len(pins)} packages, valid CycloneDX 1.6; {target.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
