"""The parser of `util.inspect` text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.logs.inspect_text import Bare, Value, parse, unquote


def test_every_form_of_value() -> None:
    value, whole = parse(
        r"""{
  text: 'a\nb', other: "it's", third: `both ' and "`,
  number: -1.5e-7, nothing: undefined, list: [ 1, 'two', [ 3 ] ], empty: {}, none: [],
  'quoted-key': true, hidden: [Object], more: [Array], when: 2024-01-31T21:01:05.551Z,
  made: Foo { x: 1 }, map: Map(1) { 'k' => 'v' }, long: 'first ' +
    'second', self: [Circular *1], fn: [Function: sync]
}"""
    )
    assert whole
    assert value == {
        "text": "a\nb", "other": "it's", "third": "both ' and \"", "number": "-1.5e-7",
        "nothing": "undefined", "list": ["1", "two", ["3"]], "empty": {}, "none": [],
        "quoted-key": "true", "hidden": "[Object]", "more": "[Array]",
        "when": "2024-01-31T21:01:05.551Z", "made": {"x": "1"}, "map": {"k": "v"},
        "long": "first second", "self": "[Circular *1]", "fn": "[Function: sync]",
    }  # fmt: skip
    assert isinstance(value, dict)
    assert isinstance(value["nothing"], Bare)
    assert not isinstance(value["text"], Bare)


def test_what_is_cut_off_yields_what_stands_before_the_cut() -> None:
    assert parse("{ a: 1, b: { c: 'x', d: 'unfini") == ({"a": "1", "b": {"c": "x"}}, False)


@pytest.mark.parametrize("text", ["", "}", "   ", "'", "{ a: }", "][", "{ : 1 }", "{ a: 1 ]"])
def test_nonsense_is_not_whole(text: str) -> None:
    assert not parse(text)[1] or parse(text)[0] == {}


def test_depth_is_no_problem() -> None:
    depth = 10_000
    value, whole = parse("{ a: " * depth + "1" + " }" * depth)
    assert whole
    for _ in range(depth):
        assert isinstance(value, dict)
        value = value["a"]
    assert value == "1"


@pytest.mark.parametrize("unit", ["[a", "{ a: ", "'", "`x", "'\\", "a: ", "[A", "\\"])
def test_long_nonsense_ends(unit: str) -> None:
    """Linear it takes a tenth of a second, quadratic it would take an hour."""
    _, whole = parse(unit * (200_000 // len(unit)))
    assert whole == (unit in {"'", "`x"})  # these begin with a text that ends


def quote(text: str) -> str:
    """Quote as util.inspect does: the first of ' \" ` that the text does not hold."""
    mark = next((mark for mark in "'\"`" if mark not in text), "'")
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return mark + escaped.replace(mark, f"\\{mark}") + mark


plain = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
keys = st.from_regex(r"[A-Za-z_$][A-Za-z0-9_$]{0,10}", fullmatch=True)
trees = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def show(value: Value) -> str:
    if isinstance(value, dict):
        inside = ",\n  ".join(f"{key}: {show(of)}" for key, of in value.items())
        return f"{{\n  {inside}\n}}" if value else "{}"
    if isinstance(value, list):
        return f"[ {', '.join(map(show, value))} ]" if value else "[]"
    return quote(value)


@given(st.dictionaries(keys, trees, max_size=5))
def test_what_is_printed_is_read_back(value: dict[str, Value]) -> None:
    assert parse(show(value)) == (value, True)


@given(plain)
def test_unquote_undoes_quote(text: str) -> None:
    assert unquote(quote(text)) == text


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    parse(text)


def test_a_sum_of_strings_behind_a_key_in_a_list() -> None:
    """Found by fuzzing: there is nothing in the list that the second string could continue."""
    assert parse("[ k: 'x' + 'y' ]") == (["y"], True)
