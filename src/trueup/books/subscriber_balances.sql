-- One row per subscriber and currency with a transaction in the window, or with a gap that is
-- carried into it. {in_window}, {before_end} and {before_start} are conditions on a time.
-- `moved` is all that the logs show of the subscriber's money, whatever its direction: the gap,
-- which is carried into a window, is measured against it and not against the window's part.
CREATE OR REPLACE TEMP TABLE subscriber_balances AS
WITH shown AS (
    SELECT
        t.subscriber_id,
        t.currency,
        count(*) AS transactions,
        coalesce(sum(t.amount) FILTER (WHERE t.type = 'CREDIT'), 0) AS credits,
        coalesce(sum(t.amount) FILTER (WHERE t.type = 'DEBIT'), 0) AS debits,
        min(t.at) AS first_at,
        max(t.at) AS last_at,
        min_by(t.old_balance, t.position) AS first_old_balance,
        min(t.subscription_after) AS lowest_balance,
        max(t.subscription_after) AS highest_balance
    FROM transactions AS t
    WHERE {in_window} AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
),
carried AS (
    SELECT
        t.subscriber_id,
        t.currency,
        max_by(t.subscription_after, t.position)
            FILTER (WHERE t.subscription_after IS NOT NULL AND {before_start}) AS opening_balance,
        max_by(t.subscription_after, t.position)
            FILTER (WHERE t.subscription_after IS NOT NULL) AS closing_balance,
        max_by(t.payment_after, t.position)
            FILTER (WHERE t.payment_after IS NOT NULL) AS payment_balance,
        max_by(t.gap, t.position) FILTER (WHERE t.gap IS NOT NULL) AS gap_at_end,
        coalesce(sum(abs(t.amount)), 0) AS moved
    FROM transactions AS t
    WHERE {before_end} AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
)
SELECT
    c.subscriber_id,
    c.currency,
    coalesce(s.transactions, 0) AS transactions,
    coalesce(s.credits, 0) AS credits,
    coalesce(s.debits, 0) AS debits,
    s.first_at,
    s.last_at,
    coalesce(c.opening_balance, s.first_old_balance) AS opening_balance,
    c.closing_balance,
    s.lowest_balance,
    s.highest_balance,
    c.payment_balance,
    c.gap_at_end,
    c.moved
FROM carried AS c
LEFT JOIN shown AS s ON s.subscriber_id = c.subscriber_id AND s.currency = c.currency
WHERE s.transactions > 0 OR c.gap_at_end <> 0
