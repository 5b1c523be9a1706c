"""Events of a log group of CloudWatch, as they are asked for page by page.

`cloudwatch:///aws/lambda/name?since=7d` names the group with its leading slash, as CloudWatch shows
it; `cloudwatch://aws/lambda/name` is the same group, since no name can begin with `aws/`. Any
other name stands as it is: `cloudwatch://balances` and `cloudwatch:///balances` are two groups.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from trueup.config_values import parse_time
from trueup.errors import BadUse
from trueup.sources.aws_access import codes_of, connect, in_plain_words, is_of_aws

log = logging.getLogger(__name__)

_SCHEME = "cloudwatch://"
_GROUP = re.compile(r"[\w./#-]{1,512}", re.ASCII)
_LAMBDA_STREAM = re.compile(r"(\d{4})/(\d\d)/(\d\d)/([^/]*\[[^\]]+\][0-9a-f]{32})")
_DURATION = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_KNOWN = ("since", "until", "stream-prefix")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (in UTC, without a zone, as all times here)
_MILLISECOND = timedelta(milliseconds=1)

_PAGE = 10_000  # events, which is also the most
# FilterLogEvents is bounded to a few calls a second for everybody in the account: after botocore's own
# repetitions, wait, and longer each time, for a minute in all.
_PAUSES_SECONDS = (1, 2, 4, 8, 16, 30)
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"}


class _Asked(NamedTuple):
    group: str
    since: int | None
    """Milliseconds since 1970, inclusive."""
    until: int | None
    """The same, exclusive."""
    stream_prefix: str


def is_cloudwatch(path: str) -> bool:
    """Tell whether a path names a log group of CloudWatch."""
    return path[: len(_SCHEME)].lower() == _SCHEME


def events(
    url: str, *, endpoint: str | None, on_problem: Callable[[str, str], None]
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield the events that `url` asks for: stream, time (`2024-01-31T21:01:05.123Z`) and message.

    They come in order of time, those of all streams mixed. A stream is named as its folder in an
    export, `2024-01-31-[$LATEST]<hex>`; a message is UTF-8, and need not end in a newline. An event
    that is incomplete goes to `on_problem` by its stream. Raises BadUse where the group cannot be read to its end.
    """
    asked = _asked(url)
    with closing(connect("logs", url, endpoint)) as client:
        if asked.since is None:
            log.warning("%s: the log group is read from its beginning; ?since=7d bounds it", url)
        replaced: set[str] = set()
        for event in _found(client, url, asked):
            name = str(event.get("logStreamName", ""))
            if not name.startswith(asked.stream_prefix):
                continue  # servers that stand in for CloudWatch may not heed it
            stream = _LAMBDA_STREAM.sub(r"\1-\2-\3-\4", name)
            moment, message = _time_text(event.get("timestamp")), event.get("message")
            if moment is None or not isinstance(message, str):
                on_problem(stream, "an event without a time or a message was left out")
                continue
            text = message.encode(errors="replace")
            if b"?" in text and stream not in replaced and text.decode() != message:
                replaced.add(stream)
                on_problem(stream, "some characters are no Unicode and were replaced")
            yield stream, moment, text


def _found(client: Any, url: str, asked: _Asked) -> Iterator[dict[str, Any]]:  # noqa: ANN401  (as connect)
    """Yield what is found, page by page; an empty page may have others after it."""
    wanted: dict[str, Any] = {"logGroupName": asked.group, "limit": _PAGE}
    if asked.since is not None:
        wanted["startTime"] = asked.since
    if asked.until is not None:
        wanted["endTime"] = max(asked.until - 1, 0)  # CloudWatch's is inclusive
    if asked.stream_prefix:
        wanted["logStreamNamePrefix"] = asked.stream_prefix
    words = _words(asked.group, client.meta.region_name)
    while True:
        with in_plain_words(url, words):
            page = _ask(client, wanted)
        yield from page.get("events", ())
        token = page.get("nextToken")
        if not token:
            return
        if token == wanted.get("nextToken"):
            raise BadUse(f"{url}: CloudWatch gives the same page again and again: try again later")
        wanted["nextToken"] = token


def _words(group: str, region: str) -> dict[str, str]:
    slash = "" if group.startswith("/") else f" (with a leading slash: {_SCHEME}/{group})"
    return {
        "ResourceNotFoundException": f"no log group {group} in the region {region}: see its name"
        f"{slash}, or set AWS_DEFAULT_REGION to the region that it is in",
        **dict.fromkeys(
            ("AccessDeniedException", "AccessDenied", "403"),
            "access denied: reading it needs logs:FilterLogEvents",
        ),
        "InvalidOperationException": "log groups of this class cannot be read by their events: "
        "export it to S3 and audit the export",
        "404": "no CloudWatch Logs at this endpoint",
    }


def _ask(client: Any, wanted: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401  (as connect)
    """Ask for a page; wait and ask again where that is too often."""
    for pause in _PAUSES_SECONDS:
        try:
            return dict(client.filter_log_events(**wanted))
        except Exception as error:
            if not is_of_aws(error) or not _THROTTLED.intersection(codes_of(error)):
                raise
        log.info("CloudWatch asks to be called less often: waiting %s s", pause)
        time.sleep(pause)
    return dict(client.filter_log_events(**wanted))


@lru_cache(maxsize=1024)
def _time_text(milliseconds: object) -> bytes | None:
    if not isinstance(milliseconds, int):
        return None
    try:
        moment = _EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        return None
    return f"{moment.isoformat(timespec='milliseconds')}Z".encode()


def _asked(url: str) -> _Asked:
    """Take a URL apart. Raises BadUse that names what to write."""
    group, _, query = url[len(_SCHEME) :].partition("?")
    if "@" in group:
        raise BadUse("cloudwatch: no user and password in a path: credentials are set for AWS")
    group = unquote(group)
    if group.startswith("aws/"):
        group = f"/{group}"
    if not _GROUP.fullmatch(group):
        raise BadUse(
            f"{url}: no name of a log group (write cloudwatch:///aws/lambda/name?since=7d)"
        )
    values: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in _KNOWN:
            raise BadUse(f"{url}: unknown {name!r} (known: {', '.join(_KNOWN)})")
        if name in values:
            raise BadUse(f"{url}: {name} is given twice")
        values[name] = unquote(value)  # a plus stays one: 2024-01-31T21:00+03:00
    now = datetime.now(UTC).replace(tzinfo=None)
    since, until = (_milliseconds(url, name, values.get(name), now) for name in _KNOWN[:2])
    if since is not None and until is not None and since >= until:
        raise BadUse(f"{url}: since is not before until, so that nothing would be read")
    return _Asked(group, since, until, values.get("stream-prefix", ""))


def _milliseconds(url: str, name: str, value: str | None, now: datetime) -> int | None:
    """Return a time of the query; half a millisecond counts as the next one, as in both bounds."""
    if value is None:
        return None
    try:
        if duration := _DURATION.fullmatch(value):
            moment = now - timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        else:
            moment = parse_time(value)
    except (ValueError, OverflowError):
        wrong = f"{name} is no time: {value!r}"
        raise BadUse(f"{url}: {wrong} (write 2024-01-31, 2024-01-31T21:00, 7d or 24h)") from None
    if moment < _EPOCH:
        raise BadUse(f"{url}: {name} is before 1970")
    return -((_EPOCH - moment) // _MILLISECOND)
