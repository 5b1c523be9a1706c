-- The sync errors of a subscriber's transactions in the window: how many, the first and the last
-- with their causes, and the loss as older reports counted it. One row per subscriber and currency
-- with a transaction in the window.
--
-- cause: false_alarm if the balances agree after the transaction, unknown if the logs do not tell.
--     Else what opened the gap of that moment, which can lie before the window: opened_by_ and the
--     outcome of its transaction; open_from_start if the first transaction that tells a gap has it
--     already, since then it may be older than the logs.
-- loss: what each error says the balances are apart, added up by the transaction's type. It counts
--     one gap again at every error; the exposure is the gap at the end.
CREATE OR REPLACE TEMP TABLE subscriber_errors AS
WITH counted AS (
    SELECT
        t.subscriber_id,
        t.currency,
        count(*) FILTER (WHERE t.has_sync_error) AS sync_errors,
        count(*) FILTER (WHERE t.has_sync_error OR t.outcome = 'failed') AS errors,
        min(t.position) FILTER (WHERE t.has_sync_error) AS first_position,
        max(t.position) FILTER (WHERE t.has_sync_error) AS last_position,
        sum(abs(t.error_subscription_balance - t.error_payment_balance))
            FILTER (WHERE t.type = 'CREDIT') AS loss_credits,
        sum(abs(t.error_subscription_balance - t.error_payment_balance))
            FILTER (WHERE t.type = 'DEBIT') AS loss_debits
    FROM transactions AS t
    WHERE {in_window} AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
),
openings AS (
    SELECT
        g.*,
        CASE
            WHEN g.is_first THEN 'open_from_start'
            ELSE concat('opened_by_', g.outcome)
        END AS opened_by,
        CASE WHEN NOT g.is_first THEN g.action END AS opening_action,
        lead(g.position) OVER (
            PARTITION BY g.subscriber_id, g.currency ORDER BY g.position
        ) AS next_position
    FROM gap_moves AS g
    WHERE g.cause = 'opened'
),
explained AS (
    SELECT
        t.subscriber_id,
        t.currency,
        t.position,
        t.at,
        CASE
            WHEN t.gap = 0 THEN 'false_alarm'
            WHEN t.gap IS NULL THEN 'unknown'
            ELSE o.opened_by
        END AS cause,
        CASE WHEN t.gap <> 0 THEN o.opening_action END AS action
    FROM transactions AS t
    INNER JOIN counted AS c
        ON
            c.subscriber_id = t.subscriber_id
            AND c.currency = t.currency
            AND t.position IN (c.first_position, c.last_position)
    LEFT JOIN openings AS o
        ON
            o.subscriber_id = t.subscriber_id
            AND o.currency = t.currency
            AND o.position <= t.position
            AND (o.next_position > t.position OR o.next_position IS NULL)
)
SELECT
    c.subscriber_id,
    c.currency,
    c.sync_errors,
    c.errors,
    f.at AS first_error_at,
    f.cause AS first_error_cause,
    f.action AS first_error_action,
    l.at AS last_error_at,
    l.cause AS last_error_cause,
    l.action AS last_error_action,
    coalesce(c.loss_credits, 0) AS loss_credits,
    coalesce(c.loss_debits, 0) AS loss_debits
FROM counted AS c
LEFT JOIN explained AS f
    ON
        f.subscriber_id = c.subscriber_id
        AND f.currency = c.currency
        AND f.position = c.first_position
LEFT JOIN explained AS l
    ON
        l.subscriber_id = c.subscriber_id
        AND l.currency = c.currency
        AND l.position = c.last_position
