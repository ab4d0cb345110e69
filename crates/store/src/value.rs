//! What goes into the database and what comes out of it: TEXT and BIGINT, and nothing else.

use domain::Timestamp;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::StoreError;

/// A value bound to a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// TEXT.
    Text(String),
    /// TEXT, absent.
    NoText,
    /// BIGINT.
    Int(i64),
    /// BIGINT, absent.
    NoInt,
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<Timestamp> for Arg {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.as_ms())
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::NoText, Self::Text)
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::NoInt, |at| Self::Int(at.as_ms()))
    }
}

/// A statement with what is bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text, portable to both databases.
    pub sql: &'static str,
    /// One value a placeholder, `$1` first.
    pub args: Vec<Arg>,
}

/// One row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident -> $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self, column: &str) -> Result<$type, StoreError> {
            Ok(match self {
                Self::Sqlite(row) => row.try_get(column)?,
                Self::Postgres(row) => row.try_get(column)?,
            })
        }
    };
}

impl Row {
    column! {
        /// The TEXT of a column.
        text -> String
    }
    column! {
        /// The BIGINT of a column.
        int -> i64
    }
    column! {
        /// The TEXT of a column that may be null.
        maybe_text -> Option<String>
    }
    column! {
        /// The BIGINT of a column that may be null.
        maybe_int -> Option<i64>
    }
}

/// The query with its values. PostgreSQL keeps no NUL in a TEXT, so neither database is given one.
macro_rules! bound {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query($sql);
        for arg in $args {
            query = match arg {
                Arg::Text(text) => query.bind(text.replace('\0', "\u{FFFD}")),
                Arg::NoText => query.bind(None::<String>),
                Arg::Int(int) => query.bind(*int),
                Arg::NoInt => query.bind(None::<i64>),
            };
        }
        query
    }};
}

pub(crate) use bound;
