//! `downbeat db`: the database's schema.

use std::sync::Arc;

use clap::Subcommand;
use serde_json::json;
use store::{SchemaStep, Standing, Store, StoreSettings, schema_steps};

use super::exit::Exit;
use super::instance::{Form, print};
use crate::clock::SystemClock;
use crate::place::PlaceArgs;
use crate::up::Installation;

/// What can be done with the database.
#[derive(Subcommand, Clone, Debug)]
pub enum DatabaseCommand {
    /// Bring the schema up to date; a start does the same
    Migrate,
    /// Show how far the schema is, without changing it; exit code 1 when a start would change or refuse it
    Status {
        #[command(flatten)]
        form: Form,
    },
}

/// Runs one of them.
pub async fn run(command: DatabaseCommand, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let installation = Installation::find(place, None).await?;
    let config = installation.config();
    let settings = StoreSettings::new(config.database());
    let steps = schema_steps(&settings).await?;
    match command {
        DatabaseCommand::Status { form } => {
            match form.json {
                true => print(&format!("{}\n", json!({ "steps": steps.iter().map(as_value).collect::<Vec<_>>() }))),
                false => steps.iter().for_each(|step| print(&format!("{}\n", as_line(step)))),
            }
            let current = steps.iter().all(|step| step.standing == Standing::Applied);
            Ok(if current { Exit::Done } else { Exit::Failed })
        }
        DatabaseCommand::Migrate => {
            config.make_state()?;
            Store::open(&settings, Arc::new(SystemClock)).await?.close().await;
            let taken: Vec<_> = steps.iter().filter(|step| step.standing == Standing::Pending).collect();
            taken.iter().for_each(|step| print(&format!("applied {:04} {}\n", step.version, step.name)));
            if taken.is_empty() {
                print("the schema is up to date\n");
            }
            Ok(Exit::Done)
        }
    }
}

fn as_line(step: &SchemaStep) -> String {
    format!("{:04} {:<12} {}", step.version, step.name, words(step.standing))
}

fn as_value(step: &SchemaStep) -> serde_json::Value {
    json!({ "version": step.version, "name": step.name, "standing": words(step.standing) })
}

fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Applied => "applied",
        Standing::Pending => "pending: `downbeat db migrate` or the next start applies it",
        Standing::Different => {
            "different from this release's: it was made by a development build; start with a new database"
        }
        Standing::Unknown => "unknown to this release: use the release that made it, or a newer one",
    }
}
