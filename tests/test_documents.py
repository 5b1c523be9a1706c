"""Logs pasted into documents: what is read of each shape, what is healed, what is refused."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import trueup
from trueup.sample import write_sample
from trueup.sources.documents import (
    UnreadableDocument,
    doc_text,
    docx_text,
    read_document,
    rtf_text,
)
from trueup.sources.documents.healing import heal

MOST = 10 << 20
OLE = doc_text.OLE
SOFFICE = shutil.which("soffice")
NAMESPACES = " ".join(
    f'xmlns:{name}="{uri}"'
    for name, uri in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "v": "urn:schemas-microsoft-com:vml",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    }.items()
)


@pytest.fixture(name="sample", scope="module")
def _sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a sample's logs."""
    folder = tmp_path_factory.mktemp("sample") / "logs"
    rates = {"drift_opened": 0.05, "failed_delivery": 0.03, "false_alarm": 0.05, "crash": 0.02}
    write_sample(folder, subscribers=12, days=12, seed=5, rates=rates)
    return "".join(
        gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.rglob("*.gz"))
    )


@pytest.fixture(name="lines", scope="module")
def _lines(sample: str) -> Lines:
    return Lines(sample.splitlines())


class Lines(list[str]):
    """Lines that are not shown when a test fails."""

    def __repr__(self) -> str:
        return f"{len(self)} lines"


def make_docx(path: Path, lines: list[str], *further: str) -> Path:
    """Write a document of a paragraph per line, and then of further elements as XML."""
    import docx
    from docx.oxml import parse_xml

    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    body = document.element.body
    for xml in further:
        opening, rest = xml.split(">", 1)
        body.insert(len(body) - 1, parse_xml(f"{opening} {NAMESPACES}>{rest}"))
    document.save(str(path))
    return path


def read(path: Path, shape: str = "docx", most: int = MOST) -> tuple[list[str], tuple[str, ...]]:
    text, notes, _ = read_document(shape, str(path), most=most)
    return text.decode().splitlines(), notes


def refusal(path: Path, shape: str = "docx", most: int = MOST) -> str:
    with pytest.raises(UnreadableDocument) as raised:
        read_document(shape, str(path), most=most)
    return raised.value.problem


# What is read


