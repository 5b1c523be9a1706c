"""The lines of a `.doc`, Word's format up to 2003, through a program that knows it.

LibreOffice comes first: it makes a `.docx` of it, whose text was the same to the last tab and text
box when this was measured. antiword loses tabs at ends of lines, keeps deleted text, draws tables and
sets empty lines between paragraphs. catdoc is not used: it loses the beginning of long lines without
spaces (metadata), and does not say so.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress

from trueup.sources.documents.docx_text import docx_lines
from trueup.sources.documents.unreadable import UnreadableDocument

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How a file of Office up to 2003 begins, and one of later Office that has a password."""

SECONDS = 60
"""How long a program may take: LibreOffice starts in 2 s and read 2 MB of a log in 16 s."""
MOST_ON_DISK = 20
"""A program may write so many bytes per byte of text that is asked for, and 16 MB in any case."""

_TOOLS = ("soffice", "libreoffice", "antiword")
_MISSING = (
    "no program here can read Word's old .doc: install LibreOffice (package libreoffice-writer) or "
    "antiword, or save the document as .docx or as text"
)
_REFUSED = "{tool} cannot read the document: it may be damaged; save it as .docx or as text"
_SLOW = "{tool} took longer than {seconds} s to read the document: save it as .docx or as text"
_LARGE = "{tool} made more of the document than can be read: save it as text"
_NO_WORD = "the document is no Word document, whatever its name says: save it as text"
_BY_ANTIWORD = (
    'read by antiword: text that was deleted under "track changes" is in it, and tables may not be; '
    "LibreOffice reads them right"
)
_ENCRYPTED = "the document is protected by a password: save it without one"

# No macros, nothing fetched from elsewhere: in a profile of its own that is thrown away.
_SETTINGS = (
    ("DisableMacrosExecution", "true"),
    ("MacroSecurityLevel", "3"),
    ("BlockUntrustedRefererLinks", "true"),
    ("DisableActiveContent", "true"),
)
_PROFILE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + "".join(
        '<item oor:path="/org.openoffice.Office.Common/Security/Scripting">'
        f'<prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for name, value in _SETTINGS
    )
    + "</oor:items>\n"
)


def doc_lines(path: str, most: int) -> tuple[Iterator[str], tuple[str, ...]]:
    """Return the document's lines, and what is to be known of the program that gives them.

    Raises UnreadableDocument, with a way out, here or where the lines are taken.
    """
    _refuse_others(path)
    tool = next(filter(None, map(shutil.which, _TOOLS)), None)
    if tool is None:
        raise UnreadableDocument(_MISSING)
    return _read(tool, path, most), (_BY_ANTIWORD,) if _is_antiword(tool) else ()


def _is_antiword(tool: str) -> bool:
    return os.path.basename(tool) == "antiword"


def _read(tool: str, path: str, most: int) -> Iterator[str]:
    # A copy under a name of ours: LibreOffice puts a lock beside what it opens.
    with tempfile.TemporaryDirectory(prefix="trueup-") as folder:
        copy = os.path.join(folder, "document.doc")
        shutil.copyfile(path, copy)
        if _is_antiword(tool):
            yield from _by_antiword(tool, copy, folder, most)
        else:
            yield from _by_libreoffice(tool, copy, folder, most)


def _by_libreoffice(tool: str, copy: str, folder: str, most: int) -> Iterator[str]:
    profile = os.path.join(folder, "profile")
    os.makedirs(os.path.join(profile, "user"))
    with open(os.path.join(profile, "user", "registrymodifications.xcu"), "w") as file:
        file.write(_PROFILE)
    made = os.path.join(folder, "made")
    command = [
        tool, "--headless", "--norestore", "--nolockcheck", "--nologo", "--nodefault",
        f"-env:UserInstallation=file://{profile}", "--convert-to", "docx", "--outdir", made, copy,
    ]  # fmt: skip
    _run(command, folder, os.path.join(folder, "said"), most)
    result = os.path.join(made, "document.docx")
    # It ends well even where it has made nothing.
    if not os.path.exists(result):
        raise UnreadableDocument(_REFUSED.format(tool="LibreOffice"))
    yield from docx_lines(result, most)


def _by_antiword(tool: str, copy: str, folder: str, most: int) -> Iterator[str]:
    result = os.path.join(folder, "said")
    _run([tool, "-t", "-w", "0", "-m", "UTF-8.txt", copy], folder, result, most)
    with open(result, encoding="utf-8", errors="replace", newline="\n") as file:
        # It begins each paragraph with an empty line, and no empty line of the log has one alone.
        lines = (line.removesuffix("\n") for line in file)
        was_empty = False
        for line in lines:
            if line or was_empty:
                yield line
            was_empty = not line and not was_empty


def _run(command: list[str], folder: str, output: str, most: int) -> None:
    """Run a program in a group of its own, which ends with it, in time and bounds."""
    name = "antiword" if _is_antiword(command[0]) else "LibreOffice"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "TMPDIR": folder,
        "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    allowed = max(16 << 20, most * MOST_ON_DISK)
    with open(output, "wb") as file:
        process = subprocess.Popen(  # noqa: S603 - no shell, no name from outside
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL,
            cwd=folder, env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            ends_at = time.monotonic() + SECONDS
            while process.poll() is None:
                if time.monotonic() > ends_at:
                    raise UnreadableDocument(_SLOW.format(tool=name, seconds=SECONDS))
                if _size_of(folder) > allowed:
                    raise UnreadableDocument(_LARGE.format(tool=name))
                time.sleep(0.02)
        finally:
            _end_group(process)
    if process.returncode:
        raise UnreadableDocument(_REFUSED.format(tool=name))


def _size_of(folder: str) -> int:
    """Return the size of the files that a program writes as its result."""
    size = 0
    for place in (folder, os.path.join(folder, "made")):
        try:
            with os.scandir(place) as entries:
                size += sum(e.stat().st_size for e in entries if e.name != "document.doc")
        except OSError:
            continue
    return size


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # What a program leaves running behind it belongs to its group too.
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


_HEADER = re.compile(rb"\xec\xa5")  # how Word's own stream begins, at a sector of 512 bytes
_IS_ENCRYPTED = 0x01  # of the second byte of the flags, 10 bytes on


def _refuse_others(path: str) -> None:
    with open(path, "rb") as file:
        start = file.read(1 << 20)
        if not start.startswith(OLE):
            raise UnreadableDocument(_NO_WORD)
        file.seek(0)
        is_package = "EncryptedPackage".encode("utf-16-le") in file.read()
    if is_package:
        raise UnreadableDocument(_ENCRYPTED)
    for match in _HEADER.finditer(start):
        flags = start[match.start() + 11 : match.start() + 12]
        if match.start() % 512 == 0 and flags and flags[0] & _IS_ENCRYPTED:
            raise UnreadableDocument(_ENCRYPTED)
