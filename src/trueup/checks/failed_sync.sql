-- id: failed_sync
-- title: Messages that failed
-- severity: never high, refused low, recovered info
-- sums: never, refused: change that type, amount and VAT say, else none; 0; never: size of that change, else 0
-- question: Which messages failed, and did a later delivery succeed?
-- why: A message that never succeeds leaves the subscription balance without a change that the wallet has made. One that recovers only comes late.
-- do: Never: sync the subscriber's balance by hand, and find out what the error is. Refused: see blocked_overdraft. Recovered: nothing.
-- advice never: Accounting: sync these balances by hand: the messages that should have changed them never succeeded. Engineering: mend the error that they failed with.
-- explain never: Message {message_id} [of {subscriber_id}] failed {failures} times and never succeeded: {error}. [Its transaction {transaction_id} should have changed the balance by {expected}.]
-- explain refused: Message {message_id} [of {subscriber_id}] failed {failures} times, and was then refused since the balance would have gone below zero: {error}.
-- explain recovered: Message {message_id} [of {subscriber_id}] failed {failures} times and succeeded {recovered_seconds} seconds after the first, on {recovered_at}: {error}.
WITH keyed AS (
    SELECT
        m.*,
        coalesce(m.message_id, m.attempt_id) AS message_key
    FROM messages AS m
),
failures AS (
    SELECT
        k.*,
        row_number() OVER (
            PARTITION BY k.message_key ORDER BY k.at, k.attempt_id
        ) AS failure
    FROM keyed AS k
    WHERE k.outcome = 'failed'
),
later AS (
    SELECT
        f.message_key,
        count(*) AS deliveries,
        sum(CASE WHEN k.outcome = 'failed' THEN 1 ELSE 0 END) AS failures,
        min(
            CASE
                WHEN
                    k.at > f.at AND k.outcome IN ('applied', 'already_synced', 'skipped')
                    THEN k.at
            END
        ) AS recovered_at,
        min(CASE WHEN k.at > f.at AND k.outcome = 'blocked' THEN k.at END) AS refused_at
    FROM failures AS f
    INNER JOIN keyed AS k ON k.message_key = f.message_key
    WHERE f.failure = 1
    GROUP BY f.message_key
),
judged AS (
    SELECT
        f.*,
        l.deliveries,
        l.failures,
        l.recovered_at,
        CASE
            WHEN l.recovered_at IS NOT NULL THEN 'recovered'
            WHEN l.refused_at IS NOT NULL THEN 'refused'
            ELSE 'never'
        END AS cause
    FROM failures AS f
    INNER JOIN later AS l ON l.message_key = f.message_key
    WHERE f.failure = 1
)
SELECT
    j.message_key AS subject,
    coalesce(j.subscriber_id, t.subscriber_id) AS subscriber_id,
    t.currency,
    j.at,
    j.cause,
    CASE WHEN j.cause <> 'recovered' THEN t.expected_delta END AS expected,
    CASE
        WHEN j.cause <> 'recovered' AND t.expected_delta IS NOT NULL
            THEN CAST(0 AS DECIMAL(18, 6))
    END AS logged,
    CASE WHEN j.cause <> 'recovered' THEN -t.expected_delta END AS difference,
    CASE WHEN j.cause = 'never' THEN coalesce(abs(t.expected_delta), 0) ELSE 0 END
        AS amount_at_risk,
    t.transaction_id,
    j.attempt_id,
    j.request_id,
    j.file_id,
    j.first_line,
    j.last_line,
    j.message_id,
    CAST(j.deliveries AS BIGINT) AS deliveries,
    CAST(j.failures AS BIGINT) AS failures,
    j.recovered_at,
    CAST(
        extract(DAY FROM j.recovered_at - j.at) * 86400
        + extract(HOUR FROM j.recovered_at - j.at) * 3600
        + extract(MINUTE FROM j.recovered_at - j.at) * 60
        + extract(SECOND FROM j.recovered_at - j.at) AS BIGINT
    ) AS recovered_seconds,
    j.detail AS error
FROM judged AS j
LEFT JOIN transactions AS t ON t.attempt_id = j.attempt_id
