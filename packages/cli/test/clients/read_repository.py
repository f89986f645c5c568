"""What python3-createrepo_c reads of the repository in a directory, as JSON: repomd.xml, each document by itself, and the
packages that it puts together from the three. Warnings of its parsers are part of the answer."""
import json
import os
import sys

import createrepo_c as cr

directory = sys.argv[1]
warnings = []


def warn(kind, message):
    warnings.append(f"{kind}: {message}")
    return True


def fields(thing):
    names = [name for name in dir(thing) if not name.startswith("_") and not callable(getattr(thing, name))]
    return {name: getattr(thing, name) for name in names}


def package(pkg):
    return {**fields(pkg), "nevra": pkg.nevra(), "nvra": pkg.nvra()}


def record(found):
    """Beside the record of repomd.xml, the one that createrepo_c itself would write of that file."""
    own = cr.RepomdRecord(found.type, os.path.join(directory, found.location_href))
    own.fill(cr.SHA256)
    return {"read": fields(found), "own": fields(own)}


repomd = cr.Repomd()
cr.xml_parse_repomd(os.path.join(directory, "repodata/repomd.xml"), repomd, warn)
paths = {r.type: os.path.join(directory, r.location_href) for r in repomd.records}

documents = {"primary": [], "filelists": [], "other": []}


def collect(kind):
    def new_package(pkgid, name, arch):
        found = cr.Package()
        found.pkgId, found.name, found.arch = pkgid, name, arch
        documents[kind].append(found)
        return found

    return new_package


cr.xml_parse_primary(paths["primary"], collect("primary"), None, warn, True)
cr.xml_parse_filelists(paths["filelists"], collect("filelists"), None, warn)
cr.xml_parse_other(paths["other"], collect("other"), None, warn)

metadata = cr.Metadata(key=cr.HT_KEY_FILENAME)
metadata.locate_and_load_xml(directory)

print(json.dumps({
    "warnings": warnings,
    "repomd": fields(repomd) | {"records": {r.type: record(r) for r in repomd.records}},
    "documents": {kind: [package(p) for p in packages] for kind, packages in documents.items()},
    "together": {name: package(metadata.get(name)) for name in sorted(metadata.keys())},
}))
