-- One row per step of the gap between a subscriber's two balances, over the transactions that
-- tell it: `move` is what this transaction added to the gap. `episode` counts the subscriber's
-- gaps: 1 for the first that opened. `is_first`: no transaction of the subscriber before this one
-- tells both balances, so that the gap may be older than the logs. A step within one minor unit is a `drift`: too small for a
-- finding of its own, but a part of the sum.
CREATE OR REPLACE TABLE gap_moves AS
WITH known AS (
    SELECT
        t.attempt_id,
        t.subscriber_id,
        t.currency,
        t.position,
        t.gap,
        coalesce(lag(t.gap) OVER w, 0) AS gap_before,
        lag(t.gap) OVER w IS NULL AS is_first
    FROM transactions AS t
    WHERE t.gap IS NOT NULL AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    WINDOW w AS (PARTITION BY t.subscriber_id, t.currency ORDER BY t.position)
),
moves AS (
    SELECT
        k.attempt_id,
        k.gap_before,
        k.is_first,
        sum(CASE WHEN k.gap_before = 0 THEN 1 ELSE 0 END) OVER (
            PARTITION BY k.subscriber_id, k.currency ORDER BY k.position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS episode
    FROM known AS k
    WHERE k.gap <> k.gap_before
)
SELECT
    t.subscriber_id,
    t.currency,
    t.position,
    t.at,
    CASE
        WHEN m.gap_before = 0 THEN 'opened'
        WHEN t.gap = 0 THEN 'closed'
        WHEN abs(t.gap - m.gap_before) > t.minor_unit THEN 'moved'
        ELSE 'drift'
    END AS cause,
    CAST(m.episode AS BIGINT) AS episode,
    m.gap_before,
    m.is_first,
    t.gap,
    t.gap - m.gap_before AS move,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.outcome,
    t.action,
    t.type,
    t.amount,
    t.file_id,
    t.first_line,
    t.last_line
FROM moves AS m
INNER JOIN transactions AS t ON t.attempt_id = m.attempt_id
