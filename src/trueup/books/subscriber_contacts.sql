-- One row per subscriber of whom the logs up to the window's end tell a name, an e-mail or a phone:
-- of each the latest, whatever the other two say. Of values logged in the same millisecond it is the
-- one that comes last by its text, so that the way in which files are cut decides nothing.
CREATE OR REPLACE TEMP VIEW subscriber_contacts AS
SELECT
    c.subscriber_id,
    arg_max(c.name, {{'at': c."at", 'value': c.name}}) FILTER (WHERE c.name IS NOT NULL) AS name,
    arg_max(c.email, {{'at': c."at", 'value': c.email}}) FILTER (WHERE c.email IS NOT NULL) AS email,
    arg_max(c.phone, {{'at': c."at", 'value': c.phone}}) FILTER (WHERE c.phone IS NOT NULL) AS phone
FROM contacts AS c
WHERE c.subscriber_id IS NOT NULL AND {before_end}
GROUP BY c.subscriber_id
