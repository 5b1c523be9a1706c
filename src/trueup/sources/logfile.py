"""A file of logs, as it was found."""

from __future__ import annotations

from dataclasses import dataclass, field

from trueup.sources.slices import Slice, Spool
from trueup.sources.streams import without_endings


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file to read: its name in reports, where its bytes are, and the stream that it is a part of."""

    name: str
    """As `mail.zip!week1.zip!000000.gz` where it came out of something else."""
    path: str
    """The file itself, or the one that holds what came out of archives."""
    stream: str
    size: int
    offset: int = 0
    """Where in `path` its bytes begin."""
    export: str = ""
    """Files of one export continue one another; what two exports of a stream both hold counts once."""
    notes: tuple[str, ...] = ()
    """What went wrong, or was healed, on its way out of an archive or a document."""
    is_whole: bool = True
    """Whether all of it came out."""
    is_inner: bool = False
    """Whether its bytes are a part of another file: of an archive, or of the spool."""
    found_as: str = ""
    """The stream that its place tells, where what it holds showed that it is another."""

    @property
    def content(self) -> Slice:
        """Its bytes."""
        return Slice(self.path, self.offset, self.size)

    @property
    def piece_of(self) -> str:
        """The stream whose pieces its place puts it among; none: it is a log of its own."""
        stream = self.found_as or self.stream
        return stream if stream != without_endings(self.name) else ""


@dataclass(frozen=True, slots=True)
class Original:
    """A file that others came out of, as it was found."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """What lies under the paths: files to read, in order of name, and what was passed over."""

    files: list[LogFile]
    ignored: list[str] = field(default_factory=list)
    repeated: list[tuple[str, str]] = field(default_factory=list)
    """Names of files whose bytes another file has too, each with the name that is read."""
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Names of what cannot be read, or not to its end, each with what is wrong and what to do."""
    originals: list[Original] = field(default_factory=list)
    """Archives and other files that logs came out of."""
    spool: Spool | None = None
    """Holds what came out of them; as long as it is referred to, it is there."""
