-- The report's row per subscriber and currency: totals, balances, habits, errors and the risk.
--
-- risk_score, 0 to 100, is the sum of its parts. Money and overdrafts count by open findings: what
-- was accepted, or would be found by a check that is switched off, adds nothing.
-- risk_gap, 0 to 40: the open gap, full where it is half of all that the subscriber's transactions
--     moved up to the window's end, in proportion below that; 1 at least.
-- risk_overdraft: 25 if one of the balances is below zero at the end; 15 if one was, or may have
--     been; 5 if the service only had to refuse it.
-- risk_errors, 0 to 20: the share of the window's transactions that failed or had a sync error;
--     1 at least.
-- risk_findings: 5 for each finding of severity high that the parts before do not count, 15 at most.
CREATE OR REPLACE TABLE subscribers AS
WITH found AS (
    SELECT
        f.subscriber_id,
        f.currency,
        max(CASE WHEN f."check" = 'out_of_sync' THEN f.amount_at_risk END) AS open_gap,
        max(
            CASE
                WHEN f."check" = 'payment_overdraft' AND f.cause = 'open' THEN 25
                WHEN f."check" = 'overdraft' AND f.cause = 'posted' AND b.closing_balance < 0
                    THEN 25
                WHEN f."check" = 'payment_overdraft' THEN 15
                WHEN f."check" = 'overdraft' AND f.cause IN ('posted', 'unknown') THEN 15
                WHEN f."check" IN ('overdraft', 'blocked_overdraft') THEN 5
                ELSE 0
            END
        ) AS risk_overdraft,
        sum(
            CASE
                WHEN f."check" IN ('out_of_sync', 'payment_overdraft', 'overdraft') THEN 0
                WHEN f."check" = 'blocked_overdraft' THEN 0
                WHEN f.severity = 'high' THEN 1
                ELSE 0
            END
        ) AS high_findings
    FROM open_findings AS f
    INNER JOIN subscriber_balances AS b
        ON b.subscriber_id = f.subscriber_id AND b.currency = f.currency
    GROUP BY f.subscriber_id, f.currency
),
parts AS (
    SELECT
        b.subscriber_id,
        b.currency,
        CASE
            WHEN f.open_gap IS NULL THEN 0
            WHEN f.open_gap * 2 >= b.moved THEN 40
            ELSE greatest(
                1, CAST(round(80 * CAST(f.open_gap AS DOUBLE) / CAST(b.moved AS DOUBLE)) AS INTEGER)
            )
        END AS risk_gap,
        coalesce(f.risk_overdraft, 0) AS risk_overdraft,
        CASE
            WHEN coalesce(e.errors, 0) = 0 THEN 0
            ELSE greatest(1, CAST(round(20 * e.errors / b.transactions) AS INTEGER))
        END AS risk_errors,
        CAST(least(15, 5 * coalesce(f.high_findings, 0)) AS INTEGER) AS risk_findings
    FROM subscriber_balances AS b
    LEFT JOIN subscriber_errors AS e
        ON e.subscriber_id = b.subscriber_id AND e.currency = b.currency
    LEFT JOIN found AS f
        ON f.subscriber_id = b.subscriber_id AND f.currency = b.currency
)
SELECT
    b.* EXCLUDE (moved),
    coalesce(h.active_days, 0) AS active_days,
    coalesce(h.activity, 'none') AS activity,
    h.balance_spread,
    coalesce(h.stability, 'too_few') AS stability,
    coalesce(e.sync_errors, 0) AS sync_errors,
    e.first_error_at,
    e.first_error_cause,
    e.first_error_action,
    e.last_error_at,
    e.last_error_cause,
    e.last_error_action,
    coalesce(e.loss_credits, 0) AS loss_credits,
    coalesce(e.loss_debits, 0) AS loss_debits,
    p.risk_gap + p.risk_overdraft + p.risk_errors + p.risk_findings AS risk_score,
    p.risk_gap,
    p.risk_overdraft,
    p.risk_errors,
    p.risk_findings
FROM subscriber_balances AS b
INNER JOIN parts AS p ON p.subscriber_id = b.subscriber_id AND p.currency = b.currency
LEFT JOIN subscriber_habits AS h ON h.subscriber_id = b.subscriber_id AND h.currency = b.currency
LEFT JOIN subscriber_errors AS e ON e.subscriber_id = b.subscriber_id AND e.currency = b.currency
