//! The cage: whether it holds, shown by trying to get out, and whether the programs of the checks can be found inside.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use agents::cage::{Ended, Held, How, Level, Limits, Reach, SYSTEM_PATH, SilentSink};
use domain::RepoName;
use forge::Gate;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Site;
use super::finding::{Finding, Group};
use crate::survey::{Surroundings, Toolchain, toolchain_of};

const GROUP: Group = Group::Cage;

/// The longest that one command of ours may take inside: it only looks.
const LIMIT: Duration = Duration::from_secs(5);
/// What nobody inside may read.
const CANARY: &str = "a canary outside of the cage";
/// Prints those of its arguments that are no command.
const MISSING: &str = r#"for word in "$@"; do command -v "$word" >/dev/null || echo "$word"; done"#;

/// Runs a command in a cage of its own.
pub(super) async fn run(site: &Site, command: &[&str], env: &BTreeMap<String, String>) -> Ended {
    let (tree, private) = (site.scratch.join("cage/tree"), site.scratch.join("cage/private"));
    let made = [&tree, &private].into_iter().try_for_each(std::fs::create_dir_all);
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let mut order = site.cage.order(command, tree, private);
    order.limits = Limits { time: LIMIT, ..order.limits };
    order.env = env.clone();
    let mut ended = site.cage.run(order, &CancellationToken::new(), &SilentSink).await;
    if let Err(error) = made {
        ended.how = How::CouldNotStart(format!("{}: {error}", site.scratch.display()));
    }
    ended
}

/// Those of the words that are no command inside.
pub(super) async fn missing(site: &Site, words: &[&str], env: &BTreeMap<String, String>) -> Vec<String> {
    let command = [&["/bin/sh", "-c", MISSING, "sh"], words].concat();
    let ended = run(site, &command, env).await;
    ended.stdout.lines().filter(|line| words.contains(line)).map(str::to_owned).collect()
}

/// Tries the cage, and looks for the program of every check.
pub(super) async fn look(site: &Site, gates: &[(RepoName, Gate)]) -> Vec<Finding> {
    let ended = run(site, &["true"], &BTreeMap::new()).await;
    let level = match (&ended.how, &ended.level) {
        (How::Exited(0), Some(level)) => level,
        (how, _) => {
            let what = format!("nothing can run in the sandbox: it {how}");
            let fix = "boot a kernel (6.2 or newer) whose `cat /sys/kernel/security/lsm` lists landlock; `cage.level = \"off\"` does without any sandbox";
            return vec![Finding::fail(GROUP, what, fix)];
        }
    };
    if level.landlock_abi.is_none() {
        let what = format!("{level} (`cage.level`)");
        return vec![Finding::warn(GROUP, what, "take `cage.level` out of the config")];
    }
    let mut findings = vec![Finding::ok(GROUP, level.to_string())];
    findings.extend(stronger(site, level).await);
    findings.push(canary(site).await);
    findings.extend(connection(site).await);
    findings.extend(programs(site, gates).await);
    findings
}

/// What is missing for a stronger level, and how to get it.
async fn stronger(site: &Site, level: &Level) -> Option<Finding> {
    match level.held {
        Held::Off => None,
        Held::Strong => (level.reach == Reach::Everything).then(newer_kernel),
        Held::Standard => match site.cage.strong_works().await {
            Ok(()) => Some(Finding::warn(
                GROUP,
                "the level strong could be had here",
                "take `cage.level` out of the config, or set it to \"strong\"",
            )),
            Err(why) => {
                Some(Finding::warn(GROUP, format!("the level strong cannot be had: {why}"), way_to_strong(&why)))
            }
        },
    }
}

/// The next step towards `strong`, by what bubblewrap said.
fn way_to_strong(why: &str) -> &'static str {
    if why.ends_with("not installed") {
        "install the package bubblewrap"
    } else if Path::new("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists() {
        "AppArmor keeps bubblewrap from making namespaces; docs/sandbox.md has the profile that lets it"
    } else {
        "let users make namespaces: sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000"
    }
}

fn newer_kernel() -> Finding {
    Finding::warn(
        GROUP,
        "this kernel cannot hold everything; the line above tells what is open",
        "boot a newer kernel, 6.12 or later",
    )
}

async fn canary(site: &Site) -> Finding {
    let path = site.scratch.join("canary");
    let written = std::fs::write(&path, CANARY);
    let ended = run(site, &["cat", &path.display().to_string()], &BTreeMap::new()).await;
    match written {
        Err(error) => {
            Finding::warn(GROUP, format!("no canary could be written: {error}"), "look at the state directory first")
        }
        Ok(()) if ended.output_tail.contains(CANARY) => Finding::fail(
            GROUP,
            format!("a file outside can be read: {}", path.display()),
            "take directories that hold the state out of `cage.read`",
        ),
        Ok(()) => Finding::ok(GROUP, "a file outside cannot be read"),
    }
}

