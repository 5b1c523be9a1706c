"""Objects of S3 and events of CloudWatch, read from moto's server on this machine."""

from __future__ import annotations

import gzip
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ResponseStreamingError
from moto.server import ThreadedMotoServer

import trueup
from trueup.config import Settings
from trueup.errors import BadUse
from trueup.sources import aws_access, cloudwatch, s3
from trueup.sources.cloudwatch import events, is_cloudwatch
from trueup.sources.s3 import Remote, fetch, is_s3

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105  (of nobody)
TOKEN = "a-token-that-nobody-may-see"  # noqa: S105  (the same)
STREAM = "2024/01/31/[$LATEST]" + "a" * 32
GROUP = "/aws/lambda/sync-balance"
ROOM = 1 << 30


@pytest.fixture(name="moto", scope="session")
def _moto() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    for service in ("s3", "logs"):
        client_of(service, f"http://{host}:{port}").close()
    server.stop()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for module, pause in ((s3, "_PAUSE_SECONDS"), (cloudwatch, "_PAUSES_SECONDS")):
        monkeypatch.setattr(module, pause, 0 if module is s3 else (0, 0, 0))
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


@cache  # to make one takes a quarter of a second
def client_of(service: str, endpoint: str) -> Any:
    return boto3.session.Session("me", SECRET, region_name="eu-west-1").client(
        service, endpoint_url=endpoint
    )