def test_paragraphs_breaks_tabs_and_tables(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("one\ttab")
    document.add_paragraph("two\nlines")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right\nbelow"
    document.add_paragraph().add_run("  indented")
    document.save(str(tmp_path / "a"))
    lines = ["one\ttab", "two", "lines", "left", "right", "below", "  indented"]
    assert read(tmp_path / "a") == (lines, ())


BOX = "<w:txbxContent><w:p><w:r><w:t>in the box</w:t></w:r></w:p></w:txbxContent>"


def test_a_text_box_is_read_once(tmp_path: Path) -> None:
    choice = (
        f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{BOX}</wps:txbx></w:drawing></mc:Choice>'
    )
    fallback = f"<mc:Fallback><w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict></mc:Fallback>"
    new = (
        "<w:p><w:r><w:t>before</w:t></w:r><w:r><mc:AlternateContent>"
        f"{choice}{fallback}</mc:AlternateContent></w:r><w:r><w:t> and behind</w:t></w:r></w:p>"
    )
    old = f"<w:p><w:r><w:pict><v:textbox>{BOX}</v:textbox></w:pict></w:r></w:p>"
    path = make_docx(tmp_path / "a", [], new, old)
    assert read(path)[0] == ["before and behind", "in the box", "", "in the box"]


def test_tracked_changes_are_taken_as_accepted(tmp_path: Path) -> None:
    changed = (
        '<w:p><w:pPr><w:tabs><w:tab w:val="left" w:pos="9"/></w:tabs></w:pPr>'
        "<w:r><w:t>a</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>"
    )
    joined = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>the mark </w:t></w:r></w:p>"
    path = make_docx(tmp_path / "a", [], changed, joined, "<w:p><w:r><w:t>went</w:t></w:r></w:p>")
    assert read(path)[0] == ["anew", "the mark went"]


def test_text_beyond_the_bound_is_left(tmp_path: Path) -> None:
    path = make_docx(tmp_path / "a", ["x" * 29] * 10)
    lines, notes = read(path, most=95)
    assert lines == ["x" * 29] * 3
    assert notes == ("only the first 95 bytes of the document's text were read",)
    # A line takes memory even if nothing stands in it.
    assert len(read(make_docx(tmp_path / "b", [""] * 10), most=95)[0]) == 5
    (tmp_path / "c").write_text("x\v\f" * 100)
    assert len(read(tmp_path / "c", "pasted", most=95)[0]) == 5


def as_word(line: str) -> str:
    """Do to a line what Word does when it formats by itself, and what pasting loses."""
    line = re.sub(r"(?<![ \t(\[{\-])(['\"])", lambda m: "’”"[m[1] == '"'], line)
    line = line.replace("'", "‘").replace('"', "“")
    line = line.removesuffix("\t")
    return re.sub(r"[ \t]+", " ", line)


def figures(folder: Path, name: str, text: bytes) -> Any:
    (folder / name).mkdir()
    (folder / name / "a.log").write_bytes(text)
    with trueup.audit(folder / name) as audit:
        report = audit.report
        found = sorted(str(row["finding_id"]) for f in report.findings for row in f.rows())
        return report.currencies, report.counts, report.outcomes, found, report.reading


@pytest.mark.parametrize("mangle", [str, as_word], ids=["as it is", "as Word does"])
def test_a_pasted_log_audits_to_the_same(
    tmp_path: Path, sample: str, mangle: Callable[[str], str]
) -> None:
    path = make_docx(tmp_path / "a", [mangle(line) for line in sample.splitlines()])
    text, notes, _ = read_document("docx", str(path), most=MOST)
    assert bool(notes) == (mangle is as_word)
    expected, actual = (
        figures(tmp_path, "log", sample.encode()),
        figures(tmp_path, "docx", text),
    )
    assert expected[3]
    assert actual == expected


# What is healed


SMART = {"'": "‘’", '"': "“”"}


def smart_quotes(line: str) -> str:
    return re.sub(
        r"['\"]",
        lambda m: SMART[m[0]][m.start() > 0 and line[m.start() - 1] not in " \t([{-"],
        line,
    )


def lost_tabs(line: str) -> str:
    if re.match(r"\S+Z (REPORT|INIT_)|XRAY", line):
        return line.rstrip("\t").replace("\t", " ")
    return re.sub(r" ?\t", "  ", line) if re.match(r"\S+Z \S+Z\t", line) else line


DAMAGE: dict[str, Callable[[str], str]] = {
    "tabs": lost_tabs,
    "quotes": smart_quotes,
    "spaces": lambda line: line.replace(" ", "\u00a0"),
    "thin spaces": lambda line: line.replace("  ", "\u2009\u202f"),
    "hyphens": lambda line: line.replace("-", "\u2011"),
    "times' dashes": lambda line: re.sub(r"(?<=\d{4})-(\d\d)-(?=\d\dT)", r"–\1–", line),
    "soft hyphens": lambda line: line.replace("-", "-\u00ad"),
    "invisible": lambda line: line.replace(":", "\u200b:"),
}


@given(
    damage=st.lists(st.sampled_from(list(DAMAGE)), unique=True),
    start=st.integers(0, 10**6),
    length=st.integers(1, 300),
)
def test_what_word_does_is_undone(
    lines: list[str], damage: list[str], start: int, length: int
) -> None:
    start %= len(lines)
    original = lines[start : start + length]
    mangled = original
    for name in sorted(damage, key=list(DAMAGE).index):
        mangled = [DAMAGE[name](line) for line in mangled]
    text, notes = heal(mangled)
    # A few lines may have no quote that shows what was done to the others.
    assert text.split("\n")[:-1] == original or not re.search(
        "[{,:] ?[‘“]|[{,:]”", "".join(mangled)
    )
    assert bool(notes) >= (text.split("\n")[:-1] != mangled)


@pytest.mark.parametrize(
    "line",
    [
        "    notes: 'it’s “so”…',",
        '  "notes":"he said “hi”, then – went",',
        "    name: 'Zoë\u00a0Müller',",
        "    name: 'عل\u200cي\u200f',",
        "it’s – prose",
        "    id: 'a--b', note: 'x…'",
    ],
)
def test_what_was_typographic_before_stays(line: str) -> None:
    # Zoë's space has a letter of hers beside it.
    line = line.replace("\u00a0M", "\u00a0Ü")
    assert heal([line]) == (f"{line}\n", ())


@pytest.mark.parametrize(
    ("mangled", "healed"),
    [
        ("    notes: ‘it’s’,", "    notes: 'it’s',"),
        ("    notes: ‘it’s’, id: ‘x’", "    notes: 'it’s', id: 'x'"),
        ("    notes: “it’s”,", '    notes: "it\'s",'),
        ("    metadata: ‘{“a”:”x”,”b”:”it\\’s”}’,", '    metadata: \'{"a":"x","b":"it\\\'s"}\','),
        ("{“a”:”he said “hi” to me”,”b”:1}", '{"a":"he said “hi” to me","b":1}'),
        ("  tags: [ ‘a’, ‘b’, … 3 more items ]", "  tags: [ 'a', 'b', ... 3 more items ]"),
        ("    id: „x“,", '    id: "x",'),
        ("    amount: –5.5, id: ‘x’", "    amount: -5.5, id: 'x'"),
    ],
)
def test_quotes_by_structure(mangled: str, healed: str) -> None:
    assert heal([mangled])[0] == f"{healed}\n"


def test_prose_follows_the_structure_of_the_document() -> None:
    prose = "TypeError: Cannot read (reading ‘balance’)"
    assert heal([prose])[0] == f"{prose}\n"
    assert (
        heal([prose, "  id: ‘x’"])[0] == "TypeError: Cannot read (reading 'balance')\n  id: 'x'\n"
    )
    assert heal([prose, "  id: 'x'"])[0] == f"{prose}\n  id: 'x'\n"


def test_notes_count_lines() -> None:
    time, request = "2024-02-01T10:00:00.000Z", "00000000-0000-4000-8000-000000000001"
    _, notes = heal(
        [f"  {time}  {time} {request} INFO Start {{", "\u00a0\u00a0id: ‘a’,", "\u00a0 b: ‘c’"]
    )
    assert notes == (
        "Word's quotes were put back in 2 lines",
        "odd spaces became plain ones in 2 lines",
        "spaces before an entry's time were left out of 1 line",
        "lost tabs were put back in 1 line",
    )


def test_a_table_of_times_and_messages() -> None:
    time, request = "2024-02-01T10:00:00.000Z", "00000000-0000-4000-8000-000000000001"
    message = f"{time} {request} INFO Processing message m1"
    text, notes = heal([time, f"START RequestId: {request}", time, message, "", time, "", "x"])
    assert text.splitlines() == [
        f"{time} START RequestId: {request}",
        f"{time} {time}\t{request}\tINFO\tProcessing message m1",
        "",
        time,
        "",
        "x",
    ]
    assert notes == ("times that stood alone were joined to the line after them in 2 lines",)


def test_lost_indentation_is_read(ledger: Any, audit: Any) -> None:
    text = ledger("10:00:00 t1 s1 SAR CREDIT 5 0 10 15 15 applied")
    flush = "\n".join(line.strip(" ") for line in text.splitlines())
    (row,) = audit(heal(flush.splitlines())[0]).sql("select * from transactions").to_pylist()
    assert (row["subscriber_id"], str(row["new_balance"])) == ("s1", "15.000000")


@pytest.mark.parametrize(
    "line",
    [
        "‘{" * 20_000,
        "{“" * 20_000,
        " " * 200_000 + "‘",
        "2024-02-01T10:00:00.000Z REPORT RequestId: x" + " " * 200_000 + "A",
        "\u00a0" * 200_000,
        "x: ‘" + "\\" * 200_000,
    ],
)
def test_hostile_lines_take_no_time(line: str) -> None:
    began = time.monotonic()
    heal([line, "  id: ‘x’"])
    assert time.monotonic() - began < 10  # seconds; quadratic would be minutes


# Hostile and damaged documents


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """Write the document's parts again, changed."""
    target = path.with_name(f"{path.name}-changed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def test_damaged_documents_are_refused(tmp_path: Path) -> None:
    whole = make_docx(tmp_path / "a", ["x"])
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:-500])
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"PK\x03\x04 no zip")
    broken = rewritten(
        whole, lambda name, data: data[:99] if name.endswith("document.xml") else data
    )
    for path in (tmp_path / "cut", tmp_path / "empty", tmp_path / "text", broken):
        assert "damaged" in refusal(path)
    assert "cannot be opened" in refusal(tmp_path / "none")


