//! Looks into the database of a running instance, from outside and without writing.

use std::str::FromStr;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::runtime::Runtime;

/// What was said on the console, in order.
const MESSAGES: &str = "SELECT thread, author, text, key FROM console_message ORDER BY thread, n";
/// What is being performed: with the attempt's number, and whether the world has it already: its event is applied, or
/// a message about its task has come since its lease of 20 s began. Before all effects comes the moment in which a person's words are
/// kept and not owed an answer yet.
const LEASES: &str = r#"SELECT o.id, o.lane, CAST(o.attempt AS TEXT),
    CASE WHEN EXISTS (SELECT 1 FROM inbox i WHERE i.id = o.id)
        OR o.body LIKE '{"Announce%' AND EXISTS (SELECT 1 FROM console_message m WHERE m.author = 'bot'
            AND m.text LIKE '%' || o.machine || '%' AND m.at_ms >= o.lease_until_ms - 20000) THEN 'acted' ELSE '' END
    FROM outbox o WHERE o.state = 'owed' AND o.lease_token IS NOT NULL
    UNION ALL SELECT key, 'heard', '1', '' FROM console_message
    WHERE author <> 'bot' AND key NOT IN (SELECT id FROM inbox)"#;
/// A person's words that the console keeps and nobody is going to answer, as yet.
const UNOWED: &str = "SELECT key FROM console_message
    WHERE author <> 'bot' AND key NOT IN (SELECT id FROM inbox)";
const UNREST: &str = "SELECT id FROM outbox WHERE state = 'owed' AND lane <> 'timer'
    UNION ALL SELECT id FROM conversation WHERE state <> 'quiet'";
const BURIED: &str = "SELECT id, last_error FROM outbox WHERE state = 'buried'";
const GAPS: &str = "SELECT kind, machine, CAST(COUNT(*) AS TEXT), CAST(MAX(version) AS TEXT) FROM journal
    GROUP BY kind, machine HAVING COUNT(*) <> MAX(version) OR MIN(version) <> 1";
const EVENTS: &str = "SELECT machine, event FROM journal WHERE kind = 'task' ORDER BY machine, version";
const STATES: &str = "SELECT id, state FROM task ORDER BY number";

/// One message of the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub thread: String,
    pub author: String,
    pub text: String,
    pub key: String,
}

/// An effect that is being performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub effect: String,
    pub lane: String,
    pub attempt: u32,
    /// What it does was done, as far as the database can tell; only its end is not recorded yet.
    pub has_acted: bool,
}

impl Lease {
    fn of([effect, lane, attempt, acted]: [String; 4]) -> Self {
        let attempt = attempt.parse().expect("attempts are counted");
        Self { effect, lane, attempt, has_acted: !acted.is_empty() }
    }
}

/// A connection of our own.
pub struct Record {
    runtime: Runtime,
    connection: Server,
}

enum Server {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Record {
    /// Opens a database by the address that the config has.
    pub fn open(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = if url.starts_with("sqlite:") {
            // Read-only also means that we take no part in recovery: a log that a dead process left is its heir's.
            let options = SqliteConnectOptions::from_str(url).unwrap().read_only(true);
            Server::Sqlite(runtime.block_on(SqliteConnection::connect_with(&options)).unwrap())
        } else {
            Server::Postgres(runtime.block_on(PgConnection::connect(url)).unwrap())
        };
        Self { runtime, connection }
    }

    /// The rows of a question of which every column is a text.
    fn ask<const N: usize>(&mut self, sql: &str) -> Vec<[String; N]> {
        self.try_to_ask(sql).unwrap()
    }

    fn try_to_ask<const N: usize>(&mut self, sql: &str) -> sqlx::Result<Vec<[String; N]>> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match &mut self.connection {
            Server::Sqlite(connection) => {
                let rows = self.runtime.block_on(sqlx::query(sql).fetch_all(connection))?;
                rows.iter()
                    .map(|row| std::array::from_fn(|n| row.get::<Option<String>, _>(n).unwrap_or_default()))
                    .collect()
            }
            Server::Postgres(connection) => {
                let rows = self.runtime.block_on(sqlx::query(sql).fetch_all(connection))?;
                rows.iter()
                    .map(|row| std::array::from_fn(|n| row.get::<Option<String>, _>(n).unwrap_or_default()))
                    .collect()
            }
        })
    }

    pub fn messages(&mut self) -> Vec<Message> {
        let rows = self.ask(MESSAGES).into_iter();
        rows.map(|[thread, author, text, key]| Message { thread, author, text, key }).collect()
    }

    pub fn leases(&mut self) -> Vec<Lease> {
        self.ask(LEASES).into_iter().map(Lease::of).collect()
    }

    /// The same of a process that was frozen; none where that was in the middle of writing the head of SQLite's index,
    /// over which no reader gets until the process goes on or ends (`SQLITE_PROTOCOL`).
    pub fn leases_of_the_frozen(&mut self) -> Option<Vec<Lease>> {
        match self.try_to_ask(LEASES) {
            Ok(rows) => Some(rows.into_iter().map(Lease::of).collect()),
            Err(error) if error.as_database_error().and_then(|it| it.code()).as_deref() == Some("15") => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Keys of messages that are kept but not owed an answer.
    pub fn unowed(&mut self) -> Vec<String> {
        self.ask(UNOWED).into_iter().map(|[key]| key).collect()
    }

    /// Whether everything now waits for people or for time. In this order: what was not owed is owed a moment later.
    pub fn is_at_rest(&mut self) -> bool {
        self.unowed().is_empty() && self.ask::<1>(UNREST).is_empty()
    }

    pub fn buried(&mut self) -> Vec<[String; 2]> {
        self.ask(BURIED)
    }

    /// Machines whose journal does not count from 1 to its end.
    pub fn gaps(&mut self) -> Vec<[String; 4]> {
        self.ask(GAPS)
    }

    /// The state of each task.
    pub fn tasks(&mut self) -> Vec<[String; 2]> {
        self.ask(STATES)
    }

    /// What happened to each task, by the names of the events.
    pub fn events(&mut self) -> Vec<(String, String)> {
        let named = |[machine, event]: [String; 2]| (machine, name_of(&event));
        self.ask(EVENTS).into_iter().map(named).collect()
    }
}

/// An event is stored as its name, as an object under its name, or as an object that names it.
fn name_of(event: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(event).expect("events are JSON");
    let inner = value.get("event").and_then(serde_json::Value::as_str).or(value.as_str());
    let outer = || value.as_object().and_then(|object| object.keys().next()).cloned();
    inner.map(ToOwned::to_owned).or_else(outer).unwrap_or_default()
}