@pytest.fixture(name="bucket")
def _bucket(moto: str) -> Iterator[Callable[..., Any]]:
    """Make the bucket `logs` of these objects, by key; the client comes back."""
    client = client_of("s3", moto)

    def make(objects: dict[str, bytes], **options: str) -> Any:
        client.create_bucket(
            Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        with ThreadPoolExecutor(8) as pool:
            done = [
                pool.submit(client.put_object, Bucket="logs", Key=key, Body=body, **options)
                for key, body in objects.items()
            ]
        assert all(one.result() for one in done)
        return client

    yield make
    _reset(moto)


def _reset(moto: str) -> None:
    from urllib.request import ProxyHandler, Request, build_opener

    request = Request(f"{moto}/moto-api/reset", method="POST")  # noqa: S310  (on this machine)
    build_opener(ProxyHandler({})).open(request, timeout=10).close()


Fetched = tuple[dict[str, bytes], list[tuple[str, str]], bytes]


def fetched(url: str, endpoint: str, most: int = ROOM, before: bytes = b"") -> Fetched:
    """Return the bytes of each object by name, the problems, and all that was written."""
    target = io.BytesIO(before)
    problems: list[tuple[str, str]] = []
    found = list(
        fetch(url, target, endpoint=endpoint, most=most, on_problem=lambda *p: problems.append(p))
    )
    written = target.getvalue()
    names = [remote.name for remote, _ in found]
    assert names == sorted(names)
    assert [place for _, place in found] == [
        len(before) + sum(remote.size for remote, _ in found[:number])
        for number in range(len(found))
    ]
    parts = {remote.name: written[place : place + remote.size] for remote, place in found}
    return parts, problems, written


def no_problem(name: str, words: str) -> None:
    pytest.fail(f"{name}: {words}")


class Stub:
    """A client in whose stead some methods answer."""

    def __init__(self, client: Any, **methods: Callable[..., Any]) -> None:
        self._client = client
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def replace_client(
    monkeypatch: pytest.MonkeyPatch, module: Any, wrap: Callable[[Any], dict[str, Any]]
) -> None:
    connect = aws_access.connect

    def connect_stub(*arguments: Any, **options: Any) -> Stub:
        client = connect(*arguments, **options)
        return Stub(client, **wrap(client))

    monkeypatch.setattr(module, "connect", connect_stub)


def refusal(code: str, message: str = TOKEN) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Server(ThreadingHTTPServer):
    """Gives its answers one after the other, the last one for ever."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        self.server.requests.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        answers = self.server.answers
        status, text = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = _answer  # noqa: N815  (their names in http.server)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(name="serve")
def _serve() -> Iterator[Callable[..., Server]]:
    servers = []

    def start(*answers: tuple[int, str]) -> Server:
        servers.append(Server(*answers))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def xml_error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{TOKEN}</Message></Error>"


# S3


@pytest.mark.parametrize(
    ("path", "is_one"), [("s3://logs", True), ("S3://logs/x", True), ("s3:/logs", False)]
)
def test_paths_of_s3(path: str, is_one: object) -> None:
    assert is_s3(path) is is_one


def test_objects_come_whole_in_order_under_any_name(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PIECE", 1000)
    objects = {
        "in/2024-01-31-[$LATEST]" + "a" * 32 + "/000000.gz": b"\x1f\x8b" + bytes(range(256)) * 20,
        "in/a folder/b c.log": b"spaces",
        "in/سجل/ünï.log": b"unicode",
        "in/../up.log": b"up",
        "in/q?x=1&y=%41+#z": b"signs",
        "in/empty.log": b"",
        "in/thousand": b"x" * 1000,
        "in/one more": b"x" * 1000 + b"y",
        "in/folder with bytes/": b"bytes",
        "in/mark of a folder/": b"",
        "into/other.log": b"not in the folder",
    }
    bucket(objects)

    parts, problems, written = fetched("s3://logs/in", moto, before=b"before")

    expected = {
        f"logs/{key}": body
        for key, body in sorted(objects.items())
        if key not in ("in/mark of a folder/", "into/other.log")
    }
    assert parts == expected
    assert written == b"before" + b"".join(expected.values())
    assert problems == []


def test_what_a_path_names(moto: str, bucket: Callable[..., Any]) -> None:
    bucket({"a/2024-01/x.log": b"1", "a/2024-02/y.log": b"2", "a.log": b"3", "a": b"4"})

    def names(url: str) -> list[str]:
        return list(fetched(url, moto)[0])

    assert names("s3://logs/a.log") == ["logs/a.log"]
    assert names("s3://logs/a") == ["logs/a", "logs/a/2024-01/x.log", "logs/a/2024-02/y.log"]
    assert names("s3://logs/a/") == ["logs/a/2024-01/x.log", "logs/a/2024-02/y.log"]
    assert names("s3://logs/a/2024-0") == ["logs/a/2024-01/x.log", "logs/a/2024-02/y.log"]
    assert len(names("s3://logs")) == len(names("s3://logs/")) == 4
    with pytest.raises(BadUse, match=r"^no objects under s3://logs/b: name a bucket, a folder"):
        names("s3://logs/b")


def test_more_objects_than_a_page_lists(moto: str, bucket: Callable[..., Any]) -> None:
    objects = {f"many/{number:06}.gz": b"%d" % number for number in range(1_020)}
    bucket(objects)
    parts, problems, _ = fetched("s3://logs/many", moto)
    assert parts == {f"logs/{key}": body for key, body in objects.items()}
    assert problems == []


def test_it_stops_at_the_limit(moto: str, bucket: Callable[..., Any]) -> None:
    bucket({"a": b"12", "b": b"34", "c": b"5678", "d": b"9"})
    parts, problems, written = fetched("s3://logs", moto, most=7)
    assert (list(parts), written) == (["logs/a", "logs/b"], b"1234")
    words = "not read: 2 objects from here on, as all together are more than 7 bytes, the limit"
    assert problems == [("logs/c", words)]
    assert fetched("s3://logs", moto, most=9)[1] == []


def test_an_object_that_goes_or_changes_costs_itself_alone(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = bucket({"a": b"1", "b gone": b"2", "c changed": b"3", "d": b"4"})
    listing = s3._list

    def list_then_change(*arguments: Any) -> Any:
        listed = listing(*arguments)
        client.delete_object(Bucket="logs", Key="b gone")
        client.put_object(Bucket="logs", Key="c changed", Body=b"5")
        return listed

    monkeypatch.setattr(s3, "_list", list_then_change)
    parts, problems, written = fetched("s3://logs", moto)
    assert (list(parts), written) == (["logs/a", "logs/d"], b"14")
    assert problems == [
        ("logs/b gone", "it was deleted after it was listed"),
        ("logs/c changed", "it was changed while it was read: audit again"),
    ]


def test_archived_objects(moto: str, bucket: Callable[..., Any]) -> None:
    bucket({"cold": b"1"}, StorageClass="GLACIER")
    problem = "it is archived (as by Glacier): restore it in S3, then audit again"
    assert fetched("s3://logs", moto)[:2] == ({}, [("logs/cold", problem)])


def test_a_large_object_that_changes_leaves_nothing_behind(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PIECE", 10)
    monkeypatch.setattr(s3, "_AHEAD", 1)  # one after the other
    bucket({"a": b"1" * 100, "b": b"2" * 100, "c": b"3"})
    asked: list[str] = []

    def wrap(client: Any) -> dict[str, Any]:
        def get_object(**wanted: Any) -> Any:
            if wanted.get("Range") == "bytes=30-39" and wanted["Key"] == "b":
                client.put_object(Bucket="logs", Key="b", Body=b"4" * 100)
            asked.append(wanted["Key"])
            return client.get_object(**wanted)

        return {"get_object": get_object}

    replace_client(monkeypatch, s3, wrap)
    parts, problems, written = fetched("s3://logs", moto, before=b"0")
    assert list(parts) == ["logs/a", "logs/c"]
    assert written == b"0" + b"1" * 100 + b"3"
    assert problems == [("logs/b", "it was changed while it was read: audit again")]
    assert asked.count("b") <= 5, "the rest of it is not asked for"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "access denied: reading it needs s3:GetObject, and kms:Decrypt"),
        ("KMS.DisabledException", "it is encrypted with a key of KMS that is disabled or gone"),
        ("InvalidRequest", "S3 refuses to give it"),
        ("SlowDown", "the service asks to be called less often"),
        ("Odd", "it failed (Odd)"),
        (f"{TOKEN}<b>", "it failed (no code)"),
    ],
)
def test_refused_objects(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    bucket({"a": b"1", "b": b"2"})

    def wrap(client: Any) -> dict[str, Any]:
        def get_object(**wanted: Any) -> Any:
            if wanted["Key"] == "a":
                raise refusal(code)
            return client.get_object(**wanted)

        return {"get_object": get_object}

    replace_client(monkeypatch, s3, wrap)
    parts, problems, written = fetched("s3://logs", moto)
    assert (list(parts), written) == (["logs/b"], b"2")
    ((name, problem),) = problems
    assert name == "logs/a"
    assert problem.startswith(words)
    assert TOKEN not in problem


@pytest.mark.parametrize("error", [refusal("ExpiredToken"), NoCredentialsError()])
def test_what_concerns_all_objects_ends_the_run(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    bucket({f"{number:03}": b"1" for number in range(40)})
    asked: list[str] = []

    def wrap(_: Any) -> dict[str, Any]:
        def get_object(**wanted: Any) -> Any:
            asked.append(wanted["Key"])
            raise error

        return {"get_object": get_object}

    replace_client(monkeypatch, s3, wrap)
    with pytest.raises(BadUse, match=r"^s3://logs: (the session has expired|no credentials found)"):
        fetched("s3://logs", moto)
    assert len(asked) <= s3._AHEAD


class Body:
    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = list(chunks)

    def read(self, _: int) -> bytes:
        chunk = self.chunks.pop(0) if self.chunks else b""
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def close(self) -> None: ...


def test_a_connection_that_breaks_is_made_again(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket({"a": b"1234", "b": b"1234", "c": b"1234"})
    lost = ResponseStreamingError(error="lost")
    bodies = {
        "a": [Body(b"12", lost), Body(lost), Body(b"12", b"34")],
        "b": [Body(b"12", lost), Body(lost), Body(lost)],
        "c": [Body(b"123456", b"7" * 1_000_000)],
    }
    replace_client(
        monkeypatch,
        s3,
        lambda _: {"get_object": lambda **wanted: {"Body": bodies[wanted["Key"]].pop(0)}},
    )
    parts, problems, written = fetched("s3://logs", moto)
    assert (parts, written) == ({"logs/a": b"1234"}, b"1234")
    assert problems == [
        ("logs/b", "the connection was lost, again and again: run it once more"),
        ("logs/c", "6 bytes came for 4 that were asked for: audit again"),
    ]


def test_memory_holds_a_few_pieces(
    moto: str, bucket: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PIECE", 10)
    bucket({"a": b"1" * 1000, "b": b"2" * 1000})
    asked: list[int] = []
    written: list[int] = []
    ahead: list[int] = []

    def wrap(client: Any) -> dict[str, Any]:
        def get_object(**wanted: Any) -> Any:
            asked.append(10)
            ahead.append(len(asked) - len(written))
            return client.get_object(**wanted)

        return {"get_object": get_object}

    class Slow(io.BytesIO):
        def write(self, data: Any) -> int:
            time.sleep(0.002)
            written.append(len(data))
            return super().write(data)

    replace_client(monkeypatch, s3, wrap)
    target = Slow()
    found = fetch("s3://logs", target, endpoint=moto, most=ROOM, on_problem=no_problem)
    assert [remote for remote, _ in found] == [Remote("logs/a", 1000), Remote("logs/b", 1000)]
    assert target.getvalue() == b"1" * 1000 + b"2" * 1000
    assert max(written) == 10
    assert 1 < max(ahead) <= s3._AHEAD + 1


def test_who_takes_no_more_leaves_no_threads(moto: str, bucket: Callable[..., Any]) -> None:
    bucket({f"{number:03}": b"1" for number in range(100)})
    found = fetch("s3://logs", io.BytesIO(), endpoint=moto, most=ROOM, on_problem=no_problem)
    assert isinstance(found, Iterator)
    next(found)
    found.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("s3")]


def test_a_target_that_was_moved_in(moto: str, bucket: Callable[..., Any]) -> None:
    bucket({"a": b"1", "b": b"2"})
    target = io.BytesIO()
    for _ in fetch("s3://logs", target, endpoint=moto, most=ROOM, on_problem=no_problem):
        target.seek(0)
    assert target.getvalue() == b"12"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_nobody_answers() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(BadUse, match=r"^s3://logs: no connection: see the network"):
        fetched("s3://logs", endpoint)
    with pytest.raises(BadUse, match=r"^cloudwatch:///g: no connection: see the network"):
        read("cloudwatch:///g", endpoint)


def test_no_such_bucket(moto: str) -> None:
    with pytest.raises(BadUse, match=r"^s3://nobody/x: no such bucket$"):
        fetched("s3://nobody/x", moto)


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (403, xml_error("AccessDenied"), "access denied: listing it needs s3:ListBucket"),
        (400, xml_error("ExpiredToken"), "the session has expired: log in again"),
        (403, xml_error("InvalidAccessKeyId"), "AWS does not accept the credentials"),
        (403, xml_error("RequestTimeTooSkewed"), "this machine's clock is wrong"),
        (301, xml_error("PermanentRedirect"), "it is in another region: set AWS_DEFAULT_REGION"),
        (503, xml_error("SlowDown"), "the service asks to be called less often"),
        (500, "", "no answer that can be read: see the endpoint's URL"),
        (404, "<html>not found</html>", "no such bucket, or no S3 at this endpoint"),
        (200, f"<html><p>{TOKEN}</html>", "no answer that can be read"),
        (418, xml_error(f"{TOKEN} {SECRET}"), "it failed (418)"),
    ],
)
def test_refused_lists(
    serve: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
    text: str,
    words: str,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadUse) as failed:
        fetched("s3://logs/x", serve((status, text)).url)
    assert str(failed.value).startswith(f"s3://logs/x: {words}")
    assert TOKEN not in str(failed.value) + caplog.text
    assert SECRET not in str(failed.value) + caplog.text
    assert "botocore" not in caplog.text


def test_no_credentials(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for run in (lambda: fetched("s3://logs", moto), lambda: read("cloudwatch:///g", moto)):
        with pytest.raises(
            BadUse, match=r"//.*: no credentials found: log in .* or set AWS_PROFILE"
        ):
            run()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BadUse, match=r"^s3://logs: no such profile: see AWS_PROFILE$"):
        fetched("s3://logs", moto)


def test_no_region(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(
        BadUse, match=r"^cloudwatch:///g: no region, or none that there is: set AWS_"
    ):
        read("cloudwatch:///g", moto)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "nowhere at all")
    with pytest.raises(BadUse, match=r"^cloudwatch:///g: .*region"):
        read("cloudwatch:///g", moto)


@pytest.mark.parametrize(
    "endpoint",
    ["ftp://host", "host:9000", "", "http://", "file:///etc", "http://h:x", "https://h/?a=b"],
)
def test_endpoints_that_are_none(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadUse, match=r"^endpoint-url: not a URL \(write https://host"):
        fetched("s3://logs", endpoint)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint or "none")
    with pytest.raises(BadUse, match=r"endpoint"):
        next(fetch("s3://logs", io.BytesIO(), endpoint=None, most=1, on_problem=no_problem))


def test_passwords_in_urls_are_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for run in (
        lambda: fetched("s3://me:hunter2@logs/x", "http://127.0.0.1:1"),
        lambda: fetched("s3://logs/x", "http://me:hunter2@127.0.0.1:1"),
        lambda: fetched("s3://logs/x", "http://me:hunter2@["),
        lambda: read("cloudwatch://me:hunter2@group", "http://127.0.0.1:1"),
    ):
        with pytest.raises(BadUse) as failed:
            run()
        assert "hunter2" not in str(failed.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:hunter2@127.0.0.1:1")
    with pytest.raises(BadUse, match=r"^endpoint-url: no user and password in a URL"):
        next(fetch("s3://logs", io.BytesIO(), endpoint=None, most=1, on_problem=no_problem))


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "s3://a b/x", "s3://ab"])
def test_no_name_of_a_bucket(url: str) -> None:
    with pytest.raises(BadUse, match=r"no name of a bucket \(write s3://bucket or s3://bucket/fol"):
        fetched(url, "http://127.0.0.1:1")


def test_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_access, "find_spec", lambda _: None)
    words = r'reading from AWS needs boto3: pip install "trueup\[aws\]"$'
    with pytest.raises(BadUse, match=rf"^s3://logs: {words}"):
        fetched("s3://logs", "http://127.0.0.1:1")
    with pytest.raises(BadUse, match=rf"^cloudwatch:///g: {words}"):
        read("cloudwatch:///g", "http://127.0.0.1:1")


# CloudWatch


def read(url: str, endpoint: str) -> list[tuple[str, bytes, bytes]]:
    return list(events(url, endpoint=endpoint, on_problem=no_problem))


def text_of(moment: datetime) -> bytes:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").encode() + b"%03dZ" % (moment.microsecond // 1000)


START = datetime.now(UTC).replace(microsecond=123_000) - timedelta(hours=3)  # not too old to be put


@pytest.fixture(name="group")
def _group(moto: str) -> Iterator[list[tuple[str, bytes, bytes]]]:
    """Put twelve events, one a minute, into two streams; what reading them gives comes back."""
    client = client_of("logs", moto)
    client.create_log_group(logGroupName=GROUP)
    streams = (STREAM, "2024/02/01/[$LATEST]" + "b" * 32)
    expected = []
    for offset, stream in enumerate(streams):
        client.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        put = []
        for minute in range(offset, 12, 2):
            moment = START + timedelta(minutes=minute)
            message = f"{moment.isoformat()}\tline one\n  رصيد: {minute}\n"
            put.append({"timestamp": round(moment.timestamp() * 1000), "message": message})
            expected.append(
                (
                    stream[:10].replace("/", "-") + "-" + stream[11:],
                    text_of(moment),
                    message.encode(),
                )
            )
        client.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=put)
    yield expected
    _reset(moto)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [("cloudwatch:///aws/lambda/x", True), ("CloudWatch://x", True), ("cloudwatch", False)],
)
def test_paths_of_cloudwatch(path: str, is_one: object) -> None:
    assert is_cloudwatch(path) is is_one


@pytest.mark.parametrize("page", [1, 5, 10_000])
def test_events_of_several_streams(
    moto: str, group: list[Any], monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(cloudwatch, "_PAGE", page)
    found = read(f"cloudwatch://{GROUP}?since=1d", moto)
    assert found == group
    assert {stream for stream, _, _ in found} == {
        "2024-01-31-[$LATEST]" + "a" * 32,
        "2024-02-01-[$LATEST]" + "b" * 32,
    }


def test_with_and_without_the_leading_slash(moto: str, group: list[Any]) -> None:
    assert read("cloudwatch://aws/lambda/sync-balance?since=1d", moto) == group
    assert read("cloudwatch:///aws/lambda/sync-balance?since=1d", moto) == group
    with pytest.raises(
        BadUse, match=r"no log group lambda/x .*slash: cloudwatch:///lambda/x\), or"
    ):
        read("cloudwatch://lambda/x?since=1d", moto)


def test_since_is_inclusive_and_until_exclusive(moto: str, group: list[Any]) -> None:
    def at(minute: int) -> str:
        return (START + timedelta(minutes=minute)).isoformat(timespec="milliseconds")

    found = read(f"cloudwatch://{GROUP}?since={at(2)}&until={at(5)}", moto)
    assert sorted(time for _, time, _ in found) == [
        text_of(START + timedelta(minutes=minute)) for minute in (2, 3, 4)
    ]
    assert read(f"cloudwatch://{GROUP}?since=1h", moto) == []
    assert len(read(f"cloudwatch://{GROUP}?until=1h&since=2w", moto)) == 12


def test_streams_by_prefix(moto: str, group: list[Any]) -> None:
    found = read(f"cloudwatch://{GROUP}?since=1d&stream-prefix=2024/02/", moto)
    assert found == group[6:]
    assert read(f"cloudwatch://{GROUP}?since=1d&stream-prefix=2024/02/01/[$LATEST]b", moto) == found
    assert read(f"cloudwatch://{GROUP}?since=1d&stream-prefix=2024%2F02", moto) == found


def test_a_whole_group_is_said(
    moto: str, group: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert read(f"cloudwatch://{GROUP}", moto) == group
    assert caplog.messages == [
        f"cloudwatch://{GROUP}: the log group is read from its beginning; ?since=7d bounds it"
    ]


def test_what_is_asked_for_page_by_page(serve: Callable[..., Server]) -> None:
    def event(**fields: Any) -> dict[str, Any]:
        return {"logStreamName": STREAM, "timestamp": 1_706_735_465_123, "message": "m", **fields}

    server = serve(
        (200, json.dumps({"events": [event()], "nextToken": "1"})),
        (200, json.dumps({"events": [], "nextToken": "2"})),
        (200, json.dumps({"nextToken": "3"})),
        (200, json.dumps({"events": [event(message="a\ud800?"), event(timestamp=None)]})),
    )
    problems: list[tuple[str, str]] = []
    url = "cloudwatch://aws/x?since=2024-01-31T21:00%2B03:00&until=2024-02-01&stream-prefix=2024/"
    found = list(events(url, endpoint=server.url, on_problem=lambda *p: problems.append(p)))
    name = "2024-01-31-[$LATEST]" + "a" * 32
    assert found == [
        (name, b"2024-01-31T21:11:05.123Z", b"m"),
        (name, b"2024-01-31T21:11:05.123Z", b"a??"),
    ]
    assert problems == [
        (name, "some characters are no Unicode and were replaced"),
        (name, "an event without a time or a message was left out"),
    ]
    first, *others = map(json.loads, server.requests)
    assert first == {
        "logGroupName": "/aws/x",
        "limit": 10_000,
        "startTime": 1_706_724_000_000,
        "endTime": 1_706_745_599_999,
        "logStreamNamePrefix": "2024/",
    }
    assert others == [{**first, "nextToken": token} for token in "123"]


def json_error(code: str) -> tuple[int, str]:
    return 400, json.dumps({"__type": code, "message": TOKEN})


def test_throttling_is_waited_for(serve: Callable[..., Server]) -> None:
    page = (200, json.dumps({"events": []}))
    server = serve(*[json_error("ThrottlingException")] * 7, page)
    assert read("cloudwatch:///g?since=1d", server.url) == []
    assert len(server.requests) == 8


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ThrottlingException", "the service asks to be called less often: try again later"),
        ("ExpiredTokenException", "the session has expired: log in again"),
        ("UnrecognizedClientException", "AWS does not accept the credentials"),
        ("AccessDeniedException", "access denied: reading it needs logs:FilterLogEvents"),
        ("InvalidOperationException", "log groups of this class cannot be read by their events"),
        ("InvalidParameterException", "it failed (InvalidParameterException)"),
    ],
)
def test_refused_events(serve: Callable[..., Server], code: str, words: str) -> None:
    with pytest.raises(BadUse) as failed:
        read("cloudwatch:///g?since=1d", serve(json_error(code)).url)
    assert str(failed.value).startswith(f"cloudwatch:///g?since=1d: {words}")
    assert TOKEN not in str(failed.value)


def test_a_page_that_comes_again_and_again(serve: Callable[..., Server]) -> None:
    server = serve((200, json.dumps({"events": [], "nextToken": "same"})))
    with pytest.raises(BadUse, match=r"the same page again and again"):
        read("cloudwatch:///g?since=1d", server.url)


def test_no_such_group(moto: str) -> None:
    words = (
        r": no log group /aws/lambda/x in the region eu-west-1: see its name, or set AWS_DEFAULT"
    )
    with pytest.raises(BadUse, match=words):
        read("cloudwatch://aws/lambda/x?since=7d", moto)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "since=yesterday",
            "since is no time: 'yesterday' (write 2024-01-31, 2024-01-31T21:00, 7d",
        ),
        ("until=7y", "until is no time: '7y' (write"),
        ("since=", "since is no time: '' (write"),
        ("since=99999w", "since is before 1970"),
        ("since=1969-12-31", "since is before 1970"),
        ("since=1d&until=2d", "since is not before until"),
        ("since=1d&since=2d", "since is given twice"),
        ("from=1d", "unknown 'from' (known: since, until, stream-prefix)"),
    ],
)
def test_bad_queries(query: str, words: str) -> None:
    with pytest.raises(BadUse) as failed:
        read(f"cloudwatch:///g?{query}", "http://127.0.0.1:1")
    assert str(failed.value).startswith(f"cloudwatch:///g?{query}: {words}")


@pytest.mark.parametrize("url", ["cloudwatch://", "cloudwatch://?since=1d", "cloudwatch://a b"])
def test_no_name_of_a_group(url: str) -> None:
    with pytest.raises(BadUse, match=r"no name of a log group \(write cloudwatch:///aws/lambda/na"):
        read(url, "http://127.0.0.1:1")


def test_an_audit_of_a_bucket_and_a_log_group(
    moto: str, bucket: Callable[..., Any], tmp_path: Path
) -> None:
    """Through the front door: the same logs from S3, from CloudWatch and from a folder."""
    stream = "2024-02-01-[$LATEST]" + "a" * 32
    request = "0a0adba9-a0b2-58ae-8863-865bf52bfcbb"
    now = datetime.now(UTC).replace(microsecond=5000)
    time = now.strftime("%Y-%m-%dT%H:%M:%S.005Z")
    messages = [f"START RequestId: {request} Version: $LATEST\n", f"END RequestId: {request}\n"]
    text = "".join(f"{time} {message}\n" for message in messages).encode()
    (tmp_path / "logs" / stream).mkdir(parents=True)
    (tmp_path / "logs" / stream / "000000.gz").write_bytes(gzip.compress(text))
    bucket({f"export/{stream}/000000.gz": gzip.compress(text), "export/a.png": b"x"})
    logs = client_of("logs", moto)
    logs.create_log_group(logGroupName="/aws/lambda/sync")
    name = stream.replace("-", "/", 3)
    logs.create_log_stream(logGroupName="/aws/lambda/sync", logStreamName=name)
    logs.put_log_events(
        logGroupName="/aws/lambda/sync",
        logStreamName=name,
        logEvents=[
            {"timestamp": int(now.timestamp() * 1000), "message": message} for message in messages
        ],
    )
    settings = Settings(processes=1, endpoint_url=moto)
    found = {}
    for path in (str(tmp_path / "logs"), "s3://logs/export", "cloudwatch:///aws/lambda/sync"):
        with trueup.audit(path, settings=settings) as done:
            rows = done.sql("SELECT request_id, stream, status, line FROM invocations").to_pylist()
            names = done.table("files")["name"].to_pylist()
            found[names[0]] = rows
    assert list(found) == [
        f"logs/{stream}/000000.gz",
        f"logs/export/{stream}/000000.gz",
        f"cloudwatch:///aws/lambda/sync!{stream}",
    ]
    assert (
        list(found.values())
        == [[{"request_id": request, "stream": stream, "status": "ok", "line": 1}]] * 3
    )
