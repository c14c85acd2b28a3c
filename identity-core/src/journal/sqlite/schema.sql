-- Opening compares a journal's schema with this text: another text is another SCHEMA_VERSION.
--
-- The columns after `body` are computed from it when they are read: they cannot disagree with
-- what the hash covers.
CREATE TABLE records (
    number  INTEGER PRIMARY KEY CHECK (number > 0),
    at      TEXT NOT NULL,
    body    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    event   TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(body) THEN json_extract(body, '$.event') END) VIRTUAL,
    entry   INTEGER GENERATED ALWAYS AS (CASE WHEN json_valid(body) THEN json_extract(body, '$.entry') END) VIRTUAL,
    attempt INTEGER GENERATED ALWAYS AS (CASE WHEN json_valid(body) THEN json_extract(body, '$.attempt') END) VIRTUAL,
    action  TEXT GENERATED ALWAYS AS (
        CASE WHEN json_valid(body) THEN
            CASE json_type(body, '$.action')
                WHEN 'text' THEN json_extract(body, '$.action')
                WHEN 'object' THEN
                    CASE
                        WHEN json_extract(body, '$.action.set_password.must_change') = 1 THEN 'set_password_must_change'
                        WHEN json_extract(body, '$.action.set_password.must_change') = 0 THEN 'set_password'
                        WHEN json_extract(body, '$.action.reset_to_recovery.mail') = 1 THEN 'reset_to_recovery_by_mail'
                        WHEN json_extract(body, '$.action.reset_to_recovery.mail') = 0 THEN 'reset_to_recovery'
                    END
            END
        END
    ) VIRTUAL
);

CREATE INDEX records_by_entry ON records (entry) WHERE entry IS NOT NULL;

-- One row per entry and action: how it stands after its newest record.
CREATE VIEW standing AS
SELECT
    entry,
    action,
    CASE event
        WHEN 'done' THEN 'done'
        WHEN 'failed' THEN 'failed'
        WHEN 'attempt_failed' THEN 'to be tried again'
        ELSE 'open: sent, no answer recorded'
    END AS standing,
    max(number) AS newest_record,
    at,
    attempt,
    json_extract(body, '$.error.text') AS error,
    json_extract(body, '$.error.advice') AS advice
FROM records
WHERE action IS NOT NULL
GROUP BY entry, action;