def test_a_document_with_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(600))
    assert "password" in refusal(path)
    path.write_bytes(OLE + bytes(504) + b"\xec\xa5\xc1\x00" + bytes(7) + b"\x11" + bytes(600))
    assert "password" in refusal(path, "doc")


def test_bombs_are_refused_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docx_text, "LEAST_SUSPECT", 1 << 20)
    whole = make_docx(tmp_path / "a", ["x"])
    bomb = rewritten(whole, lambda name, data: data + b" " * (8 << 20 if "document" in name else 0))
    assert "times its size" in refusal(bomb)
    monkeypatch.setattr(docx_text, "MOST_RATIO", 10**6)
    assert "of XML, too much" in refusal(bomb, most=1000)


def with_entities(declared: str, used: str) -> Callable[[str, bytes], bytes]:
    def change(name: str, data: bytes) -> bytes:
        if name != "word/document.xml":
            return data
        data = re.sub(
            rb"(<\?xml[^>]*>)", rb"\1<!DOCTYPE x [%s]>" % declared.encode(), data, count=1
        )
        return data.replace(b"<w:t>x</w:t>", b"<w:t>a%sb</w:t>" % used.encode())

    return change


def test_entities_do_nothing(tmp_path: Path) -> None:
    whole = make_docx(tmp_path / "a", ["x", "y"])
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    laughs = '<!ENTITY l0 "ha">' + "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)
    )
    assert "damaged" in refusal(rewritten(whole, with_entities(laughs, "&l11;")))
    for declared, used in (
        ('<!ENTITY a "A"><!ENTITY b "&a;&a;">', "&b;"),
        (f'<!ENTITY f SYSTEM "file://{secret}">', "&f;"),
        (f'<!ENTITY % f SYSTEM "file://{secret}"> %f;', ""),
    ):
        lines, _ = read(rewritten(whole, with_entities(declared, used)))
        assert lines[0].startswith("a")
        assert len("".join(lines)) < 20
        assert "SECRET" not in "".join(lines)


