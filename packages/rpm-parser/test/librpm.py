"""What librpm says, as the reference: one command a run, JSON on stdin and stdout.

headers    [path, ...]   -> a line for each path: null | [[tag, type, count, [value, ...]], ...]
           (librpm crashes on some damaged packages; the lines before are there then.)
           rpmReadPackageFile without digests and signatures, then every tag as headerGet finds it. null: refused.
           Strings are Latin-1 (a character a byte), binary data is hexadecimal, numbers are decimal text.
compare    [[a, b], ...] -> [-1 | 0 | 1, ...]      rpmvercmp
compareEvr [[a, b], ...] -> [-1 | 0 | 1, ...]      rpmverParse, rpmverCmp
types      [tag, ...]    -> [type, ...]            rpmTagGetTagType; 0 where librpm does not know the tag
"""
import ctypes
import ctypes.util
import json
import sys
from ctypes import POINTER, c_char_p, c_int, c_uint32, c_uint64, c_void_p

HEADERGET_RAW = 1 << 2
RPM_BIN_TYPE, RPM_STRING_TYPES = 7, (6, 8, 9)
# What createrepo_c sets: no header check, no digest, no signature (include/rpm/rpmts.h).
RPMVSF_NOTHING = 0x000F0F01


def load(name):
    file = ctypes.util.find_library(name)
    if file is None:
        sys.exit(f"lib{name} is not installed")
    return ctypes.CDLL(file)


rpm, rpmio = load("rpm"), load("rpmio")


def declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


rpmReadConfigFiles = declare(rpm, "rpmReadConfigFiles", c_int, c_char_p, c_char_p)
rpmtsCreate = declare(rpm, "rpmtsCreate", c_void_p)
rpmtsSetVSFlags = declare(rpm, "rpmtsSetVSFlags", c_uint32, c_void_p, c_uint32)
rpmReadPackageFile = declare(rpm, "rpmReadPackageFile", c_int, c_void_p, c_void_p, c_char_p, POINTER(c_void_p))
headerFree = declare(rpm, "headerFree", c_void_p, c_void_p)
headerInitIterator = declare(rpm, "headerInitIterator", c_void_p, c_void_p)
headerNextTag = declare(rpm, "headerNextTag", c_uint32, c_void_p)
headerFreeIterator = declare(rpm, "headerFreeIterator", c_void_p, c_void_p)
headerGet = declare(rpm, "headerGet", c_int, c_void_p, c_uint32, c_void_p, c_uint32)
rpmtdFreeData = declare(rpm, "rpmtdFreeData", None, c_void_p)
rpmtdNext = declare(rpm, "rpmtdNext", c_int, c_void_p)
rpmtdGetString = declare(rpm, "rpmtdGetString", c_char_p, c_void_p)
rpmtdGetNumber = declare(rpm, "rpmtdGetNumber", c_uint64, c_void_p)
Fopen = declare(rpmio, "Fopen", c_void_p, c_char_p, c_char_p)
Fclose = declare(rpmio, "Fclose", c_int, c_void_p)
rpmverParse = declare(rpmio, "rpmverParse", c_void_p, c_char_p)
rpmverCmp = declare(rpmio, "rpmverCmp", c_int, c_void_p, c_void_p)


class TagData(ctypes.Structure):
    _fields_ = [
        ("tag", c_uint32),
        ("type", c_uint32),
        ("count", c_uint32),
        ("data", c_void_p),
        ("flags", c_uint32),
        ("index", c_int),
        ("size", c_uint32),
        ("room", ctypes.c_byte * 64),
    ]


def headers(paths):
    rpmReadConfigFiles(None, None)
    ts = rpmtsCreate()
    rpmtsSetVSFlags(ts, RPMVSF_NOTHING)
    for path in paths:
        print(json.dumps(read(ts, path)), flush=True)


def read(ts, path):
    fd, header = Fopen(path.encode(), b"r.ufdio"), c_void_p()
    failed = rpmReadPackageFile(ts, fd, None, ctypes.byref(header)) != 0
    Fclose(fd)
    if failed:
        return None
    tags = []
    iterator = headerInitIterator(header)
    while (tag := headerNextTag(iterator)) != 0xFFFFFFFF:
        tags.append(tag)
    headerFreeIterator(iterator)
    entries = [get(header, tag) for tag in tags]
    headerFree(header)
    return entries


def get(header, tag):
    data = TagData()
    headerGet(header, tag, ctypes.byref(data), HEADERGET_RAW)
    values = []
    if data.type == RPM_BIN_TYPE:
        values.append(ctypes.string_at(data.data, data.count).hex())
    else:
        while rpmtdNext(ctypes.byref(data)) >= 0:
            if data.type in RPM_STRING_TYPES:
                values.append(rpmtdGetString(ctypes.byref(data)).decode("latin-1"))
            else:
                values.append(str(rpmtdGetNumber(ctypes.byref(data))))
    entry = [tag, data.type, data.count, values]
    rpmtdFreeData(ctypes.byref(data))
    return entry


def compare(pairs):
    return [rpmio.rpmvercmp(a.encode(), b.encode()) for a, b in pairs]


def compareEvr(pairs):
    return [rpmverCmp(rpmverParse(a.encode()), rpmverParse(b.encode())) for a, b in pairs]


def types(tags):
    return [rpm.rpmTagGetTagType(tag) for tag in tags]


if sys.argv[1:]:
    commands = {"headers": headers, "compare": compare, "compareEvr": compareEvr, "types": types}
    answer = commands[sys.argv[1]](json.load(sys.stdin))
    if answer is not None:
        json.dump(answer, sys.stdout)
