//! The cage and what runs in it: attacked by real processes. Each attack must first succeed with the cage off, then fail in it: with
//! namespaces and without, as the user who runs the tests and, when that is root, as an unprivileged one too.
//!
//! This binary is also the launcher of its cages, the attacker inside them, and the host that is killed.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start processes to compare with, and break at the first surprise"
)]

mod attacker;
mod attacks;
mod checkpoints;
mod endings;
mod gates;
mod limits;
mod pools;
mod project;
mod sessions;
mod setups;
mod table;
mod talks;
mod tools;
mod trees;
mod world;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

/// One behaviour and the code that shows it.
type Case = (&'static str, fn());

/// The user `nobody` of every Linux.
const NOBODY: u32 = 65_534;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let verb = args.get(1).map(String::as_str);
    match verb {
        Some(agents::cage::VERB) => return agents::cage::launch_main(),
        Some(attacker::VERB) => return attacker::attack_main(&args[2..]),
        Some(agents::tools::VERB) => return agents::tools::mcp_main(),
        Some(agents::session::scripted::VERB) => return agents::session::scripted_main(&args[2..]),
        Some(endings::HOST_VERB) => return endings::host_main(&args[2..]),
        Some(_) | None => {}
    }
    let cases: Vec<Case> = [
        attacks::CASES,
        table::CASES,
        endings::CASES,
        talks::CASES,
        limits::CASES,
        sessions::CASES,
        tools::CASES,
        trees::CASES,
        gates::CASES,
        checkpoints::CASES,
        pools::CASES,
        setups::CASES,
    ]
    .concat();
    let as_we_are = |&(name, run): &Case| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let mut trials: Vec<Trial> = cases.iter().map(as_we_are).collect();
    if nix::unistd::geteuid().is_root() {
        let as_nobody = |&(name, _): &Case| Trial::test(format!("unprivileged::{name}"), move || run_as_nobody(name));
        trials.extend(cases.iter().map(as_nobody));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run_as_nobody(name: &str) -> Result<(), Failed> {
    let output = Command::new("/proc/self/exe")
        .args([name, "--exact", "--nocapture"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if output.status.success() && said.contains("1 passed") { Ok(()) } else { Err(said.into_owned().into()) }
}