def test_nothing_outside_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("socket.socket.connect", refuse)
    link = (
        b'<Relationship Id="rId99" TargetMode="External" Target="http://192.0.2.1/t.dotm" Type="http:'
        b'//schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/></Relationships>'
    )
    path = rewritten(
        make_docx(tmp_path / "a", ["x"]),
        lambda _, data: data.replace(b"</Relationships>", link),
    )
    assert read(path)[0] == ["x"]


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = rewritten(
        make_docx(tmp_path / "a", ["x"]),
        lambda name, data: data.replace(b"<w:r>", b"<w:sdt>" * 5000) if "/doc" in name else data,
    )
    assert "damaged" in refusal(path)


def test_a_pdf_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"%PDF-1.7\n")
    assert "save the log itself as text" in refusal(tmp_path / "a", "pdf")


# RTF


def rtf(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "a").write_bytes(b"{\\rtf1\\ansi\\ansicpg1252 " + text.encode("ascii") + b"}")
    return read(tmp_path / "a", "rtf")[0]


def test_rtf(tmp_path: Path) -> None:
    assert rtf(tmp_path, r"{\fonttbl{\f0 Arial;}}a\tab b\par \{c\}\line caf\'e9 \u1606?\u-10179?\u-8704?") == [
        "a\tb", "{c}", "café ن😀",
    ]  # fmt: skip
    link = r'{\field{\*\fldinst HYPERLINK "mailto:a@b.c"}{\fldrslt a@b.c}}'
    assert rtf(tmp_path, rf"x {link} y{{\deleted gone}}{{\*\unknown gone}}") == ["x a@b.c y"]
    box = r"{\shp{\*\shpinst{\sp{\sn a}{\sv b}}{\shptxt box\par}}{\shprslt box}}"
    assert rtf(tmp_path, rf"a\par{box}\cell b\cell\row") == ["a", "box", "", "b"]
    assert rtf(tmp_path, r"{\pict\bin5 }}}}}x}a\uc2\u1606??b}}}}") == ["aنb"]
    assert rtf(tmp_path, "{" * 100_000) == []


