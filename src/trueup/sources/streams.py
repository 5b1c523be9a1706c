"""Which log stream a file is a part of, told by its path."""

from __future__ import annotations

import re

_STREAM = re.compile(r"\d{4}-\d\d-\d\d-\[[^\]]+\][0-9a-f]{32}")
_STREAM_TAIL = re.compile(r"\[[^\]]+\][0-9a-f]{32}")
# An export counts from 000000; most other names of six digits are dates.
_EXPORT_NUMBER = re.compile(r"00\d{4}(?:\..*)?")
_ENDINGS = re.compile(
    r"(?<=[^/!])(?:\.(?:zip|tar|tgz|gz|bz2|xz|zst|log|txt|json|csv|docx?|rtf|pdf))+$", re.IGNORECASE
)


def stream_of(path: str, name: str) -> str:
    """Return the log stream that the file is a part of.

    It is the name of its folder or archive, where that is a stream's (`2024-01-31-[$LATEST]<hex>`,
    or `2024/01/31/[$LATEST]<hex>` as in CloudWatch, which is the same stream) or the file has an
    export's number for its name; the file's own name, if it is a stream's; else the file's name
    without the endings that tell how it is packed, so that `x.log` and `x.log.gz` are one stream.
    """
    *folders, file = path.replace("!", "/").split("/")
    folders = [without_endings(folder) for folder in folders]
    folder = folders[-1] if folders else ""
    if _STREAM.fullmatch(folder):
        return folder
    if _STREAM_TAIL.fullmatch(folder) and "".join(folders[-4:-1]).isdigit():
        return "-".join(folders[-4:])
    stem = without_endings(file)
    if _STREAM.fullmatch(stem):
        return stem
    return folder if folder and is_part(file) else without_endings(name)


def without_endings(name: str) -> str:
    """Return a file's name without what tells how it is packed."""
    return _ENDINGS.sub("", name)


def is_part(file: str) -> bool:
    """Tell whether a file is named as CloudWatch's export names the parts of a stream."""
    return bool(_EXPORT_NUMBER.fullmatch(file))


def export_of(name: str) -> str:
    """Return the export that a file is of: the parts of a stream in one folder are one export."""
    folder, _, file = name.replace("!", "/").rpartition("/")
    return folder if folder and is_part(file) else name


def is_export(path: str) -> bool:
    """Tell whether a file lies where CloudWatch's export puts it: a part in its stream's folder."""
    *_, folder, file = ("", *path.replace("!", "/").split("/"))
    return is_part(file) and bool(_STREAM.fullmatch(folder))
