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
SELECT
    g.attempt_id AS subject,
    g.subscriber_id,
    g.currency,
    g.at,
    g.cause,
    g.gap_before AS expected,
    g.gap AS logged,
    g.move AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    g.transaction_id,
    g.attempt_id,
    g.request_id,
    g.file_id,
    g.first_line,
    g.last_line,
    g.outcome,
    g.action
FROM gap_moves AS g
WHERE g.cause <> 'drift'
