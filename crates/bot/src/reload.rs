//! Reading the config again without a restart, on SIGHUP and on `downbeat config reload`.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::config::reload::restart_needed;
use crate::config::{Config, Reading};
use crate::place::PlaceArgs;
use crate::serve::System;
use crate::up::Installation;

/// Takes over what a changed config says.
pub struct Reloader {
    place: PlaceArgs,
    agent: Option<String>,
    system: Arc<System>,
    started: Reading,
    current: Mutex<Config>,
}

impl Reloader {
    /// For a system that was started with what was read, to which `place` and `agent` led.
    pub fn new(place: PlaceArgs, agent: Option<String>, system: Arc<System>, started: Reading) -> Self {
        let current = Mutex::new(started.config.clone());
        Self { place, agent, system, started, current }
    }

    /// Reads the config again and goes by it; one with mistakes changes nothing. Says what came of it.
    pub async fn reload(&self) -> anyhow::Result<String> {
        let mut current = self.current.lock().await;
        let read = Installation::find(&self.place, self.agent.as_deref()).await?.reading;
        self.system.adopt(&read.config).await?;
        let waiting = restart_needed(&self.started, &read);
        *current = read.config;
        Ok(match &waiting[..] {
            [] => "the config was read again and applies from now on".to_owned(),
            keys => format!("the config was read again; only a restart applies {}", keys.join(", ")),
        })
    }

    /// The config that was read last.
    pub async fn config(&self) -> Config {
        self.current.lock().await.clone()
    }
}
