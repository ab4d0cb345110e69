//! Reading the config again without a restart, on SIGHUP and on `downbeat config reload`.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::config::Config;
use crate::place::PlaceArgs;
use crate::serve::System;
use crate::up::Installation;

/// Takes over what a changed config says.
pub struct Reloader {
    place: PlaceArgs,
    agent: Option<String>,
    system: Arc<System>,
    started: Config,
    current: Mutex<Config>,
}

impl Reloader {
    /// For a system that was started with `config`, which `place` and `agent` led to.
    pub fn new(place: PlaceArgs, agent: Option<String>, system: Arc<System>, config: Config) -> Self {
        Self { place, agent, system, started: config.clone(), current: Mutex::new(config) }
    }

    /// Reads the config again and goes by it; one with mistakes changes nothing. Says what came of it.
    pub async fn reload(&self) -> anyhow::Result<String> {
        let mut current = self.current.lock().await;
        let config = Installation::find(&self.place, self.agent.as_deref()).await?.reading.config;
        self.system.adopt(&config).await?;
        let waiting: Vec<&str> = crate::config::restart_needed(&self.started, &config);
        *current = config;
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
