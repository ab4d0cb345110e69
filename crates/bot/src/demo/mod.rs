//! `downbeat demo`: the whole road on a bundled sample, with the real system, in a fresh temporary home.
//!
//! People talk on the console, agents work in cages, the merge queue lands on a real repository. The scripted agent
//! supplies plans and edits, never outcomes; the transcript comes from the console alone. At the end the demo proves
//! what it claims with plain git and sh, outside of the product, and its exit code says whether the proof held.

mod proof;
mod sample;
mod stage;
mod story;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use agents::cage::Cage;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use crate::clock::{SystemClock, fresh_name};
use crate::screen::Screen;
use crate::serve::System;
use stage::Stage;

/// How long the whole conversation may take before the demo gives up and says what it waits for.
const PLAY_MAX: Duration = Duration::from_secs(120);

/// How the demo is played.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Keep the temporary home, and say where it is
    #[arg(long)]
    pub keep: bool,
    /// Break one rule on purpose; the demo then has to notice and fail
    #[arg(long, value_name = "RULE")]
    pub sabotage: Option<Sabotage>,
}

/// A rule to break, by what goes into the demo, never by what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sabotage {
    /// The sample's check accepts everything, so a broken change lands
    Check,
    /// The change that should conflict touches another place
    Conflict,
    /// The approver approves what should be refused
    Refusal,
    /// The queue tests one change at a time, so nothing is bisected
    Bisect,
}

/// Plays the demo.
pub async fn play(args: DemoArgs, cage: Cage) -> anyhow::Result<ExitCode> {
    let home = Home::make()?;
    let sample = sample::Sample::make(home.path(), args.sabotage)?;
    let config = sample.config(home.path(), args.sabotage)?;
    let mut screen = Screen::open();
    screen.say(&format!(
        "Playing in {}, with the sample repository {}.",
        home.path().display(),
        sample.remote.display()
    ));
    let clock = Arc::new(SystemClock);
    let system = Arc::new(System::assemble(&config, clock, cage).await.context("failed to start the demo")?);
    let stop = CancellationToken::new();
    let mut stage = Stage::new(system.clone(), &mut screen);
    let running = system.run(stop.clone());
    let acting = async {
        let act = tokio::time::timeout(PLAY_MAX, stage.act(story::lines(args.sabotage), story::CURTAIN));
        let acted = tokio::select! {
            acted = act => Some(acted),
            _ = tokio::signal::ctrl_c() => None,
        };
        stop.cancel();
        acted
    };
    let (acted, ()) = tokio::join!(acting, running);
    let missing = match acted {
        None => anyhow::bail!("the demo was interrupted"),
        Some(Ok(acted)) => acted?,
        Some(Err(_)) => vec![format!("the conversation did not end within {} s", PLAY_MAX.as_secs())],
    };
    let verdict = proof::prove(&system, &sample, missing).await?;
    screen.close();
    screen.say(verdict.to_string().trim_end());
    system.store.close().await;
    if args.keep {
        screen.say(&format!("\nKept: {}", home.keep().display()));
    }
    if !verdict.holds() {
        return Ok(ExitCode::FAILURE);
    }
    screen.say("\nGo on with a repository of your own: README.md says how; `downbeat up --help`.");
    Ok(ExitCode::SUCCESS)
}

/// A fresh temporary directory that goes when the demo ends.
struct Home {
    path: Option<PathBuf>,
}

impl Home {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("downbeat-demo-{}", fresh_name()));
        std::fs::create_dir_all(&path).with_context(|| format!("failed to make {}", path.display()))?;
        Ok(Self { path: Some(path) })
    }

    fn path(&self) -> &Path {
        self.path.as_deref().expect("the path is taken only when the home is kept")
    }

    fn keep(mut self) -> PathBuf {
        self.path.take().unwrap_or_default()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = std::fs::remove_dir_all(path)
        {
            eprintln!("the demo's home {} could not be removed: {error}", path.display());
        }
    }
}
