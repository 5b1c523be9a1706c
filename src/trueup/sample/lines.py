"""The entries of the service and of Lambda as an export holds them, an empty line after each."""

from __future__ import annotations

from random import Random

from trueup.sample.messages import Message, as_json, random_uuid
from trueup.sample.printing import Printable, inspected, money, quoted, stamp

APPLIED = "SubscriptionBalanceUpdated event published"
ALREADY_SYNCED = (
    "Skipping the process, balance is already synced from other listeners",
    "Balance is already synced from other listeners",
)
REFUSED = "Subscriber will have a negative balance due to this action, the process will terminate."
_FAILED = (
    "An error occured while syncing the balance TypeError: Cannot read properties of undefined"
    " (reading 'balance')\n"
    "    at readBalance (file:///var/task/src/syncBalance/balances.mjs:41:27)\n"
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
    "    at async Runtime.handler (file:///var/task/src/syncBalance/listener.mjs:18:9)"
)
_UNCAUGHT = {
    "Cannot find module '/var/task/src/syncBalance/settings.mjs' imported from"
    " /var/task/src/syncBalance/listener.mjs": (
        '"code":"ERR_MODULE_NOT_FOUND","stack":'
        '["Error [ERR_MODULE_NOT_FOUND]: Cannot find module'
        " '/var/task/src/syncBalance/settings.mjs'\","
        '"    at finalizeResolution (node:internal/modules/esm/resolve:238:11)"]'
    ),
    "connect ETIMEDOUT 192.0.2.17:443": (
        '"code":"ETIMEDOUT","stack":["Error: connect ETIMEDOUT 192.0.2.17:443",'
        '"    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16)"]'
    ),
}
CRASHES = tuple(_UNCAUGHT)
"""The errors that crash a sandbox."""


def platform(at: int, text: str) -> str:
    """Return an entry that Lambda itself writes."""
    return f"{stamp(at)} {text}\n\n"


def application(at: int, request: str, text: str, level: str = "INFO") -> str:
    """Return an entry that the service writes."""
    when = stamp(at)
    return f"{when} {when}\t{request}\t{level}\t{text}\n\n"


def start_untyped(at: int, request: str, message: Message, balances: tuple[str, str]) -> str:
    """Return it as the old version printed it; old and new balance are printed already."""
    old, new = balances
    when = stamp(at)
    subscriber = message.subscriber
    return (
        f"{when} {when}\t{request}\tINFO\tStart syncing the balance {{\n  transaction: {{\n"
        f"    id: '{message.transaction_id}',\n    userId: '{subscriber.id}',\n"
        f"    currency: '{subscriber.currency.code}',\n    amount: {money(message.amount)},\n"
        f"    vat: {money(message.vat)},\n    oldBalance: {old},\n"
        f"    newBalance: {new}\n  }}\n}}\n\n"
    )


def start_typed(at: int, request: str, message: Message, balances: tuple[str, str, str]) -> str:
    """Return the transaction with all fields; old, new and payment balance are printed already."""
    old, new, payment = balances
    when = stamp(at)
    subscriber = message.subscriber
    kind, source, name = message.action
    return (
        f"{when} {when}\t{request}\tINFO\tStart syncing the balance {{\n  transaction: {{\n"
        f"    id: '{message.transaction_id}',\n    type: '{kind}',\n    source: '{source}',\n"
        f"    action: '{name}',\n    userId: '{subscriber.id}',\n"
        f"    paymentBalance: {payment},\n    updatePaymentBalance: true,\n"
        f"    metadata: {message.metadata},\n    currency: '{subscriber.currency.code}',\n"
        f"    amount: {money(message.amount)},\n    vat: {money(message.vat)},\n"
        f"    oldBalance: {old},\n    newBalance: {new}\n  }}\n}}\n\n"
    )


def sync_error(at: int, request: str, subscriber_id: str, subscription: str, payment: str) -> str:
    """Return the complaint that the two balances differ."""
    when = stamp(at)
    return (
        f"{when} {when}\t{request}\tERROR\tSubscription balance and payment balance are not in"
        f" sync {{\n  userId: '{subscriber_id}',\n  subscriptionBalance: {subscription},\n"
        f"  paymentBalance: {payment}\n}}\n\n"
    )


def refusal(at: int, request: str, data: dict[str, str]) -> str:
    """Return the message of a refused overdraft; the values of `data` are printed already."""
    fields = ",\n    ".join(f"{name}: {value}" for name, value in data.items())
    return application(
        at, request, f"{{\n  message: '{REFUSED}',\n  data: {{\n    {fields}\n  }}\n}}"
    )


