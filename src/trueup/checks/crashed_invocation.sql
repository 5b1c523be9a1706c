-- id: crashed_invocation
-- title: Crashes of the service
-- severity: run medium, init medium
-- lasts: yes
-- sums: none; none; 0
-- question: With which errors did the service crash, when first, when last and how often?
-- why: A crash in a run leaves its messages undone until they come again; a crash at the start of a sandbox means that a deployment does not work. A day of crashes is a day on which balances fall behind.
-- do: Give the error to the engineers; compare its first time with the deployments of that day.
-- advice: Engineering: mend the error of these crashes; compare their first time with the deployments of that day.
-- explain run: The service crashed {crashes} times during a run, from {at} to {last_at}, with: {error}
-- explain init: The service crashed {crashes} times at its start, from {at} to {last_at}, with: {error}
WITH crashes AS (
    SELECT
        'run' AS cause,
        coalesce(i.started_at, i.ended_at) AS at,
        coalesce(i.error, '') AS error,
        i.request_id,
        i.file_id,
        i.line
    FROM invocations AS i
    WHERE i.status = 'crashed'
    UNION ALL
    SELECT
        'init' AS cause,
        c.at,
        coalesce(c.error, '') AS error,
        CAST(NULL AS VARCHAR(20)) AS request_id,
        c.file_id,
        c.line
    FROM crashes_at_init AS c
),
numbered AS (
    SELECT
        c.*,
        row_number() OVER (
            PARTITION BY c.cause, c.error ORDER BY c.at NULLS LAST, c.file_id, c.line
        ) AS number,
        count(*) OVER (PARTITION BY c.cause, c.error) AS crashes,
        max(c.at) OVER (PARTITION BY c.cause, c.error) AS last_at
    FROM crashes AS c
)
SELECT
    concat(n.cause, '/', n.error) AS subject,
    CAST(NULL AS VARCHAR(20)) AS subscriber_id,
    CAST(NULL AS VARCHAR(20)) AS currency,
    n.at,
    n.cause,
    CAST(NULL AS DECIMAL(18, 6)) AS expected,
    CAST(NULL AS DECIMAL(18, 6)) AS logged,
    CAST(NULL AS DECIMAL(18, 6)) AS difference,
    CAST(0 AS DECIMAL(18, 6)) AS amount_at_risk,
    CAST(NULL AS VARCHAR(20)) AS transaction_id,
    CAST(NULL AS VARCHAR(20)) AS attempt_id,
    n.request_id,
    n.file_id,
    n.line AS first_line,
    n.line AS last_line,
    n.last_at AS lasts_until,
    n.error,
    n.crashes,
    n.last_at
FROM numbered AS n
WHERE n.number = 1
