//! The same road on PostgreSQL, in a database of its own.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::road;
use crate::verdict;
use crate::world::World;

/// Where `cargo xtask test` says which PostgreSQL to use.
pub const VARIABLE: &str = "DOWNBEAT_TEST_POSTGRES";

/// A database that goes when the test ends.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn make() -> Self {
        let server = std::env::var(VARIABLE).expect("it is set, or this test is ignored");
        let database = Self { server, name: format!("e2e_{}", std::process::id()) };
        database.tell_server(&format!("CREATE DATABASE {}", database.name));
        database
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("the address of a server ends with a database");
        format!("{server}/{}", self.name)
    }

    fn tell_server(&self, sql: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.server).await.unwrap();
            connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
            connection.close().await.unwrap();
        });
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.tell_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

pub fn the_road_is_the_same_on_postgres() {
    let database = Database::make();
    let world = World::on(&database.url());
    let instance = world.up();
    road::play(instance, &mut world.record());
    let on_postgres = verdict::judge(&world);
    assert!(!world.path("state/downbeat.db").exists(), "it used SQLite after all");

    let usual = World::of_the_road();
    let instance = usual.up();
    road::play(instance, &mut usual.record());
    verdict::assert_same(&verdict::judge(&usual), &on_postgres);
}
