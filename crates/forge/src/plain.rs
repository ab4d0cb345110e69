//! Git's failures in plain words, with the next step. Git has no exit codes for them, so its own sentences are looked
//! for; the runner fixes its language to C, and the tests ask the real programs.

/// What git says when something usual is wrong, and what a person is told. The first that fits counts.
const USUAL: &[(&[&str], &str)] = &[
    (
        &["Could not resolve host"],
        "the remote's host name is not known here; check the address in the config, or the network",
    ),
    (
        &[
            "Failed to connect",
            "Connection refused",
            "Connection timed out",
            "Couldn't connect",
            "Network is unreachable",
            "Operation timed out",
            "No route to host",
        ],
        "the remote does not answer; check the network, or whether its server runs",
    ),
    (
        &["Authentication failed", "could not read Username", "could not read Password", "error: 403", "publickey"],
        "the remote does not let us in; check the user and the key or password that the config names for it",
    ),
    (FULL, "the machine is full, and other programs have to end first"),
    (&["No space left on device", "Disk quota exceeded"], "the disk is full; make room on it"),
    (&["Read-only file system"], "the disk can only be read; mount it so that it can be written to"),
    (
        &["Permission denied", "insufficient permission"],
        "access is denied; give the user that runs this program the right to read and write there",
    ),
    (
        &["does not appear to be a git repository", "Repository not found", "repository not found"],
        "there is no repository at the remote's address; check the address in the config, or put the repository back",
    ),
    (
        &["couldn't find remote ref", "no such remote ref"],
        "the remote does not have this branch; push it, or name another target in the config",
    ),
];

/// What git says when it could start no process or thread of its own, or had no memory.
const FULL: &[&str] = &[
    "Resource temporarily unavailable",
    "Cannot allocate memory",
    "Out of memory",
    "out of memory",
    "unable to create thread",
];

/// Whether git failed because the machine was full.
pub(crate) fn is_for_want_of_room(said: &str) -> bool {
    FULL.iter().any(|sign| said.contains(sign))
}

/// What git and ssh add to every failure of a remote, and what helps nobody.
const BOILERPLATE: &[&str] = &[
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
];

/// What a failed call is told as: what is wrong and what to do, with git's own line in parentheses; where it is nothing
/// usual, git's own lines. `said` is what git wrote, its lines parted by `; `.
pub(crate) fn failure(verb: &str, exit: &str, said: &str) -> String {
    let lines: Vec<&str> = said.split("; ").filter(|line| !BOILERPLATE.contains(line)).map(without_label).collect();
    for (signs, told) in USUAL {
        if let Some(line) = lines.iter().rfind(|line| signs.iter().any(|sign| line.contains(sign))) {
            return format!("{told} (git {verb}: {line})");
        }
    }
    let said = lines.join("; ");
    format!("git {verb} failed with {exit}{}{said}", if said.is_empty() { "" } else { ": " })
}

fn without_label(line: &str) -> &str {
    let line = line.trim();
    ["fatal: ", "error: "].iter().find_map(|label| line.strip_prefix(label)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_usual_failures_say_what_to_do() {
        let said = [
            "fatal: unable to access 'https://git.example.org/web.git/': Could not resolve host: git.example.org",
            "ssh: connect to host git.example.org port 22: Connection refused; fatal: Could not read from remote repository.; Please make sure you have the correct access rights; and the repository exists.",
            "git@git.example.org: Permission denied (publickey).; fatal: Could not read from remote repository.; Please make sure you have the correct access rights; and the repository exists.",
            "error: unable to write file: No space left on device",
            "error: could not lock config file /srv/x: Permission denied",
            "fatal: '/srv/web.git' does not appear to be a git repository; fatal: Could not read from remote repository.; Please make sure you have the correct access rights; and the repository exists.",
            "fatal: couldn't find remote ref refs/heads/main",
            "fatal: Expected git repo version <= 1, found 99; fatal: Could not read from remote repository.",
            "",
        ];
        let told: String = said.iter().map(|said| failure("fetch", "exit 128", said) + "\n").collect();
        expect![[r#"
            the remote's host name is not known here; check the address in the config, or the network (git fetch: unable to access 'https://git.example.org/web.git/': Could not resolve host: git.example.org)
            the remote does not answer; check the network, or whether its server runs (git fetch: ssh: connect to host git.example.org port 22: Connection refused)
            the remote does not let us in; check the user and the key or password that the config names for it (git fetch: git@git.example.org: Permission denied (publickey).)
            the disk is full; make room on it (git fetch: unable to write file: No space left on device)
            access is denied; give the user that runs this program the right to read and write there (git fetch: could not lock config file /srv/x: Permission denied)
            there is no repository at the remote's address; check the address in the config, or put the repository back (git fetch: '/srv/web.git' does not appear to be a git repository)
            the remote does not have this branch; push it, or name another target in the config (git fetch: couldn't find remote ref refs/heads/main)
            git fetch failed with exit 128: Expected git repo version <= 1, found 99
            git fetch failed with exit 128
        "#]].assert_eq(&told);
    }
}
