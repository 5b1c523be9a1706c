-- id: gap_change
-- title: Where gaps opened, moved and closed
-- severity: opened info, moved info, closed info
-- sums: gap before; gap after; 0
-- question: At which transactions did the gap between the two balances change?
-- why: The service repeats one gap at every later transaction of the subscriber. These are the few places where it really changed.
-- do: Read them as the history behind out_of_sync.
-- explain opened: Transaction {transaction_id} of {subscriber_id} opened a gap of {logged} between the two balances.
-- explain moved: Transaction {transaction_id} of {subscriber_id} moved the gap from {expected} to {logged}.
-- explain closed: Transaction {transaction_id} of {subscriber_id} closed the gap of {expected}.
WITH known AS (
    SELECT
        t.*,
        coalesce(lag(t.gap) OVER w, 0) AS gap_before
    FROM transactions AS t
    WHERE t.gap IS NOT NULL AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    WINDOW w AS (PARTITION BY t.subscriber_id, t.currency ORDER BY t.position)
)
SELECT
    k.attempt_id AS subject,
    k.subscriber_id,
    k.currency,
    k.at,
    CASE
        WHEN k.gap_before = 0 THEN 'opened'
        WHEN k.gap = 0 THEN 'closed'
        ELSE 'moved'
    END AS cause,
    k.gap_before AS expected,
    k.gap AS logged,
    k.gap - k.gap_before AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    k.transaction_id,
    k.attempt_id,
    k.request_id,
    k.file_id,
    k.first_line,
    k.last_line,
    k.outcome,
    k.action
FROM known AS k
WHERE
    k.gap <> k.gap_before
    AND (k.gap = 0 OR k.gap_before = 0 OR abs(k.gap - k.gap_before) > k.minor_unit)
