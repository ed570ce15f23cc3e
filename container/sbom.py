"""Writes the image's software bill of materials: `python3 container/sbom.py DESTINATION EMULATOR SITE_PACKAGES ...`.

CycloneDX 1.6 as JSON, made from the metadata of what is installed, so that it lists what is there and not what was
asked for. EMULATOR is AWS's, which came out of the wheel that rie.txt pins. The same content gives the same bytes.
"""

import hashlib
import json
import os
import re
import sys
import uuid
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

PRODUCT = "everloop"
RIE_PINS = Path(__file__).parents[1] / "requirements" / "rie.txt"


def normalise(name: str) -> str:
    """Write a name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences(distribution: Distribution) -> list[dict[str, Any]]:
    """Give what a package says of its licence: an SPDX expression where it has one, else its own words."""
    metadata = distribution.metadata
    # `in`, not get(): the type of metadata has that only on newer Pythons.
    if "License-Expression" in metadata:
        return [{"expression": metadata["License-Expression"]}]
    classifiers = [value for value in metadata.get_all("Classifier") or [] if value.startswith("License :: ")]
    named = [value.rpartition(" :: ")[2] for value in classifiers if value.count("::") > 1]
    text = metadata["License"].strip() if "License" in metadata else ""
    if not named and text and "\n" not in text:
        named = [text]
    return [{"license": {"name": name}} for name in sorted(set(named))]


def component(distribution: Distribution) -> dict[str, Any]:
    """Describe an installed package."""
    name, version = normalise(distribution.metadata["Name"]), distribution.version
    url = f"pkg:pypi/{name}@{version}"
    described: dict[str, Any] = {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
    if found := licences(distribution):
        described["licenses"] = found
    return described


def program(path: Path) -> dict[str, Any]:
    """Describe AWS's emulator, which has no version of its own: its wheel and its hash say which it is."""
    wheel = re.search(r"^aws-sam-cli==(\S+)", RIE_PINS.read_text(encoding="utf-8"), re.MULTILINE)
    if wheel is None:
        raise SystemExit(f"{RIE_PINS} does not pin aws-sam-cli")
    return {
        "type": "application",
        "bom-ref": path.name,
        "name": path.name,
        "description": f"AWS Lambda runtime interface emulator, out of aws-sam-cli {wheel[1]}",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        "licenses": [{"expression": "Apache-2.0"}],
    }


def bill(installed: list[Distribution], emulator: Path) -> dict[str, Any]:
    """Put the whole document together."""
    found = {one["name"]: one for one in map(component, installed)}
    product = found.pop(PRODUCT) | {"type": "application"}
    parts = [*(found[name] for name in sorted(found)), program(emulator)]
    content = json.dumps([product, parts], sort_keys=True)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
        "version": 1,
        "metadata": {
            **({"timestamp": datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")} if epoch else {}),
            "component": product,
        },
        "components": parts,
        "dependencies": [{"ref": product["bom-ref"], "dependsOn": [one["bom-ref"] for one in parts]}],
    }


def main() -> int:
    """Write the bill of what lies in some site-packages folders."""
    if len(sys.argv) < 4:
        print("usage: sbom.py DESTINATION EMULATOR SITE_PACKAGES ...", file=sys.stderr)
        return 2
    destination, emulator, folders = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    # pip is the base's own: listed where the base lists it.
    installed = [one for one in distributions(path=folders) if normalise(one.metadata["Name"]) != "pip"]
    document = bill(installed, emulator)
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"{destination}: {len(document['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main())
