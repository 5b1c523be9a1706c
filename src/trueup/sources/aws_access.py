"""AWS, as far as reading logs needs it: a client of a service, and its errors in plain words.

Credentials, region, profile and proxies are found as boto3 finds them. Messages hold no text of an answer,
only its code: a server of one's own could put what it was sent into its answer.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from trueup.errors import BadUse

_CONNECT_SECONDS = 10
_READ_SECONDS = 30  # the longest silence; FilterLogEvents may search for some seconds
_LOGGERS = ("boto3", "botocore", "urllib3")

_EXPIRED = "the session has expired: log in again (as by aws sso login) and repeat"
_REFUSED = (
    "AWS does not accept the credentials: see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
    "AWS_SESSION_TOKEN or AWS_PROFILE"
)
_NONE = (
    "no credentials found: log in (as by aws configure or aws sso login), or set AWS_PROFILE, or "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
_REGION = "no region, or none that there is: set AWS_DEFAULT_REGION"
_ELSEWHERE = "it is in another region: set AWS_DEFAULT_REGION"
_LATER = "the service asks to be called less often: try again later"
_UNREACHABLE = "no connection: see the network, the region and the endpoint's URL"

_GENERAL = {
    **dict.fromkeys(
        (
            "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired",
            "UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "LoginError",
        ),
        _EXPIRED,
    ),
    **dict.fromkeys(
        (
            "InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId", "AuthFailure",
            "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException",
            "IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException", "NotSignedUp", "OptInRequired",
        ),
        _REFUSED,
    ),
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError", "NoAuthTokenError"), _NONE),
    "CredentialRetrievalError": "the credentials cannot be had: see the profile, or log in again",
    "AssumeRole": "the profile's role cannot be assumed: see AWS_PROFILE and who may assume it",
    "ProfileNotFound": "no such profile: see AWS_PROFILE",
    "ConfigParseError": "the configuration of AWS (~/.aws/config) cannot be read",
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestInTheFuture"), "this machine's clock is wrong"),
    **dict.fromkeys(("NoRegionError", "InvalidRegionError"), _REGION),
    "SSLError": "the server's certificate is not trusted: AWS_CA_BUNDLE names the one to trust",
    "ProxyConnectionError": "the proxy cannot be reached: see HTTPS_PROXY",
    "ConnectionError": _UNREACHABLE,
}  # fmt: skip
"""What concerns every request, by the code of AWS or the class of botocore's error."""

_COMMON = {
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
        _ELSEWHERE,
    ),
    **dict.fromkeys(
        ("SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"), _LATER
    ),
    **dict.fromkeys(
        ("InternalError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException"),
        "the service is out of order: try again later",
    ),
    # botocore's word for an answer of S3 that it cannot read, too
    **dict.fromkeys(
        ("500", "502", "503", "504"),
        "no answer that can be read: see the endpoint's URL, or try again later",
    ),
    **dict.fromkeys(
        ("ResponseStreamingError", "IncompleteReadError", "HTTPClientError", "HTTPError"),
        "the connection was lost, again and again: run it once more",
    ),
    "FlexibleChecksumError": "its bytes do not have the checksum that is stored with it",
    "ResponseParserError": "what answers is no such service: see the endpoint's URL",
}


def connect(service: str, url: str, endpoint: str | None, *, connections: int = 1) -> Any:  # noqa: ANN401  (boto3 makes its classes as it runs)
    """Return a client of `s3` or `logs`, to read what `url` names; safe to use from many threads.

    Raises BadUse without boto3, for an endpoint that is none, and for settings of AWS that are wrong.
    """
    if find_spec("boto3") is None:
        raise BadUse(f'{url}: reading from AWS needs boto3: pip install "trueup[aws]"')
    if endpoint is not None:
        _check_endpoint(endpoint)
    _keep_quiet()
    import boto3
    from botocore.config import Config

    # How often a request is repeated is boto3's affair (AWS_MAX_ATTEMPTS; three times, backing off).
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=connections,
    )
    with in_plain_words(url):
        try:
            client = boto3.session.Session().client(service, endpoint_url=endpoint, config=config)
        except ValueError:
            raise BadUse(
                f"{url}: the region or the endpoint's URL, as set for AWS, is none"
            ) from None
    _check_endpoint(client.meta.endpoint_url)  # it may be the environment's
    return client


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise BadUse("endpoint-url: not a URL (write https://host or https://host:port)") from None
    if "@" in parts.netloc:
        raise BadUse("endpoint-url: no user and password in a URL: credentials are set for AWS")
    if not is_good or parts.query or parts.fragment:
        raise BadUse("endpoint-url: not a URL (write https://host or https://host:port)")


def _keep_quiet() -> None:
    # At level debug they would tell headers and signatures, and a failed login its whole trace.
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.ERROR)


@contextmanager
def in_plain_words(what: str, words: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn what AWS refuses, and what goes wrong on the way to it, into BadUse.

    `words` are the caller's own, by code; they go before the usual ones.
    """
    try:
        yield
    except Exception as error:
        if not is_of_aws(error):
            raise
        raise BadUse(f"{what}: {words_for(error, words)}") from None


def is_of_aws(error: BaseException) -> bool:
    """Tell whether botocore raised it: a refusal by AWS, or no answer that can be understood."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    return isinstance(error, (BotoCoreError, ClientError, ResponseParserError, HTTPError))


def concerns_all(error: BaseException) -> bool:
    """Tell whether every other request will fail like this one, as with an expired session."""
    return any(code in _GENERAL for code in codes_of(error))


def words_for(error: BaseException, words: Mapping[str, str] | None = None) -> str:
    """Say what is wrong and what to do."""
    known = {**_COMMON, **_GENERAL, **(words or {})}
    codes = codes_of(error)
    return next((known[code] for code in codes if code in known), f"it failed ({codes[0]})")


def codes_of(error: BaseException) -> list[str]:
    """Return AWS's code of an error, or the names of its classes, the narrowest first."""
    answer = getattr(error, "response", None)
    if not isinstance(answer, dict):
        return [kind.__name__ for kind in type(error).__mro__]
    if str(getattr(error, "operation_name", "")).startswith("AssumeRole"):
        return ["AssumeRole"]
    code = str(answer.get("Error", {}).get("Code", ""))
    status = str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    return [name for name in (code, status) if re.fullmatch(r"[\w.]{1,80}", name)] or ["no code"]