def test_an_rtf_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf_text, "LEAST_SUSPECT", 100)
    (tmp_path / "a").write_bytes(b"{\\rtf1 " + b"x" * 500 + b"}")
    assert "508 bytes long, too much" in refusal(tmp_path / "a", "rtf", most=10)


# Old Word


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture(name="tools")
def _tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the PATH, but for the shell's own programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cp", "sleep", "mkdir", "cat", "sh", "yes"):
        (folder / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture(name="old")
def _old(tmp_path: Path) -> Path:
    (tmp_path / "-old").write_bytes(OLE + bytes(600))
    return tmp_path / "-old"


def test_without_a_program_it_says_what_to_install(tools: Path, old: Path) -> None:
    assert "install LibreOffice (package libreoffice-writer) or antiword" in refusal(old, "doc")


def test_libreoffice_comes_before_antiword(tools: Path, old: Path, tmp_path: Path) -> None:
    fake(tools, "antiword", r"printf '\nby antiword\n\n\n\nb\n'")
    lines, notes = read(old, "doc")
    assert (lines, notes[0][:17]) == (["by antiword", "", "b"], "read by antiword:")
    made = make_docx(tmp_path / "made", ["by LibreOffice"])
    fake(
        tools, "soffice", f'echo "$@" > {tmp_path}/asked\nmkdir made\ncp {made} made/document.docx'
    )
    assert read(old, "doc") == (["by LibreOffice"], ())
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "--headless"
    assert asked[-1].startswith("/")
    assert asked[-1].endswith("/document.doc")


def test_a_program_that_hangs_is_ended_with_what_it_started(
    tools: Path, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doc_text, "SECONDS", 0.3)
    fake(tools, "soffice", f"(sleep 2; echo x > {tmp_path}/late) &\nsleep 60")
    began = time.monotonic()
    assert "took longer" in refusal(old, "doc")
    assert time.monotonic() - began < 30
    time.sleep(2.5)
    assert not (tmp_path / "late").exists()


def test_a_program_that_fails_or_floods_is_refused(
    tools: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for script in ("exit 1", "exit 0", "mkdir made; echo x > made/document.docx"):
        fake(tools, "soffice", script)
        assert "damaged" in refusal(old, "doc")
    fake(tools, "soffice", "exec yes")
    assert "more of the document than can be read" in refusal(old, "doc")


def test_what_is_no_word_document_reaches_no_program(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"<html>")
    assert "no Word document" in refusal(tmp_path / "a", "doc")


@pytest.mark.skipif(not SOFFICE, reason="needs LibreOffice")
@pytest.mark.parametrize("shape", ["doc", "rtf"])
def test_through_libreoffice_and_back(tmp_path: Path, shape: str, sample: str) -> None:
    lines = [*sample.splitlines()[:400], "نص عربي é ‘x’", "y" * 4000]
    path = make_docx(tmp_path / "a.docx", lines)
    subprocess.run(
        [
            str(SOFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
            "--convert-to", shape, "--outdir", tmp_path, path,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    if not (tmp_path / f"a.{shape}").exists():
        pytest.skip("needs LibreOffice Writer")
    assert read(tmp_path / f"a.{shape}", shape) == (lines, ())


@pytest.mark.skipif(
    not shutil.which("antiword") or not SOFFICE, reason="needs antiword, LibreOffice"
)
def test_through_antiword(tmp_path: Path, sample: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*sample.splitlines()[:200], "نص عربي é", "y" * 4000]
    path = make_docx(tmp_path / "a.docx", lines)
    subprocess.run(
        [
            str(SOFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
            "--convert-to", "doc", "--outdir", tmp_path, path,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    if not (tmp_path / "a.doc").exists():
        pytest.skip("needs LibreOffice Writer")
    monkeypatch.setattr(doc_text, "_TOOLS", ("antiword",))
    found, _ = read(tmp_path / "a.doc", "doc")
    assert [line.rstrip() for line in found] == [line.rstrip() for line in lines]


def test_the_shape_is_what_the_bytes_say(tmp_path: Path) -> None:
    assert read(make_docx(tmp_path / "a", ["x"]), "doc")[0] == ["x"]
