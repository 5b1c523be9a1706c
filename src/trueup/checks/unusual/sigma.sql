-- More than three standard deviations from the mean of the subscriber's other changes, of which
-- there are at least five. The judged one is left out: within its own sample nothing exceeds three
-- deviations below n = 11. With n changes, mean m and sum of squares q = n * var_pop, leaving out x
-- gives the mean m - (x - m) / (n - 1) and the sum of squares q - (x - m)^2 * n / (n - 1).
WITH changes AS (
    SELECT
        t.attempt_id,
        t.subscriber_id,
        t.currency,
        CAST(t.delta AS DOUBLE) AS change,
        CAST(c.unusual_floor AS DOUBLE) AS floor
    FROM transactions AS t
    INNER JOIN currencies AS c ON c.currency = t.currency
    WHERE t.subscriber_id IS NOT NULL AND t.delta IS NOT NULL
),
summed AS (
    SELECT
        h.*,
        CAST(count(*) OVER own AS DOUBLE) AS n,
        avg(h.change) OVER own AS mean,
        var_pop(h.change) OVER own AS variance
    FROM changes AS h
    WINDOW own AS (PARTITION BY h.subscriber_id, h.currency)
),
others AS (
    SELECT
        s.attempt_id,
        s.change,
        s.floor,
        s.mean - (s.change - s.mean) / (s.n - 1) AS usual,
        greatest(
            s.n * s.variance - (s.change - s.mean) * (s.change - s.mean) * s.n / (s.n - 1), 0e0
        ) / (s.n - 2) AS variance
    FROM summed AS s
    WHERE s.n >= 6
)
SELECT
    o.attempt_id,
    o.usual,
    3e0 * greatest(sqrt(o.variance), o.floor) AS allowed,
    abs(o.change - o.usual) / (3e0 * greatest(sqrt(o.variance), o.floor)) AS score,
    'That is what all other changes of the subscriber tell.' AS basis
FROM others AS o
WHERE abs(o.change - o.usual) > 3e0 * greatest(sqrt(o.variance), o.floor)
