//! The schema and the statements: the same on both databases, and nothing secret in what they say.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, SqlSafeStr, Statement as _, TypeInfo};
use store::{Backend, Row, Standing, Statement, Store, StoreSettings};
use tests::clock::ManualClock;

use crate::bells::{Tower, ask, bell, ring};
use crate::sources;
use crate::world::World;

pub async fn every_statement_prepares(world: &World) {
    let store = world.open().await;
    let statements = sources::statements();
    for room in ["store/", "agents/", "mergeq/", "bot/"] {
        assert!(statements.iter().any(|(path, _)| path.starts_with(room)), "no statement was found in {room}");
    }
    let mut faults = Vec::new();
    for (path, sql) in &statements {
        if let Err(why) = store.prepare(sql).await {
            faults.push(format!("{path}: {why}\n    {sql}"));
        } else if let Some(strange) = strange_column(world, sql).await {
            faults.push(format!("{path}: {strange}: only TEXT and BIGINT are read alike on both databases\n    {sql}"));
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), statements.len(), faults.join("\n"));
}

/// A column of the answer that `Row` would not read. Only PostgreSQL knows before it runs: there a sum is NUMERIC.
async fn strange_column(world: &World, sql: &str) -> Option<String> {
    if world.backend == Backend::Sqlite {
        return None;
    }
    let mut connection = PgConnection::connect(&world.url()).await.unwrap();
    let prepared = connection.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await.unwrap();
    let strange = prepared.columns().iter().find(|column| !matches!(column.type_info().name(), "TEXT" | "INT8"));
    strange.map(|column| format!("column {} is {}", column.name(), column.type_info().name()))
}

/// Looking changes nothing, and an opened store has every step.
pub async fn how_far_the_schema_is_can_be_told_beforehand(world: &World) {
    let settings = StoreSettings::new(world.url());
    let standings = async || {
        let steps = store::schema_steps(&settings).await.unwrap();
        assert!(!steps.is_empty(), "this release has steps");
        steps.into_iter().map(|step| step.standing).collect::<HashSet<_>>()
    };
    assert_eq!(standings().await, HashSet::from([Standing::Pending]));
    assert_eq!(standings().await, HashSet::from([Standing::Pending]), "looking changed something");
    drop(world.open().await);
    assert_eq!(standings().await, HashSet::from([Standing::Applied]));
}

/// The compare-and-swap stands in a text that each machine writes itself.
pub async fn every_machine_is_saved_only_over_its_last_version(_: &World) {
    let statements = sources::statements();
    let saves: Vec<_> =
        statements.iter().filter(|(_, sql)| sql.starts_with("UPDATE ") && sql.contains("SET version = ")).collect();
    assert!(saves.len() >= 3, "task, queue and conversation are machines");
    for (path, sql) in saves {
        assert!(sql.trim_end().ends_with("WHERE id = $1 AND version = $2 - 1"), "{path}: {sql}");
    }
}

pub async fn eight_processes_open_a_new_database_at_once(world: &World) {
    let settings = world.settings();
    let opened = join_all((0..8).map(|_| Store::open(&settings, world.clock.clone()))).await;
    for store in opened {
        store.unwrap().close().await;
    }
    ask::<0>(&world.open().await, vec![]).await;
}

pub async fn a_second_opening_changes_nothing(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    store.close().await;
    let store = world.open().await;
    assert_eq!(bell::<0>(&store).await, Tower::default());
    assert_eq!(store.debts("tower", "Big Ben").await.unwrap().len(), 1);
}

