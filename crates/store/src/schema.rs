//! How far the schema of a database is, without changing it.

use std::collections::BTreeMap;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};

use crate::db::{MIGRATIONS, Store, StoreError, StoreSettings, scheme_of};

/// One step of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its number.
    pub version: i64,
    /// What it does, from its file's name.
    pub name: String,
    /// Whether the database has it.
    pub standing: Standing,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It was taken.
    Applied,
    /// It is to be taken at the next start.
    Pending,
    /// The database has it in another form; this release must not touch it.
    Different,
    /// The database has it and this release does not know it: the release is older than the database.
    Unknown,
}

const APPLIED: &str = "SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version";

/// The steps that this release or the database knows, in order. A SQLite file that is not there yet has none.
pub async fn schema_steps(settings: &StoreSettings) -> Result<Vec<SchemaStep>, StoreError> {
    let mut applied = applied_steps(settings).await?;
    let mut steps: Vec<_> = MIGRATIONS
        .iter()
        .map(|ours| {
            let standing = match applied.remove(&ours.version) {
                None => Standing::Pending,
                Some((_, checksum)) if checksum == *ours.checksum => Standing::Applied,
                Some(_) => Standing::Different,
            };
            SchemaStep { version: ours.version, name: ours.description.to_string(), standing }
        })
        .collect();
    let unknown = applied.into_iter();
    steps.extend(unknown.map(|(version, (name, _))| SchemaStep { version, name, standing: Standing::Unknown }));
    Ok(steps)
}

/// Makes a table and takes it back again: nothing of it is left, and a database that cannot be written says so.
const TRIAL: &str = "CREATE TABLE downbeat_trial (n BIGINT)";

impl Store {
    /// Writes something and takes it back before anybody sees it.
    pub async fn try_writing(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.execute(TRIAL, &[]).await.map(drop)
    }

    /// How far the clock that leases are measured by is ahead of our own, in milliseconds.
    pub async fn clock_ahead_ms(&self) -> Result<i64, StoreError> {
        Ok(self.lease_now().await? - self.now().as_ms())
    }
}

type Applied = BTreeMap<i64, (String, Vec<u8>)>;

async fn applied_steps(settings: &StoreSettings) -> Result<Applied, StoreError> {
    macro_rules! read {
        ($connection:expr, $exists:literal) => {{
            let mut connection = $connection;
            if sqlx::query($exists).fetch_optional(&mut connection).await?.is_none() {
                return Ok(Applied::new());
            }
            let rows = sqlx::query(APPLIED).fetch_all(&mut connection).await?;
            let step = |row: &_| Ok((row_get(row, 0)?, (row_get(row, 1)?, row_get(row, 2)?)));
            rows.iter().map(step).collect()
        }};
    }
    match scheme_of(&settings.url) {
        "sqlite" => {
            let options =
                SqliteConnectOptions::from_str(&settings.url)?.read_only(true).busy_timeout(settings.wait_max);
            if !options.get_filename().exists() {
                return Ok(Applied::new());
            }
            read!(options.connect().await?, "SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'")
        }
        "postgres" | "postgresql" => {
            let options = PgConnectOptions::from_str(&settings.url)?;
            read!(options.connect().await?, "SELECT 1 FROM pg_tables WHERE tablename = '_sqlx_migrations'")
        }
        unknown => Err(StoreError::UnknownDatabase(unknown.to_owned())),
    }
}

fn row_get<'r, R: Row, T>(row: &'r R, index: usize) -> Result<T, StoreError>
where
    usize: sqlx::ColumnIndex<R>,
    T: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    Ok(row.try_get(index)?)
}
