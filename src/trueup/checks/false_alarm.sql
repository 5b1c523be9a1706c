-- id: false_alarm
-- title: Sync errors where the balances agree
-- severity: info
-- sums: payment balance after; subscription balance after; 0
-- question: Which transactions had a sync error logged although their two balances agree afterwards?
-- why: They cost attention and hide the real ones.
-- do: Nothing for the money; the service's comparison is worth a look.
-- explain: A sync error was logged for transaction {transaction_id} of {subscriber_id}, yet its balances agree: subscription {logged}, payment {expected}.
SELECT
    t.attempt_id AS subject,
    t.subscriber_id,
    t.currency,
    t.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    t.payment_after AS expected,
    t.subscription_after AS logged,
    t.subscription_after - t.payment_after AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    t.outcome,
    t.action
FROM transactions AS t
WHERE t.gap = 0 AND t.has_sync_error