/// What was in a database of the first release is still there after the ledger came.
pub async fn a_database_of_the_first_release_is_brought_up_to_date(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![ring("dong")]).await;
    let back = ["DROP TABLE ledger", "DROP TABLE allowance", "DELETE FROM _sqlx_migrations WHERE version = 2"];
    store.write(&back.map(|sql| Statement { sql, args: vec![] })).await.unwrap();
    store.close().await;
    let steps = store::schema_steps(&world.settings()).await.unwrap();
    let pending: Vec<i64> =
        steps.iter().filter(|step| step.standing == Standing::Pending).map(|step| step.version).collect();
    assert_eq!(pending, [2]);
    let store = world.open().await;
    assert_eq!(store.debts("tower", "Big Ben").await.unwrap().len(), 1);
    assert!(store.rows("SELECT task FROM ledger", &[]).await.unwrap().is_empty());
}

pub async fn a_database_of_a_newer_version_is_refused(world: &World) {
    const TOMORROW: &str = "UPDATE _sqlx_migrations SET version = 9999
        WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    let store = world.open().await;
    store.write(&[Statement { sql: TOMORROW, args: vec![] }]).await.unwrap();
    store.close().await;
    let refused = Store::open(&world.settings(), world.clock.clone()).await.err().expect("it is refused");
    let said = refused.to_string();
    let why =
        "database schema: step 9999 is unknown to this release; use the release that made the database, or a newer one";
    assert_eq!(said, why);
}

pub async fn both_databases_have_the_same_tables(world: &World) {
    let file = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", file.path().join("reference.db").display());
    let reference = Store::open(&StoreSettings::new(url), Arc::new(ManualClock::default())).await.unwrap();
    let store = Store::open(&world.settings(), world.clock.clone()).await.unwrap();
    let schema = schema_of(&store).await;
    assert_eq!(schema, schema_of(&reference).await);
    let journal: Vec<&String> = schema.iter().filter(|line| line.starts_with("journal.")).collect();
    assert_eq!(journal.len(), 7, "the journal's columns: {journal:?}");
    assert!(schema.iter().any(|line| line == "index outbox_next"), "{schema:?}");
}

/// Every column as `table.column TYPE nullable`, and every index that we named.
async fn schema_of(store: &Store) -> Vec<String> {
    const SQLITE: &str = "SELECT t.name || '.' || c.name || ' ' || c.type || CASE c.\"notnull\" WHEN 1 THEN '' ELSE ' or null' END AS line
        FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
        UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    const POSTGRES: &str = "SELECT table_name || '.' || column_name || ' ' || UPPER(data_type)
            || CASE is_nullable WHEN 'NO' THEN '' ELSE ' or null' END AS line
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = 'public'
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname)";
    let sql = match store.backend() {
        Backend::Sqlite => SQLITE,
        Backend::Postgres => POSTGRES,
    };
    let rows = store.rows(sql, &[]).await.unwrap();
    let lines = rows.iter().map(|row: &Row| row.text("line").unwrap());
    let mut lines: Vec<String> =
        lines.filter(|line| !line.contains("sqlx_migrations") && !line.starts_with("sqlite_")).collect();
    lines.sort();
    lines
}

pub async fn no_error_tells_a_password(world: &World) {
    let nowhere = "postgres://ben:geheim@127.0.0.1:1/db";
    let mut urls = vec![
        nowhere.to_owned(),
        "postgres://ben:geheim@127.0.0.1:port/db".to_owned(),
        "mysql://ben:geheim@127.0.0.1/db".to_owned(),
        "host=127.0.0.1 user=ben password=geheim:er".to_owned(),
        "geheim".to_owned(),
    ];
    if let Backend::Postgres = world.backend {
        let url = world.url();
        let (_, place) = url.rsplit_once('@').unwrap();
        urls.push(format!("postgres://downbeat:geheim@{place}"));
    }
    for url in urls {
        let settings = StoreSettings { wait_max: std::time::Duration::from_millis(200), ..StoreSettings::new(url) };
        let refused = Store::open(&settings, world.clock.clone()).await.err().expect("nothing answers there");
        for said in [refused.to_string(), format!("{refused:?}"), format!("{settings:?}")] {
            assert!(!said.contains("geheim"), "{said}");
        }
    }
}
