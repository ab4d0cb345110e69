//! The database: whether it answers, fits this release and can be written, and whether its clock goes like ours.

use std::sync::Arc;
use std::time::Duration;

use store::{SchemaStep, Standing, Store, StoreError, StoreSettings, schema_steps};

use super::Site;
use super::finding::{Finding, Group};
use crate::clock::SystemClock;

const GROUP: Group = Group::Database;

/// The longest that it is waited for: one that takes longer is not there, or is held by somebody.
const LIMIT: Duration = Duration::from_secs(5);
/// How long for a lock or a connection, which is what it usually waits for.
const LOCK_LIMIT: Duration = Duration::from_secs(3);
/// How far two clocks may be apart: leases last for many times that.
const CLOCK_AHEAD_MS_MAX: u64 = 2_000;

pub(super) async fn look(site: &Site) -> Vec<Finding> {
    match tokio::time::timeout(LIMIT, tried(site)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error)) => vec![Finding::fail(GROUP, format!("it cannot be used: {error}"), fix(site))],
        Err(_) => vec![Finding::fail(GROUP, format!("it did not answer within {} s", LIMIT.as_secs()), fix(site))],
    }
}

fn fix(site: &Site) -> &'static str {
    match site.config().database().starts_with("sqlite:") {
        true => {
            "look at the state directory: its disk, its owner, and who else has the file open (`fuser`); `database` names another"
        }
        false => "look whether the server runs and `database` names it, its user and its password",
    }
}

async fn tried(site: &Site) -> Result<Vec<Finding>, StoreError> {
    let settings = StoreSettings { wait_max: LOCK_LIMIT, ..StoreSettings::new(site.config().database()) };
    let steps = schema_steps(&settings).await?;
    let is_new = steps.iter().all(|step| step.standing == Standing::Pending);
    let mut findings: Vec<_> = steps.iter().filter_map(|step| amiss(step, is_new)).collect();
    let kind = if settings.url.starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" };
    let is_current = steps.iter().all(|step| step.standing == Standing::Applied);
    if site.running.is_some() {
        findings.push(Finding::ok(GROUP, format!("{kind} answers; it is not written while an instance runs")));
    } else if is_current {
        findings.extend(written(&settings, &format!("{kind} can be read and written")).await?);
    } else if is_new && kind == "SQLite" {
        if !site.scratch.starts_with(&site.config().state) {
            let what = "it was not tried, because the state directory cannot be written";
            return Ok(vec![Finding::warn(GROUP, what, "look at the state directory first")]);
        }
        let scratch = StoreSettings { url: format!("sqlite:{}", site.scratch.join("tried.db").display()), ..settings };
        findings.extend(written(&scratch, "there is none yet; the first start can make it").await?);
    } else if is_new {
        findings.push(Finding::ok(GROUP, format!("{kind} answers, and is empty; the first start makes the schema")));
    }
    Ok(findings)
}

async fn written(settings: &StoreSettings, what: &str) -> Result<Vec<Finding>, StoreError> {
    let store = Store::open(settings, Arc::new(SystemClock)).await?;
    let tried = store.try_writing().await;
    let ahead = store.clock_ahead_ms().await;
    store.close().await;
    tried?;
    let mut findings = vec![Finding::ok(GROUP, what)];
    let ahead = ahead?;
    if ahead.unsigned_abs() > CLOCK_AHEAD_MS_MAX {
        let what = format!(
            "its clock is {} s {} ours",
            ahead.unsigned_abs() / 1_000,
            if ahead > 0 { "ahead of" } else { "behind" }
        );
        findings.push(Finding::warn(
            GROUP,
            what,
            "let both machines follow the same time, for example: timedatectl set-ntp true",
        ));
    }
    Ok(findings)
}

fn amiss(step: &SchemaStep, is_new: bool) -> Option<Finding> {
    let name = format!("step {} of the schema ({})", step.version, step.name);
    match step.standing {
        Standing::Applied => None,
        Standing::Pending if is_new => None,
        Standing::Pending => {
            let what = format!("{name} is not taken yet; the next start takes it");
            Some(Finding::warn(GROUP, what, "take a backup, then: downbeat db migrate"))
        }
        Standing::Different => {
            let what = format!("{name} is different from this release's: a development build made it");
            Some(Finding::fail(GROUP, what, "start with a new database: set another `state` or `database`"))
        }
        Standing::Unknown => {
            let what = format!("{name} is unknown to this release: a newer one made it");
            Some(Finding::fail(GROUP, what, "run that release, or a newer one"))
        }
    }
}
