-- id: payment_overdraft
-- title: Overdrafts of the payment balance
-- severity: open high, over low
-- lasts: yes
-- sums: 0 or more; lowest payment balance of the episode; open: what was below zero when last seen, over: 0
-- question: Whose payment balance was below zero, from when to when, and how deep?
-- why: The wallet paid for more than it held. While it is below zero, that is money to collect; each finding is one episode, however many transactions fell into it.
-- do: Open: collect the amount, or correct the wallet if it should not have been charged. Over: nothing, unless it happens again.
-- advice open: Accounting: collect what is below zero, or correct the wallets that should not have been charged.
-- explain open: The payment balance of {subscriber_id} has been below zero since {at}: lowest {logged}, last seen at {last_balance} on {last_at} (transactions: {transactions}).
-- explain over: The payment balance of {subscriber_id} was below zero from {at} to {last_at}: lowest {logged} (transactions: {transactions}).
WITH known AS (
    SELECT
        t.attempt_id,
        t.subscriber_id,
        t.currency,
        t.position,
        t.at,
        t.payment_after,
        coalesce(lag(t.payment_after) OVER w, 0) AS payment_before,
        lead(t.position) OVER w AS next_position
    FROM transactions AS t
    WHERE
        t.payment_after IS NOT NULL
        AND t.subscriber_id IS NOT NULL
        AND t.currency IS NOT NULL
    WINDOW w AS (PARTITION BY t.subscriber_id, t.currency ORDER BY t.position)
),
episodes AS (
    SELECT
        k.*,
        CASE WHEN k.payment_before >= 0 THEN 1 ELSE 0 END AS begins,
        sum(CASE WHEN k.payment_before >= 0 THEN 1 ELSE 0 END) OVER (
            PARTITION BY k.subscriber_id, k.currency ORDER BY k.position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS episode
    FROM known AS k
    WHERE k.payment_after < 0
),
summed AS (
    SELECT
        e.subscriber_id,
        e.currency,
        e.episode,
        min(e.at) AS first_at,
        max(e.at) AS last_at,
        min(e.payment_after) AS lowest,
        count(*) AS transactions,
        max(CASE WHEN e.next_position IS NULL THEN 1 ELSE 0 END) AS is_open,
        max(e.position) AS last_position
    FROM episodes AS e
    GROUP BY e.subscriber_id, e.currency, e.episode
)
SELECT
    f.attempt_id AS subject,
    s.subscriber_id,
    s.currency,
    s.first_at AS at,
    CASE WHEN s.is_open = 1 THEN 'open' ELSE 'over' END AS cause,
    CAST(0 AS DECIMAL(18, 6)) AS expected,
    s.lowest AS logged,
    s.lowest AS difference,
    CASE WHEN s.is_open = 1 THEN -l.payment_after ELSE 0 END AS amount_at_risk,
    t.transaction_id,
    t.attempt_id,
    t.request_id,
    t.file_id,
    t.first_line,
    t.last_line,
    CASE WHEN s.is_open = 1 THEN NULL ELSE s.last_at END AS lasts_until,
    s.last_at,
    l.payment_after AS last_balance,
    s.transactions
FROM summed AS s
INNER JOIN episodes AS f
    ON
        f.subscriber_id = s.subscriber_id
        AND f.currency = s.currency
        AND f.episode = s.episode
        AND f.begins = 1
INNER JOIN episodes AS l
    ON
        l.subscriber_id = s.subscriber_id
        AND l.currency = s.currency
        AND l.position = s.last_position
INNER JOIN transactions AS t ON t.attempt_id = f.attempt_id
