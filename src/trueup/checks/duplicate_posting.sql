-- id: duplicate_posting
-- title: Postings that are repeated
-- severity: certain high, likely medium, redelivered info
-- sums: no second change: 0 (redelivered: none); change of the balance; size of the change if it was applied, else 0
-- question: Which transactions post again what was posted before?
-- why: The same entry of the wallet posted twice charges or credits the subscriber twice. The queue may also deliver one message again, which posts nothing twice.
-- do: Certain: reverse the repeat. Likely: compare the two in the wallet, and reverse the repeat if it is one. Redelivered: nothing.
-- advice certain: Accounting: reverse the second posting of the same wallet entry.
-- advice likely: Accounting: compare each posting with the one before it in the wallet, and reverse it if it is a repeat.
-- explain certain: Transaction {transaction_id} of {subscriber_id} posts again what transaction {first_transaction_id} of {first_at} posted: {repeated}. The balance changed by {logged} once more ({outcome}).
-- explain likely: Transaction {transaction_id} of {subscriber_id} has the action, delivery and amount of transaction {first_transaction_id}, which came shortly before it, at {first_at}. The balance changed by {logged} once more ({outcome}).
-- explain redelivered: Transaction {transaction_id} of {subscriber_id} was logged again when its message was delivered again (first at {first_at}, then {outcome}); it was not posted twice.
WITH repeated_ids AS (
    SELECT t.transaction_id
    FROM transactions AS t
    WHERE t.transaction_id IS NOT NULL
    GROUP BY t.transaction_id
    HAVING count(*) > 1
),
repeated_entries AS (
    SELECT t.wallet_entry
    FROM transactions AS t
    WHERE t.wallet_entry IS NOT NULL
    GROUP BY t.wallet_entry
    HAVING count(*) > 1
),
repeated_deliveries AS (
    SELECT t.delivery_id
    FROM transactions AS t
    WHERE t.delivery_id IS NOT NULL
    GROUP BY t.delivery_id
    HAVING count(*) > 1
),
-- All but a few transactions share nothing with another one: only the rest is put in order.
repeated AS (
    SELECT t.attempt_id
    FROM transactions AS t
    INNER JOIN repeated_ids AS r ON r.transaction_id = t.transaction_id
    UNION
    SELECT t.attempt_id
    FROM transactions AS t
    INNER JOIN repeated_entries AS r ON r.wallet_entry = t.wallet_entry
    UNION
    SELECT t.attempt_id
    FROM transactions AS t
    INNER JOIN repeated_deliveries AS r ON r.delivery_id = t.delivery_id
),
pairs AS (
    SELECT
        t.*,
        lag(t.attempt_id) OVER same_id AS id_attempt,
        lag(t.message_id) OVER same_id AS id_message,
        lag(t.outcome) OVER same_id AS id_outcome,
        lag(t.old_balance) OVER same_id AS id_old_balance,
        CASE WHEN t.wallet_entry IS NOT NULL THEN lag(t.attempt_id) OVER same_entry END
            AS entry_attempt,
        CASE
            WHEN t.action IS NOT NULL AND t.delivery_id IS NOT NULL AND t.amount IS NOT NULL
                THEN lag(t.attempt_id) OVER same_delivery
        END AS delivery_attempt,
        lag(t.at) OVER same_delivery AS delivery_at
    FROM transactions AS t
    INNER JOIN repeated AS r ON r.attempt_id = t.attempt_id
    WHERE t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    WINDOW
        same_id AS (
            PARTITION BY t.subscriber_id, t.currency, t.transaction_id ORDER BY t.position
        ),
        same_entry AS (
            PARTITION BY t.subscriber_id, t.currency, t.wallet_entry ORDER BY t.position
        ),
        same_delivery AS (
            PARTITION BY
                t.subscriber_id, t.currency, t.type, t.action, t.delivery_id, t.amount
            ORDER BY t.position
        )
),
judged AS (
    SELECT
        p.*,
        CASE
            WHEN
                p.transaction_id IS NOT NULL AND p.id_attempt IS NOT NULL
                AND coalesce(p.id_message = p.message_id, TRUE)
                AND NOT coalesce(
                    p.id_outcome = 'applied' AND p.outcome = 'applied'
                    AND abs(p.old_balance - p.id_old_balance) > p.minor_unit,
                    FALSE
                )
                THEN 'redelivered'
            WHEN p.transaction_id IS NOT NULL AND p.id_attempt IS NOT NULL THEN 'certain'
            WHEN p.entry_attempt IS NOT NULL THEN 'certain'
            WHEN
                p.delivery_attempt IS NOT NULL
                AND p.at - p.delivery_at <= m.duplicate_minutes * INTERVAL '1' MINUTE
                THEN 'likely'
        END AS cause
    FROM pairs AS p
    CROSS JOIN limits AS m
),
named AS (
    SELECT
        j.*,
        CASE
            WHEN j.cause = 'likely' THEN j.delivery_attempt
            WHEN j.transaction_id IS NOT NULL AND j.id_attempt IS NOT NULL THEN j.id_attempt
            ELSE j.entry_attempt
        END AS first_attempt_id
    FROM judged AS j
    WHERE j.cause IS NOT NULL
)
SELECT
    n.attempt_id AS subject,
    n.subscriber_id,
    n.currency,
    n.at,
    n.cause,
    CASE WHEN n.cause <> 'redelivered' THEN CAST(0 AS DECIMAL(18, 6)) END AS expected,
    CASE WHEN n.cause <> 'redelivered' THEN n.delta END AS logged,
    CASE WHEN n.cause <> 'redelivered' THEN n.delta END AS difference,
    CASE WHEN n.cause <> 'redelivered' AND n.outcome = 'applied' THEN abs(n.delta) ELSE 0 END
        AS amount_at_risk,
    n.transaction_id,
    n.attempt_id,
    n.request_id,
    n.file_id,
    n.first_line,
    n.last_line,
    f.transaction_id AS first_transaction_id,
    f.attempt_id AS first_attempt_id,
    f.at AS first_at,
    CASE
        WHEN n.cause = 'certain' AND n.wallet_entry = f.wallet_entry
            THEN concat('wallet entry ', n.wallet_entry)
        WHEN n.cause = 'certain' THEN 'the same transaction'
    END AS repeated,
    n.outcome,
    n.action
FROM named AS n
LEFT JOIN transactions AS f ON f.attempt_id = n.first_attempt_id
