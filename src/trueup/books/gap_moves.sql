-- One row per step of the gap between a subscriber's two balances, over the transactions that
-- tell it: `move` is what this transaction added to the gap. `episode` counts the subscriber's
-- gaps: 1 for the first that opened. A step within one minor unit is a `drift`: too small for a
-- finding of its own, but a part of the sum.
CREATE OR REPLACE TABLE gap_moves AS
WITH known AS (
    SELECT
        t.*,
        coalesce(lag(t.gap) OVER w, 0) AS gap_before
    FROM transactions AS t
    WHERE t.gap IS NOT NULL AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    WINDOW w AS (PARTITION BY t.subscriber_id, t.currency ORDER BY t.position)
)
SELECT
    k.subscriber_id,
    k.currency,
    k.position,
    k.at,
    CASE
        WHEN k.gap_before = 0 THEN 'opened'
        WHEN k.gap = 0 THEN 'closed'
        WHEN abs(k.gap - k.gap_before) > k.minor_unit THEN 'moved'
        ELSE 'drift'
    END AS cause,
    sum(CASE WHEN k.gap_before = 0 THEN 1 ELSE 0 END) OVER (
        PARTITION BY k.subscriber_id, k.currency ORDER BY k.position
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS episode,
    k.gap_before,
    k.gap,
    k.gap - k.gap_before AS move,
    k.transaction_id,
    k.attempt_id,
    k.request_id,
    k.outcome,
    k.action,
    k.type,
    k.amount,
    k.file_id,
    k.first_line,
    k.last_line
FROM known AS k
WHERE k.gap <> k.gap_before