/// Tries to reach a listener of ours. Only bash can do that without another program.
async fn connection(site: &Site) -> Option<Finding> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.ok()?;
    let port = listener.local_addr().ok()?.port();
    let line = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
    let ended = run(site, &["bash", "-c", &line], &BTreeMap::new()).await;
    match ended.how {
        How::Exited(0) => Some(Finding::warn(
            GROUP,
            "agents and checks reach the network",
            "boot a kernel of 6.7 or newer, which can deny TCP",
        )),
        How::Exited(1) => Some(Finding::ok(GROUP, "no TCP connection can be made")),
        How::Exited(_)
        | How::Signalled(_)
        | How::TimedOut
        | How::OutputLimit
        | How::MemoryLimit
        | How::ProcessLimit
        | How::DiskLimit
        | How::Stopped
        | How::CouldNotStart(_) => None,
    }
}

async fn programs(site: &Site, gates: &[(RepoName, Gate)]) -> Vec<Finding> {
    let mut wanted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, gate) in gates {
        let Gate::Checks(checks) = gate else { continue };
        for check in checks {
            if let Some(program) = program_of(&check.command) {
                wanted.entry(program).or_default().push(format!("the check `{}` of {name}", check.name));
            }
        }
    }
    let words: Vec<&str> = wanted.keys().copied().collect();
    if words.is_empty() {
        return Vec::new();
    }
    let missing = missing(site, &words, &BTreeMap::new()).await;
    let found: Vec<_> = words.iter().filter(|word| !missing.iter().any(|one| one == *word)).copied().collect();
    let mut findings = Vec::new();
    if !found.is_empty() {
        findings.push(Finding::ok(GROUP, format!("checks find their programs: {}", found.join(", "))));
    }
    findings.extend(missing.iter().map(|program| hidden(program, &wanted[program.as_str()].join(" and "))));
    findings
}

/// A program that `for_whom` wants and that is not there inside.
pub(super) fn hidden(program: &str, for_whom: &str) -> Finding {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let outside = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file());
    let Some(outside) = outside else {
        let what = format!("{for_whom} runs `{program}`, which is not installed");
        return Finding::fail(GROUP, what, format!("install {program}, or change the command"));
    };
    let what = format!("{for_whom} runs `{program}`, which is at {} and hidden inside", outside.display());
    let toolchain = toolchain_of(&outside, &Surroundings::ours()).unwrap_or_else(|| alone(&outside));
    Finding::fail(GROUP, what, show(&toolchain))
}

/// A program of which nothing is known but where it is named, and where it really is.
fn alone(program: &Path) -> Toolchain {
    let really = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let mut dirs: Vec<_> = [program, &really].iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    dirs.dedup();
    Toolchain { bin: vec![dirs[0].clone()], read: dirs, ..Toolchain::default() }
}

/// The keys of the config that show a toolchain.
fn show(toolchain: &Toolchain) -> String {
    let read: Vec<_> = toolchain.read.iter().map(|dir| format!("{:?}", dir.display().to_string())).collect();
    let bins = toolchain.bin.iter().map(|dir| dir.display().to_string());
    let path = bins.chain([SYSTEM_PATH.to_owned()]).collect::<Vec<_>>().join(":");
    let env = [("PATH", path)].into_iter().chain(toolchain.env.clone());
    let env: Vec<_> = env.map(|(name, value)| format!("cage.env.{name} = {value:?}")).collect();
    format!("set in the config, beside what is there:\ncage.read = [{}]\n{}", read.join(", "), env.join("\n"))
}

/// The program that a line for `sh` begins with, where it is one to be looked for on the `PATH`.
pub(super) fn program_of(line: &str) -> Option<&str> {
    let is_assignment = |word: &&str| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    let word = line.split_whitespace().find(|word| !is_assignment(word))?;
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'));
    is_plain.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_line_is_its_first_word() {
        let programs =
            ["cargo test", "CI=1 npm test", "./run.sh", "$CC x.c", "  sh -c 'a b'", "FOO=1", "a=b/c python3.12 -m x"]
                .map(program_of);
        assert_eq!(programs, [Some("cargo"), Some("npm"), None, None, Some("sh"), None, Some("python3.12")]);
    }

    #[test]
    fn a_hidden_program_is_shown_with_the_directory_that_it_is_really_in() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join("real")).unwrap();
        std::fs::create_dir(home.join("bin")).unwrap();
        std::fs::write(home.join("real/tool"), "").unwrap();
        std::os::unix::fs::symlink(home.join("real/tool"), home.join("bin/tool")).unwrap();
        let text = show(&alone(&home.join("bin/tool"))).replace(home.to_str().unwrap(), "~");
        expect_test::expect![[r#"
            set in the config, beside what is there:
            cage.read = ["~/bin", "~/real"]
            cage.env.PATH = "~/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin""#]]
        .assert_eq(&text);
    }
}
