//! Plan, journal and log side by side, on disk and not in memory: a private database without a
//! name, that is gone when it is closed.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::AuditEvent;
use crate::durable::blocking;
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "match the audit log";

/// Cheap to clone; clones are the same index. Directories are told apart by their place.
#[derive(Clone)]
pub(super) struct Index(Arc<Mutex<Connection>>);

/// An entry of the plan.
#[derive(Clone, Debug)]
pub(super) struct IndexedEntry {
    pub(super) seq: u64,
    pub(super) place: usize,
    pub(super) account: String,
    pub(super) name: String,
}

/// A request that the journal knows.
#[derive(Clone, Debug)]
pub(super) struct KnownRequest {
    pub(super) entry: u64,
    pub(super) request: Option<String>,
    /// The place of the action in [`Action::ALL`](crate::reset::Action::ALL), where it is done.
    pub(super) done: Option<u32>,
    pub(super) at: Timestamp,
}

/// An event, and the actions that it shows.
#[derive(Clone, Debug)]
pub(super) struct IndexedEvent {
    pub(super) number: i64,
    pub(super) shows: u32,
    pub(super) event: AuditEvent,
}

/// What the log is to have and does not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missing {
    pub(super) count: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

impl Index {
    pub(super) fn open() -> Result<Self> {
        let open = || {
            let connection = Connection::open("")?;
            // It is nobody's memory: what is lost is read again.
            connection.pragma_update(None, "journal_mode", "off")?;
            connection.pragma_update(None, "synchronous", "off")?;
            connection.execute_batch(include_str!("index.sql"))?;
            Ok(connection)
        };
        Ok(Self(Arc::new(Mutex::new(open().map_err(fault)?))))
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.0);
        blocking(ErrorKind::Unexpected, OPERATION, move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(fault)
        })
        .await
    }

    pub(super) async fn add_entries(&self, entries: Vec<IndexedEntry>) -> Result<()> {
        self.with(move |connection| {
            let all = connection.transaction()?;
            {
                let mut insert = all.prepare("INSERT INTO entries VALUES (?1, ?2, ?3, ?4)")?;
                for entry in entries {
                    insert.execute(params![sql(entry.seq), place(entry.place), entry.account, entry.name])?;
                }
            }
            all.commit()
        })
        .await
    }

    /// Adds requests; says for each in which directory it was made, where its entry is indexed.
    pub(super) async fn add_requests(&self, requests: Vec<KnownRequest>) -> Result<Vec<(usize, Timestamp)>> {
        self.with(move |connection| {
            let all = connection.transaction()?;
            let mut moments = Vec::with_capacity(requests.len());
            {
                let mut find = all.prepare("SELECT place FROM entries WHERE seq = ?1")?;
                let mut request = all.prepare("INSERT OR IGNORE INTO requests VALUES (?1, ?2, ?3)")?;
                let mut expect = all.prepare("INSERT OR IGNORE INTO expected VALUES (?1, ?2, ?3, ?4, ?5)")?;
                for known in requests {
                    let entry = sql(known.entry);
                    let Some(place) = find.query_row([entry], |row| row.get::<_, i64>(0)).optional()? else {
                        continue;
                    };
                    if let Some(id) = &known.request {
                        request.execute(params![place, id, entry])?;
                    }
                    if let Some(action) = known.done {
                        expect.execute(params![entry, action, place, known.request, known.at.as_millisecond()])?;
                    }
                    moments.push((usize::try_from(place).unwrap_or_default(), known.at));
                }
            }
            all.commit()?;
            Ok(moments)
        })
        .await
    }

    /// Adds events, each with the actions that it shows. One that is there already is passed over.
    pub(super) async fn add_events(&self, of: usize, events: Vec<(AuditEvent, u32)>) -> Result<()> {
        let mut bodies = Vec::with_capacity(events.len());
        for (event, shows) in events {
            let body = serde_json::to_string(&event).map_err(|error| {
                Error::new(ErrorKind::Unexpected, OPERATION)
                    .with_detail("an event cannot be written")
                    .with_source(error)
            })?;
            bodies.push((event, shows, body));
        }
        self.with(move |connection| {
            let all = connection.transaction()?;
            {
                let mut insert = all.prepare(
                    "INSERT OR IGNORE INTO events (place, id, at, actor, success, shows, body) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?;
                let mut trace = all.prepare("INSERT OR IGNORE INTO traces VALUES (?1, ?2, ?3)")?;
                let mut target = all.prepare("INSERT OR IGNORE INTO targets VALUES (?1, ?2, ?3)")?;
                for (event, shows, body) in bodies {
                    let at = event.at.as_millisecond();
                    let row = params![place(of), event.id, at, event.actor.id, event.success, shows, body];
                    if insert.execute(row)? == 0 {
                        continue;
                    }
                    let number = all.last_insert_rowid();
                    for request in &event.request_ids {
                        trace.execute(params![place(of), request, number])?;
                    }
                    for account in &event.accounts {
                        target.execute(params![place(of), account.as_str(), number])?;
                    }
                }
            }
            all.commit()
        })
        .await
    }

    /// What is done in a directory by the journal, and not in its log yet. What has no id of a
    /// request is looked for by account and actor.
    pub(super) async fn missing(&self, of: usize, actor: Option<String>) -> Result<Missing> {
        const SELECT: &str = "\
            SELECT count(*), min(x.at), max(x.at) FROM expected x \
            WHERE x.place = ?1 AND (x.request IS NOT NULL OR ?2 IS NOT NULL) \
            AND NOT EXISTS (SELECT 1 FROM traces c JOIN events e ON e.number = c.event \
                WHERE c.place = ?1 AND c.request = x.request AND (e.shows >> x.action) & 1) \
            AND (x.request IS NOT NULL OR NOT EXISTS (\
                SELECT 1 FROM entries n JOIN targets t ON t.place = n.place AND t.account = n.account \
                JOIN events e ON e.number = t.event \
                WHERE n.seq = x.entry AND e.actor = ?2 AND e.success AND (e.shows >> x.action) & 1))";
        self.with(move |connection| {
            connection.prepare(SELECT)?.query_row(params![place(of), actor], |row| {
                let moment = |at: Option<i64>| at.and_then(|at| Timestamp::from_millisecond(at).ok());
                Ok(Missing {
                    count: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
                    first: moment(row.get(1)?),
                    last: moment(row.get(2)?),
                })
            })
        })
        .await
    }

    /// Marks the events whose request the journal knows; says how many events there are.
    pub(super) async fn mark_ours(&self, of: usize) -> Result<u64> {
        self.with(move |connection| {
            connection.execute(
                "UPDATE events SET ours = 1 WHERE place = ?1 AND EXISTS \
                 (SELECT 1 FROM traces c JOIN requests r ON r.place = c.place AND r.request = c.request \
                  WHERE c.event = events.number)",
                [place(of)],
            )?;
            let count = connection
                .query_row("SELECT count(*) FROM events WHERE place = ?1", [place(of)], |row| row.get::<_, i64>(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// The next entries of a directory that have a request or a result in the journal.
    pub(super) async fn entries(&self, of: usize, after: u64, most: u32) -> Result<Vec<IndexedEntry>> {
        self.with(move |connection| {
            let mut select = connection.prepare(
                "SELECT seq, account, name FROM entries WHERE place = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?;
            let rows = select.query_map(params![place(of), sql(after), most], |row| {
                let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
                Ok(IndexedEntry { seq, place: of, account: row.get(1)?, name: row.get(2)? })
            })?;
            rows.collect()
        })
        .await
    }

    /// The events of each entry: those of its requests, and those that the run's own principal left
    /// on its account by requests that the journal does not know.
    pub(super) async fn events_of(
        &self,
        entries: Vec<IndexedEntry>,
        actor: Option<String>,
    ) -> Result<Vec<(Vec<IndexedEvent>, Vec<IndexedEvent>)>> {
        const BY_REQUEST: &str = "\
            SELECT DISTINCT e.number, e.shows, e.body FROM requests r \
            JOIN traces c ON c.place = r.place AND c.request = r.request JOIN events e ON e.number = c.event \
            WHERE r.entry = ?1 AND r.place = ?2 ORDER BY e.at, e.number LIMIT 1000";
        const BY_ACCOUNT: &str = "\
            SELECT e.number, e.shows, e.body FROM targets t JOIN events e ON e.number = t.event \
            WHERE t.place = ?1 AND t.account = ?2 AND e.ours = 0 AND e.actor = ?3 AND e.success AND e.shows > 0 \
            ORDER BY e.at, e.number LIMIT 1000";
        self.with(move |connection| {
            let mut by_request = connection.prepare(BY_REQUEST)?;
            let mut by_account = connection.prepare(BY_ACCOUNT)?;
            let mut all = Vec::with_capacity(entries.len());
            for entry in entries {
                let rows = by_request.query_map(params![sql(entry.seq), place(entry.place)], indexed)?;
                let requested = rows.collect::<rusqlite::Result<Vec<_>>>()?;
                let rows = by_account.query_map(params![place(entry.place), entry.account, actor], indexed)?;
                all.push((requested, rows.collect::<rusqlite::Result<Vec<_>>>()?));
            }
            Ok(all)
        })
        .await
    }

    /// Marks events as the run's, although the journal does not know their requests, and with them
    /// what else the same requests left; then counts those of others on each of these accounts, their owners aside.
    pub(super) async fn claim(&self, events: Vec<i64>, entries: Vec<IndexedEntry>) -> Result<Vec<u64>> {
        self.with(move |connection| {
            let mut claim = connection.prepare(
                "UPDATE events SET ours = 1 WHERE number = ?1 OR number IN \
                 (SELECT c.event FROM traces own JOIN traces c ON c.place = own.place AND c.request = own.request \
                  WHERE own.event = ?1)",
            )?;
            for number in events {
                claim.execute([number])?;
            }
            let mut count = connection.prepare(
                "SELECT count(*) FROM targets t JOIN events e ON e.number = t.event \
                 WHERE t.place = ?1 AND t.account = ?2 AND e.ours = 0 AND e.actor <> ?2",
            )?;
            let counts = entries.iter().map(|entry| {
                let count: i64 = count.query_row(params![place(entry.place), entry.account], |row| row.get(0))?;
                Ok(u64::try_from(count).unwrap_or_default())
            });
            counts.collect()
        })
        .await
    }

    /// The next events that are not the run's, by time, each with the entries that it is about. On
    /// accounts that are not planned only those that show an action, or are of this actor. One that names
    /// no account may be about everybody.
    pub(super) async fn others(
        &self,
        of: usize,
        actor: Option<String>,
        after: (i64, i64),
        most: u32,
    ) -> Result<Vec<(IndexedEvent, Vec<u64>)>> {
        const SELECT: &str = "\
            SELECT e.number, e.shows, e.body FROM events e \
            WHERE e.place = ?1 AND (e.at, e.number) > (?2, ?3) AND e.ours = 0 \
            AND (e.shows > 0 OR e.actor = ?4 OR EXISTS (\
                SELECT 1 FROM targets t JOIN entries n ON n.place = t.place AND n.account = t.account \
                WHERE t.event = e.number) \
                OR NOT EXISTS (SELECT 1 FROM targets t WHERE t.event = e.number)) \
            ORDER BY e.at, e.number LIMIT ?5";
        const ENTRIES: &str = "\
            SELECT n.seq FROM targets t JOIN entries n ON n.place = t.place AND n.account = t.account \
            WHERE t.event = ?1 ORDER BY n.seq";
        self.with(move |connection| {
            let mut select = connection.prepare(SELECT)?;
            let mut entries = connection.prepare(ENTRIES)?;
            let rows = select.query_map(params![place(of), after.0, after.1, actor, most], indexed)?;
            let found = rows.map(|event| {
                let event = event?;
                let seqs = entries.query_map([event.number], |row| row.get::<_, i64>(0))?;
                let seqs = seqs.map(|seq| seq.map(|seq| u64::try_from(seq).unwrap_or_default()));
                Ok((event, seqs.collect::<rusqlite::Result<Vec<_>>>()?))
            });
            found.collect()
        })
        .await
    }
}

fn indexed(row: &rusqlite::Row<'_>) -> rusqlite::Result<IndexedEvent> {
    let body: String = row.get(2)?;
    let event = serde_json::from_str(&body)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into()))?;
    Ok(IndexedEvent { number: row.get(0)?, shows: row.get(1)?, event })
}

/// SQLite's integers have a sign. No plan has 2^63 entries.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn place(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn fault(error: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Unexpected, OPERATION)
        .with_detail(format!("the temporary index failed: {error}"))
        .with_advice("check the space of the folder for temporary files, and match the log again: nothing is lost")
        .with_source(error)
}
