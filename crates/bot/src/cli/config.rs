//! `downbeat config`: the config from the command line.

use clap::Subcommand;

use super::exit::Exit;
use super::instance::{Form, connect, print, tell};
use crate::config::command::{Answer, ConfigCommand, answer};
use crate::config::{Environment, Sources};
use crate::control::wire::Ask;
use crate::place::PlaceArgs;
use crate::up::Texts;

/// What can be done with the config.
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigVerb {
    /// What needs no running instance.
    #[command(flatten)]
    Look(ConfigCommand),
    /// Let the running instance read it again, and name what only a restart applies
    Reload,
}

/// Runs one of them.
pub async fn run(verb: ConfigVerb, place: &PlaceArgs) -> anyhow::Result<Exit> {
    let told = match &verb {
        ConfigVerb::Reload => return reload(place).await,
        // What a key is for is the same everywhere.
        ConfigVerb::Look(command @ (ConfigCommand::Explain { .. } | ConfigCommand::Schema)) => {
            answer(command, &Sources { generated: "", file: None, env: &Environment::new() })
        }
        ConfigVerb::Look(command @ (ConfigCommand::Check | ConfigCommand::Show { .. })) => {
            answer(command, &Texts::find(place, None).await?.sources())
        }
    };
    match told {
        Answer::Right(text) => {
            print(&text);
            Ok(Exit::Done)
        }
        Answer::Wrong(text) => {
            eprint!("error: {text}");
            Ok(Exit::Config)
        }
    }
}

async fn reload(place: &PlaceArgs) -> anyhow::Result<Exit> {
    let (mut client, _) = connect(place).await?;
    tell(client.ask(&Ask::Reload).await?, "", Form::default())
}
