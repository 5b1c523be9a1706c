-- id: mismatch
-- title: Arithmetic that does not hold
-- severity: high
-- sums: change that type, amount and VAT say; change of the balance; size of the difference
-- question: Where is newBalance - oldBalance not what type, amount and VAT say?
-- why: A CREDIT raises the balance by amount - VAT and a DEBIT lowers it by as much. Where it does not, somebody was given or charged another sum than the transaction states.
-- do: Find out which of the figures is right, and correct the balance by the difference.
-- advice: Accounting: find out which of the figures is right, and correct each balance by the difference.
-- explain: Transaction {transaction_id} of {subscriber_id} is a {type} of {amount} with VAT of {vat}, which changes a balance by {expected}; the balance changed by {logged}, {difference} away from that.
SELECT
    t.attempt_id AS subject,
    t.subscriber_id,
    t.currency,
    t.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    t.expected_delta AS expected,
    t.delta AS logged,
    t.delta - t.expected_delta AS difference,
    abs(t.delta - t.expected_delta) AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    t.type,
    t.amount,
    t.vat,
    t.old_balance,
    t.new_balance,
    t.action
FROM transactions AS t
WHERE abs(t.delta - t.expected_delta) > t.minor_unit
