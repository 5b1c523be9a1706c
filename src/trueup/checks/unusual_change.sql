-- id: unusual_change
-- title: Changes out of line with the subscriber's others
-- severity: medium
-- sums: usual change; change of the balance; 0 (it may well be right)
-- question: Which changes of a balance are out of line with what is usual for the subscriber?
-- why: A wrong digit, a wrong currency or somebody's generous hand gives a change that adds up and is still wrong; only the subscriber's own history shows it.
-- do: Look at who made the posting, and by which action; many will be right.
-- advice: Accounting: look at the largest of these changes and at who made them; many will be right.
-- explain: Transaction {transaction_id} of {subscriber_id} changed the balance by {logged} [({action})]; usual is {expected}[, give or take {allowed}]. [{basis}]
SELECT
    t.attempt_id AS subject,
    t.subscriber_id,
    t.currency,
    t.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    CAST(s.usual AS DECIMAL(18, 6)) AS expected,
    t.delta AS logged,
    t.delta - CAST(s.usual AS DECIMAL(18, 6)) AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    CAST(s.allowed AS DECIMAL(18, 2)) AS allowed,
    s.score,
    s.basis,
    t.type,
    t.amount,
    t.outcome,
    t.action
FROM unusual_changes AS s
INNER JOIN transactions AS t ON t.attempt_id = s.attempt_id
