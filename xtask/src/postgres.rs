//! A real PostgreSQL for one test run, kept by `postgres.sh` in a temporary directory.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::install::is_root;

/// A running server. Dropping it stops the server and removes its directory.
pub struct Postgres {
    keeper: Child,
    url: String,
}

/// Whether what is committed has reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It has not: nothing outlives a test run.
    None,
    /// It has, as anyone runs a server.
    Full,
}

/// The port is free when it is chosen and may be taken a moment later.
const ATTEMPTS_MAX: u32 = 3;

impl Postgres {
    /// Starts a server with the binaries of this directory; about three seconds.
    pub fn start(bin: &Path, durability: Durability) -> anyhow::Result<Self> {
        let mut attempts = 1;
        loop {
            match Self::start_once(bin, durability) {
                Err(_) if attempts < ATTEMPTS_MAX => attempts += 1,
                result => return result,
            }
        }
    }

    fn start_once(bin: &Path, durability: Durability) -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut keeper = unprivileged_shell()?
            .args(["-c", include_str!("postgres.sh"), "postgres.sh"])
            .arg(bin)
            .arg(port.to_string())
            .arg(if durability == Durability::Full { "on" } else { "off" })
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A Ctrl-C at the terminal is for us; the keeper learns of it by the end of its stdin and cleans up.
            .process_group(0)
            .spawn()
            .context("failed to start the keeper of PostgreSQL")?;
        let mut url = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut url)?;
        }
        let postgres = Self { keeper, url: url.trim().to_owned() };
        anyhow::ensure!(!postgres.url.is_empty(), "PostgreSQL did not start on port {port}; its reason stands above");
        Ok(postgres)
    }

    /// The address, as the tests take it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// `sh` as this user, or as one without rights when this user is root, for whom PostgreSQL refuses to run.
fn unprivileged_shell() -> anyhow::Result<Command> {
    if !is_root() {
        return Ok(Command::new("sh"));
    }
    let accounts = std::fs::read_to_string("/etc/passwd").context("failed to read /etc/passwd")?;
    let (uid, gid) = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| ids_of(&accounts, name))
        .context("there is neither a user `postgres` nor `nobody` to run PostgreSQL as")?;
    let mut shell = Command::new("setpriv");
    shell.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--", "sh"]);
    Ok(shell)
}

/// The user's and group's number from the lines of `/etc/passwd`.
fn ids_of<'a>(accounts: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name)?;
    Some((*fields.get(2)?, *fields.get(3)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::postgres_bin;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "nobody2:x:7:8::/:/bin/sh\nnobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
        assert_eq!(ids_of(accounts, "nobody"), Some(("65534", "65533")));
        assert_eq!(ids_of(accounts, "postgres"), None);
    }

    #[test]
    fn a_server_lives_as_long_as_it_is_held_and_leaves_nothing() {
        let Some(bin) = postgres_bin() else { return };
        let postgres = Postgres::start(&bin, Durability::None).unwrap();
        let answer = Command::new(bin.join("psql")).args([postgres.url(), "-Atc", "SHOW fsync"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "off");
        let directory = Command::new(bin.join("psql"))
            .args([postgres.url(), "-Atc", "SHOW data_directory"])
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap();
        assert!(Path::new(&directory).is_dir());
        drop(postgres);
        assert!(!Path::new(&directory).exists(), "{directory} was left behind");
    }
}