def failure(at: int, request: str) -> str:
    """Return the error of a failed message, with its stack."""
    return application(at, request, _FAILED, "ERROR")


def uncaught(at: int, error: str) -> str:
    """Return one of the errors that crash a sandbox; it knows of no request."""
    text = f'{{"errorType":"Error","errorMessage":"{error}",{_UNCAUGHT[error]}}}'
    return application(at, "undefined", f"Uncaught Exception \t{text}", "ERROR")


def metric(at: int, name: str, subscriber_id: str, action: str) -> str:
    """Return an embedded metric; its own timestamp is a little older than the export's."""
    return platform(
        at,
        f'{{"_aws":{{"Timestamp":{at - 1},"CloudWatchMetrics":[{{"Namespace":"apiService",'
        f'"Dimensions":[["service"]],"Metrics":[{{"Name":"{name}","Unit":"Count"}}]}}]}},'
        f'"service":"syncBalanceSQS","{name}":1,"userId":"{subscriber_id}","action":"{action}"}}',
    )


def notification(at: int, request: str, kitchen: str) -> str:
    """Return the print of a notification to the team; what lies deep is left out by Node."""
    return application(
        at,
        request,
        f"Sending slack notification {{\n  country: '{kitchen[:2]}',\n"
        f"  channel: 'balance-alarms',\n  kitchen: '{kitchen}',\n  suppress: false,\n"
        "  blocks: [\n    { type: 'section', text: [Object] },\n"
        "    { type: 'section', fields: [Array] }\n  ]\n"
        "} arn:aws:sns:us-east-1:000000000000:send-slack",
    )


def acquired_lock(at: int, request: str, message: Message) -> str:
    """Return the debug print of a lock, which was in the code for one day."""
    value: Printable = {
        "id": message.id,
        "owner": {"requestId": request, "userId": message.subscriber.id},
        "transaction": {"id": message.transaction_id, "tries": 1},
        "reason": "'sync' of one subscriber",
        "ttl": 30,
        "previous": None,
    }
    return application(at, request, f"Acquired lock {inspected(value)}", "DEBUG")


def transaction_json(message: Message, at: int, rng: Random) -> str:
    """Return the transaction as JSON, with the subscriber's invented contact details."""
    subscriber = message.subscriber
    kind, source, name = message.action
    texts = {
        "userId": subscriber.id,
        "name": subscriber.name,
        "email": subscriber.email,
        "phoneNumber": subscriber.phone,
        "brand": "EXAMPLE",
        "kitchen": subscriber.currency.kitchen,
        "invoiceId": random_uuid(rng),
        "currency": subscriber.currency.code,
        "paymentMethod": rng.choice(("cc", "cash")),
        "paymentProvider": "EXAMPLEPAY",
        "notes": f'{name.replace("_", " ").capitalize()}\n  ordered by "{subscriber.name}"',
    }
    # amounts are spliced in as printed, so that no float comes near them
    head = as_json({"id": message.transaction_id, "type": kind, "source": source, "action": name})
    sums = (
        f'"amount":{money(message.amount)},"vat":{money(message.vat)},'
        f'"userBalance":{money(message.payment or 0)}'
    )
    tail = as_json(
        {
            "updatePaymentBalance": True,
            "metadata": {
                "walletId": message.wallet_id or subscriber.wallet_id,
                "walletSk": message.entry_id,
            },
            "actor": "system",
            "createdAt": stamp(at - 20_000),
        }
    )
    return f"{head[:-1]},{sums},{as_json(texts)[1:-1]},{tail[1:]}"


def json_form(at: int, request: str, message: Message, rng: Random) -> str:
    """Return one of the three prints that hold a transaction as JSON."""
    body = transaction_json(message, at, rng)
    form = rng.randrange(3)
    if form == 0:
        return application(at, request, f"transaction {body}")
    if form == 1:
        return application(at, request, f"record.body {body}")
    return application(
        at,
        request,
        f"record {{\n  messageId: '{message.id}',\n"
        f"  receiptHandle: '{rng.randbytes(60).hex()}==',\n  body: {quoted(body)},\n"
        f"  attributes: {{\n    ApproximateReceiveCount: '1',\n"
        f"    SentTimestamp: '{at - 900}',\n    MessageGroupId: '{message.subscriber.id}'\n  }},\n"
        "  messageAttributes: {},\n  eventSource: 'aws:sqs',\n  awsRegion: 'us-east-1'\n}",
    )
