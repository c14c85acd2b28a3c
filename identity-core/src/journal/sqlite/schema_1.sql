-- What library 0.1 laid out. Its journals are opened and continued as they are: they know one action
-- with a setting, the new password.
--
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
                    CASE json_extract(body, '$.action.set_password.must_change')
                        WHEN 1 THEN 'set_password_must_change'
                        ELSE 'set_password'
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
