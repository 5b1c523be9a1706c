-- id: out_of_sync
-- title: Subscribers whose two balances differ
-- severity: high
-- lasts: yes
-- history: yes
-- sums: payment balance after; subscription balance after; size of the gap
-- question: For whom do the two balances differ at the end, by how much, since when and through which transactions?
-- why: One of the two balances is wrong: the subscriber can spend money that is not there, or cannot spend money that is.
-- do: Settle which balance is right, starting with the transaction that opened the gap, and correct the other.
-- advice: Accounting: settle which of the two balances is right, starting with the transaction that opened each gap, and correct the other.
-- explain: The subscription balance of {subscriber_id} is {logged} and the payment balance {expected}: a gap of {difference}, open since transaction {transaction_id} ({opened_by}) of {at} (moves since: {changes}; last seen {last_at}). [{note}]
WITH ends AS (
    SELECT
        t.subscriber_id,
        max(t.position) AS position
    FROM transactions AS t
    WHERE t.gap IS NOT NULL AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
),
episodes AS (
    SELECT
        g.*,
        max(g.episode) OVER (PARTITION BY g.subscriber_id, g.currency) AS last_episode
    FROM gap_moves AS g
),
last_episodes AS (
    SELECT
        e.subscriber_id,
        e.currency,
        sum(CASE WHEN e.cause = 'moved' THEN 1 ELSE 0 END) AS changes
    FROM episodes AS e
    WHERE e.episode = e.last_episode
    GROUP BY e.subscriber_id, e.currency
)
SELECT
    concat(e.subscriber_id, '/', e.currency) AS subject,
    e.subscriber_id,
    e.currency,
    o.at,
    CAST(NULL AS VARCHAR(20)) AS cause,
    e.payment_after AS expected,
    e.subscription_after AS logged,
    e.gap AS difference,
    abs(e.gap) AS amount_at_risk,
    o.transaction_id,
    o.attempt_id,
    o.request_id,
    o.file_id,
    o.first_line,
    o.last_line,
    CAST(NULL AS TIMESTAMP) AS lasts_until,
    o.outcome AS opened_by,
    o.action,
    o.gap AS gap_when_opened,
    CAST(c.changes AS BIGINT) AS changes,
    e.at AS last_at,
    e.transaction_id AS last_transaction_id,
    CASE
        WHEN o.is_first
            THEN 'No transaction before it tells both balances: the gap may be older.'
    END AS note
FROM ends AS l
INNER JOIN transactions AS e
    ON e.subscriber_id = l.subscriber_id AND e.position = l.position AND e.gap <> 0
INNER JOIN last_episodes AS c
    ON c.subscriber_id = e.subscriber_id AND c.currency = e.currency
INNER JOIN episodes AS o
    ON
        o.subscriber_id = e.subscriber_id
        AND o.currency = e.currency
        AND o.episode = o.last_episode
        AND o.cause = 'opened'
