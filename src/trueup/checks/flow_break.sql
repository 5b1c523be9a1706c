-- id: flow_break
-- title: Balances that do not carry over
-- severity: stale_read high, unseen_change high, reset_to_payment medium, not_applied info
-- sums: newBalance of the transaction before; oldBalance of this one; size of the difference, not_applied: 0
-- question: Where does a transaction not start from the balance that the one before it ended on?
-- why: Between two transactions of a subscriber the balance should rest. Where it moved, a change was lost (stale_read), the balance was overwritten with the wallet's (reset_to_payment), or it changed without any message in the logs (unseen_change). Where the transaction before was not carried out (not_applied) nothing was lost.
-- do: Lost update: post it again. Reset: check that the wallet was right. Unseen change: ask who changed the balance, and by which way.
-- advice stale_read: Engineering: find out why these updates were lost. Accounting: post them again.
-- advice unseen_change: Accounting: ask who changed these balances, and by which way: no transaction in the logs did. Where days without logs lie in between, get these logs first.
-- advice reset_to_payment: Accounting: check that the wallet's balance was right where it replaced the subscription balance.
-- explain stale_read: Transaction {transaction_id} of {subscriber_id} starts from {logged}, the balance before transaction {previous_transaction_id}, although that one was applied and left {expected}: the update of {previous_change} was lost.
-- explain unseen_change: Transaction {transaction_id} of {subscriber_id} starts from {logged}, but the newBalance of transaction {previous_transaction_id} before it ({previous_outcome}) is {expected}: the balance moved by {difference}, and no transaction that was applied in between says why. [{hint}] [{silence}]
-- explain reset_to_payment: Transaction {transaction_id} of {subscriber_id} starts from {logged}, which is the payment balance; transaction {previous_transaction_id} before it left {expected}: the balance was reset by {difference}.
-- explain not_applied: Transaction {transaction_id} of {subscriber_id} starts from {logged}: transaction {previous_transaction_id} before it, which would have left {expected}, was not applied ({previous_outcome}).
WITH breaks AS (
    SELECT
        n.attempt_id,
        n.subscriber_id,
        n.currency,
        n.at,
        n.old_balance,
        n.transaction_id,
        n.request_id,
        n.file_id,
        n.first_line,
        n.last_line,
        p.attempt_id AS previous_attempt_id,
        p.transaction_id AS previous_transaction_id,
        p.at AS previous_at,
        p.outcome AS previous_outcome,
        p.new_balance AS previous_new_balance,
        p.delta AS previous_change,
        CASE
            WHEN
                p.outcome <> 'applied' AND abs(n.old_balance - p.old_balance) <= p.minor_unit
                THEN 'not_applied'
            WHEN abs(n.old_balance - p.old_balance) <= p.minor_unit THEN 'stale_read'
            WHEN abs(n.old_balance - p.payment_balance) <= p.minor_unit THEN 'reset_to_payment'
            ELSE 'unseen_change'
        END AS cause
    FROM transactions AS p
    INNER JOIN transactions AS n ON n.attempt_id = p.next_attempt_id
    WHERE abs(p.next_old_balance - p.new_balance) > p.minor_unit
),
unseen AS (
    SELECT b.*
    FROM breaks AS b
    WHERE b.cause = 'unseen_change'
),
owners AS (
    -- Whose message it is: the message says so, or a transaction of it in another delivery.
    SELECT DISTINCT
        m.attempt_id,
        coalesce(m.subscriber_id, t.subscriber_id) AS subscriber_id
    FROM messages AS m
    LEFT JOIN transactions AS t ON t.message_id = m.message_id
    WHERE m.outcome IN ('failed', 'blocked')
),
stopped AS (
    SELECT
        u.attempt_id,
        m.message_id,
        m.outcome,
        row_number() OVER (
            PARTITION BY u.attempt_id ORDER BY m.at DESC, m.attempt_id
        ) AS number
    FROM unseen AS u
    INNER JOIN owners AS o ON o.subscriber_id = u.subscriber_id
    INNER JOIN messages AS m ON m.attempt_id = o.attempt_id
    WHERE
        m.at >= u.previous_at AND m.at <= u.at
        AND m.attempt_id <> u.attempt_id AND m.attempt_id <> u.previous_attempt_id
),
-- Skipped messages up to a time, counted by laying them and the times in one row.
marks AS (
    SELECT
        u.previous_at AS at,
        u.attempt_id,
        0 AS skipped
    FROM unseen AS u
    UNION ALL
    SELECT
        u.at,
        u.attempt_id,
        0 AS skipped
    FROM unseen AS u
    UNION ALL
    SELECT
        m.at,
        CAST(NULL AS VARCHAR(60)) AS attempt_id,
        1 AS skipped
    FROM messages AS m
    WHERE m.outcome = 'skipped'
),
counted AS (
    SELECT
        k.attempt_id,
        sum(k.skipped) OVER (
            ORDER BY k.at, k.skipped
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS skipped
    FROM marks AS k
),
skips AS (
    SELECT
        c.attempt_id,
        CAST(max(c.skipped) - min(c.skipped) AS BIGINT) AS skipped_between
    FROM counted AS c
    WHERE c.attempt_id IS NOT NULL
    GROUP BY c.attempt_id
),
days AS (
    -- Days with logs, numbered: what is missing between two of them is a day without.
    SELECT
        d.day,
        row_number() OVER (ORDER BY d.day) AS number
    FROM (
        SELECT CAST(t.at AS DATE) AS day FROM transactions AS t
        UNION
        SELECT CAST(m.at AS DATE) AS day FROM messages AS m
        UNION
        SELECT CAST(i.started_at AS DATE) AS day FROM invocations AS i WHERE i.started_at IS NOT NULL
    ) AS d
),
silences AS (
    SELECT
        u.attempt_id,
        CAST(
            extract(DAY FROM CAST(n.day AS TIMESTAMP) - CAST(p.day AS TIMESTAMP))
            - (n.number - p.number) AS BIGINT
        ) AS days_without_logs
    FROM unseen AS u
    INNER JOIN days AS p ON p.day = CAST(u.previous_at AS DATE)
    INNER JOIN days AS n ON n.day = CAST(u.at AS DATE)
)
SELECT
    b.attempt_id AS subject,
    b.subscriber_id,
    b.currency,
    b.at,
    b.cause,
    b.previous_new_balance AS expected,
    b.old_balance AS logged,
    b.old_balance - b.previous_new_balance AS difference,
    CASE
        WHEN b.cause = 'not_applied' THEN 0
        ELSE abs(b.old_balance - b.previous_new_balance)
    END AS amount_at_risk,
    b.transaction_id,
    b.attempt_id,
    b.request_id,
    b.file_id,
    b.first_line,
    b.last_line,
    b.previous_transaction_id,
    b.previous_attempt_id,
    b.previous_at,
    b.previous_outcome,
    b.previous_change,
    p.message_id AS stopped_message_id,
    p.outcome AS stopped_outcome,
    k.skipped_between,
    CASE
        WHEN p.outcome IS NOT NULL THEN concat(
            'In between, message ', coalesce(p.message_id, '(not named)'),
            ' of the subscriber came to nothing (', p.outcome, ').'
        )
        WHEN k.skipped_between > 0 THEN concat(
            'Skipped messages in between, of whichever subscriber: ',
            CAST(k.skipped_between AS VARCHAR(20)), '.'
        )
    END AS hint,
    s.days_without_logs,
    CASE
        WHEN s.days_without_logs = 1 THEN 'The logs hold nothing of one day in between.'
        WHEN s.days_without_logs > 1 THEN concat(
            'The logs hold nothing of ', CAST(s.days_without_logs AS VARCHAR(20)), ' days in between.'
        )
    END AS silence
FROM breaks AS b
LEFT JOIN stopped AS p ON p.attempt_id = b.attempt_id AND p.number = 1
LEFT JOIN skips AS k ON k.attempt_id = b.attempt_id
LEFT JOIN silences AS s ON s.attempt_id = b.attempt_id
