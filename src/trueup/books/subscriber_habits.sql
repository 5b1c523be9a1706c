-- How often a subscriber has transactions, and how much the balance moves: one row per subscriber
-- and currency with a transaction in the window.
--
-- activity, by the mean distance of the days (UTC) that have a transaction: daily up to 1.5 days
--     (five deliveries a week make 1.4), weekly up to 10, monthly up to 45, else rare; a single
--     day is rare.
-- stability, by the spread of the known subscription balances: the distance of their quartiles
--     in percent of their mean size. Stable up to 25, moving up to 100 (what a balance that is
--     used up evenly comes to), else volatile; fewer than five are too few. Quartiles, so that
--     one strange balance decides nothing; values that occur, so that the sums stay exact.
CREATE OR REPLACE TEMP TABLE subscriber_habits AS
WITH counted AS (
    SELECT
        t.subscriber_id,
        t.currency,
        count(DISTINCT CAST(t.at AS DATE)) AS active_days,
        max(CAST(t.at AS DATE)) - min(CAST(t.at AS DATE)) AS days_between,
        count(t.subscription_after) AS balances,
        sum(abs(t.subscription_after)) AS balance_sizes,
        quantile_disc(t.subscription_after, 0.25) AS lower_quartile,
        quantile_disc(t.subscription_after, 0.75) AS upper_quartile
    FROM transactions AS t
    WHERE {in_window} AND t.subscriber_id IS NOT NULL AND t.currency IS NOT NULL
    GROUP BY t.subscriber_id, t.currency
),
measured AS (
    SELECT
        c.*,
        CASE
            WHEN c.balances < 5 THEN NULL
            WHEN c.balance_sizes = 0 THEN 0
            ELSE CAST(
                round(
                    100 * CAST(c.upper_quartile - c.lower_quartile AS DOUBLE)
                    * c.balances / CAST(c.balance_sizes AS DOUBLE)
                ) AS BIGINT
            )
        END AS balance_spread
    FROM counted AS c
)
SELECT
    m.subscriber_id,
    m.currency,
    m.active_days,
    CASE
        WHEN m.active_days = 1 THEN 'rare'
        WHEN m.days_between * 2 <= (m.active_days - 1) * 3 THEN 'daily'
        WHEN m.days_between <= (m.active_days - 1) * 10 THEN 'weekly'
        WHEN m.days_between <= (m.active_days - 1) * 45 THEN 'monthly'
        ELSE 'rare'
    END AS activity,
    m.balance_spread,
    CASE
        WHEN m.balance_spread IS NULL THEN 'too_few'
        WHEN m.balance_spread <= 25 THEN 'stable'
        WHEN m.balance_spread <= 100 THEN 'moving'
        ELSE 'volatile'
    END AS stability
FROM measured AS m
