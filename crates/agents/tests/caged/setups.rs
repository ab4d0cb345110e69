//! A repository's setup: run in the cage, kept by what its outcome depends on, mounted read-only.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use agents::cage::{Cage, CageSettings};
use agents::egress::AllowList;
use agents::setup::{Environment, SetupError, SetupSettings, Setups};
use domain::{Clock, Sha, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::Case;
use crate::project::{Heard, Project, git};
use crate::world::{block_on, nothing_open};

pub const CASES: &[Case] = &[
    ("a_setup_is_made_once_and_seen_by_sessions", a_setup_is_made_once_and_seen_by_sessions),
    ("a_setup_runs_again_when_what_it_depends_on_changed", a_setup_runs_again_when_what_it_depends_on_changed),
    ("a_failed_setup_says_why_and_leaves_nothing", a_failed_setup_says_why_and_leaves_nothing),
    ("a_setup_reaches_what_the_config_lists_and_nothing_else", a_setup_reaches_what_the_config_lists_and_nothing_else),
    ("a_hostile_setup_opens_nothing_up", a_hostile_setup_opens_nothing_up),
    ("a_setup_that_makes_too_much_fails", a_setup_that_makes_too_much_fails),
    ("a_setup_is_stopped", a_setup_is_stopped),
    ("what_is_not_on_the_target_fills_nobody_elses_setup", what_is_not_on_the_target_fills_nobody_elses_setup),
    ("what_is_used_while_others_are_removed_stays", what_is_used_while_others_are_removed_stays),
    ("a_setup_configures_no_agent", a_setup_configures_no_agent),
    ("setups_that_were_not_used_for_long_are_removed", setups_that_were_not_used_for_long_are_removed),
];

/// A clock that is moved by hand.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

struct Site {
    project: Project,
    setups: Setups,
    clock: Arc<Hand>,
    heard: Heard,
}

impl Site {
    fn new(setup: &str) -> Self {
        Self::with(setup, SetupSettings::default())
    }

    fn with(setup: &str, settings: SetupSettings) -> Self {
        let project = Project::new(&[("a", "1\n"), ("lock", "1\n"), (".downbeat/setup", setup)]);
        let clock = Arc::new(Hand(AtomicI64::new(1_700_000_000_000)));
        let cage = Cage::new(CageSettings::default());
        let setups = Setups::new(cage, nothing_open(), project.path("setups"), settings, clock.clone());
        Self { project, setups, clock, heard: Heard::default() }
    }

    /// Commits a file on the remote's main and fetches it.
    fn commit(&self, path: &str, text: &str) -> Sha {
        let remote = self.project.path("remote");
        fs::write(remote.join(path), text).unwrap();
        git(&remote, &["add", "--all"]);
        git(&remote, &["commit", "--quiet", "--message=next"]);
        block_on(self.project.repository.mirror.sync()).unwrap().branch
    }

    /// Commits a file on the remote beside its main, as an agent's change is that nobody has approved, and fetches it.
    fn propose(&self, path: &str, text: &str) -> Sha {
        let remote = self.project.path("remote");
        git(&remote, &["checkout", "--quiet", "-B", "proposed"]);
        fs::write(remote.join(path), text).unwrap();
        git(&remote, &["commit", "--quiet", "--all", "--message=proposed"]);
        let commit: Sha = git(&remote, &["rev-parse", "HEAD"]).trim().parse().unwrap();
        git(&remote, &["checkout", "--quiet", "main"]);
        block_on(self.project.repository.mirror.ensure(&commit)).unwrap();
        commit
    }

    fn word_of(&self, commit: &Sha) -> String {
        let made = self.ready(commit).unwrap().unwrap();
        fs::read_to_string(made.dir().join("word")).unwrap()
    }

    fn ready(&self, commit: &Sha) -> Result<Option<Environment>, SetupError> {
        self.ready_until(commit, &CancellationToken::new())
    }

    fn ready_until(&self, commit: &Sha, stop: &CancellationToken) -> Result<Option<Environment>, SetupError> {
        let repository = &self.project.repository;
        block_on(self.setups.ready(repository, commit, &self.heard, stop))
    }

    /// What was heard since the last time, without the keys.
    fn told(&self) -> String {
        let lines = std::mem::take(&mut *self.heard.lines.lock().unwrap());
        let is_key = |word: &str| word.len() == 10 && word.chars().all(|c| c.is_ascii_hexdigit());
        let plain = |line: &String| {
            let words: Vec<&str> = line.split(' ').map(|word| if is_key(word) { "KEY" } else { word }).collect();
            words.join(" ")
        };
        lines.iter().map(plain).collect::<Vec<_>>().join("; ")
    }

    fn left(&self) -> usize {
        fs::read_dir(self.project.path("setups")).map_or(0, Iterator::count)
    }
}

const MAKES_A_TOOL: &str = "# inputs: lock\n\
    mkdir \"$DOWNBEAT_SETUP_DIR/bin\"\n\
    printf '#!/bin/sh\\necho tool of %s\\n' \"$(cat lock)\" >\"$DOWNBEAT_SETUP_DIR/bin/tool\"\n\
    chmod +x \"$DOWNBEAT_SETUP_DIR/bin/tool\"\n\
    printf 'PATH=%s/bin\\nFLAVOUR=sweet\\nCOLOUR=red\\n' \"$DOWNBEAT_SETUP_DIR\" >\"$DOWNBEAT_SETUP_DIR/env\"\n\
    echo ready\n";

fn a_setup_is_made_once_and_seen_by_sessions() {
    let site = Site::new(MAKES_A_TOOL);
    let environment = site.ready(&site.project.base).unwrap().unwrap();
    let told = site.told();
    assert!(told.starts_with("setup: runs .downbeat/setup for lock; setup: ready; setup: done in "), "{told}");
    assert!(told.ends_with("less than 1 MiB kept as KEY"), "{told}");
    site.clock.0.fetch_add(3 * 3_600_000, Ordering::SeqCst);
    assert_eq!(site.ready(&site.project.base).unwrap(), Some(environment.clone()));
    assert_eq!(site.told(), "setup: KEY from 3 h ago is still right");
    let workspace = site.project.workspace().with_environment(Some(environment.clone()));
    // The agent's own settings count more than a repository's: FLAVOUR is `plain` there.
    let script = "tool >said; echo $FLAVOUR $COLOUR >>said; if touch $DOWNBEAT_SETUP_DIR/x 2>/dev/null; then echo written >>said; fi";
    site.project.work(&*site.project.shell(script, None), &workspace, "x").unwrap();
    assert_eq!(fs::read_to_string(workspace.tree().join("said")).unwrap(), "tool of 1\nplain red\n");
    let without = site.project.workspace();
    let mut script = format!("ls {} >said 2>/dev/null; ", environment.dir().display());
    script.push_str("echo ok >>said");
    site.project.work(&*site.project.shell(&script, None), &without, "x").unwrap();
    assert_eq!(fs::read_to_string(without.tree().join("said")).unwrap(), "ok\n", "nobody else sees it");
}

fn a_setup_runs_again_when_what_it_depends_on_changed() {
    let site = Site::new(MAKES_A_TOOL);
    let ran = |commit: &Sha| {
        site.ready(commit).unwrap();
        site.told().contains("setup: runs")
    };
    assert!(ran(&site.project.base));
    assert!(!ran(&site.commit("a", "2\n")), "nothing of it changed");
    let changed = site.commit("lock", "2\n");
    assert!(ran(&changed));
    assert!(!ran(&site.project.base), "the older one is kept too");
    assert!(ran(&site.commit(".downbeat/setup", &format!("{MAKES_A_TOOL}# more\n"))));
    let gone = site.project.path("remote/.downbeat/setup");
    fs::remove_file(gone).unwrap();
    assert_eq!(site.ready(&site.commit("a", "3\n")), Ok(None), "a repository needs none");
}

fn a_failed_setup_says_why_and_leaves_nothing() {
    let site = Site::new("echo first >$DOWNBEAT_SETUP_DIR/x; echo no such package >&2; exit 3\n");
    for _ in 0..2 {
        let why = site.ready(&site.project.base).unwrap_err().to_string();
        assert_eq!(why, "`.downbeat/setup` ended with exit code 3; its last words:\nno such package");
        let told = site.told();
        assert!(told.contains("no such package; setup: failed, ended with exit code 3 after "), "{told}");
        assert_eq!(site.left(), 0);
    }
    for (wrong, words) in [
        ("LD_PATH", "is not NAME=VALUE"),
        ("2X=1", "names no variable"),
        ("HOME=/x", "is not a setup's to say"),
        ("DOWNBEAT_TASK=T-9", "is not a setup's to say"),
    ] {
        let commit = site.commit(".downbeat/setup", &format!("echo '{wrong}' >$DOWNBEAT_SETUP_DIR/env\n"));
        let why = site.ready(&commit).unwrap_err().to_string();
        assert_eq!(why, format!("`.downbeat/setup` wrote `{wrong}` into its file `env`, which {words}"));
        assert_eq!(site.left(), 0);
    }
    let program = site.project.path("remote/.downbeat/setup");
    let commit = site.commit(".downbeat/setup", "#!/bin/sh\necho \"$0\"; exit 1\n");
    assert!(site.ready(&commit).unwrap_err().to_string().ends_with("\n.downbeat/setup"), "run by sh");
    fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
    let why = site.ready(&site.commit("a", "2")).unwrap_err().to_string();
    assert!(why.ends_with("\n./.downbeat/setup"), "run as a program: {why}");
}

fn a_setup_reaches_what_the_config_lists_and_nothing_else() {
    let shop = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = shop.local_addr().unwrap();
    let selling = std::thread::spawn(move || {
        let mut customer = shop.accept().unwrap().0;
        let mut asked = vec![0; 4_096];
        let n = customer.read(&mut asked).unwrap();
        customer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\npaint\n").unwrap();
        asked.truncate(n);
        String::from_utf8(asked).unwrap()
    });
    let setup = format!(
        "#!/bin/bash\n[ $https_proxy = $HTTP_PROXY ] || exit 7\nproxy=${{http_proxy#http://}}\n\
         get() {{ exec 3<>/dev/tcp/${{proxy/://}}; printf 'GET http://%s/ HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' $1 $1 >&3; tail -n 1 <&3; }}\n\
         get {address} >$DOWNBEAT_SETUP_DIR/made\nget elsewhere.invalid\n\
         exec 4<>/dev/tcp/${{proxy%:*}}/{} && exit 8\nexit 0\n",
        address.port()
    );
    let allow = AllowList::of(&[address.to_string()]).unwrap();
    let site = Site::with(&setup, SetupSettings { allow, ..SetupSettings::default() });
    fs::set_permissions(site.project.path("remote/.downbeat/setup"), PermissionsExt::from_mode(0o755)).unwrap();
    let made = site.ready(&site.commit("a", "2\n")).unwrap().unwrap();
    assert_eq!(fs::read_to_string(made.dir().join("made")).unwrap(), "paint\n");
    assert!(selling.join().unwrap().starts_with("GET / HTTP/1.1"));
    let told = site.told();
    for line in [
        format!("setup: network: GET {address} answered 200, 6 B in "),
        "setup: network: elsewhere.invalid:80 refused, it is on no list, and `setup.allow` in Downbeat's config can open it"
            .to_owned(),
        "setup: downbeat: elsewhere.invalid:80 is not open here: it is on no list".to_owned(),
    ] {
        assert!(told.contains(&line), "{line}\n{told}");
    }
    // What is not on the target may be an agent's, and reaches what an agent does.
    let proposed = site.propose(".downbeat/setup", &format!("{setup}# more\n"));
    site.ready(&proposed).unwrap();
    let (told, closed) = (site.told(), format!("{address} refused, it is on no list, and `egress.allow`"));
    assert!(told.contains(&closed), "{told}");
}

fn a_hostile_setup_opens_nothing_up() {
    let site = Site::new("true\n");
    let secret = site.project.path("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("key"), "the key").unwrap();
    for (script, words) in [
        ("rm -r $DOWNBEAT_SETUP_DIR; ln -s SECRET $DOWNBEAT_SETUP_DIR", "removed or replaced $DOWNBEAT_SETUP_DIR"),
        ("rm -r $DOWNBEAT_SETUP_DIR", "removed or replaced $DOWNBEAT_SETUP_DIR"),
        ("ln -s SECRET/key $DOWNBEAT_SETUP_DIR/env", "left a file `env` that cannot be read: it is no file"),
        ("mkfifo $DOWNBEAT_SETUP_DIR/env", "left a file `env` that cannot be read: it is no file"),
        (
            "head -c 100000 /dev/zero >$DOWNBEAT_SETUP_DIR/env",
            "left a file `env` that cannot be read: it has more than 65536 bytes",
        ),
        ("cat SECRET/key", "ended with exit code 1; its last words:"),
        ("touch SECRET/x", "ended with exit code 1; its last words:"),
        ("cd /proc/1; ls .. >/dev/null; touch ../../x", "ended with exit code 1"),
    ] {
        let script = script.replace("SECRET", secret.to_str().unwrap());
        let commit = site.commit(".downbeat/setup", &format!("{script}\n"));
        let why = site.ready(&commit).unwrap_err().to_string();
        assert!(why.starts_with(&format!("`.downbeat/setup` {words}")), "{script}: {why}");
        assert!(!why.contains("the key"), "{why}");
        assert_eq!(site.left(), 0, "{script}");
    }
    let commit = site.commit(".downbeat/setup", &format!("ln -s {} $DOWNBEAT_SETUP_DIR/in\n", secret.display()));
    let environment = site.ready(&commit).unwrap();
    let workspace = site.project.workspace().with_environment(environment);
    let script = "cat $DOWNBEAT_SETUP_DIR/in/key >said 2>/dev/null; echo done >>said";
    site.project.work(&*site.project.shell(script, None), &workspace, "x").unwrap();
    assert_eq!(fs::read_to_string(workspace.tree().join("said")).unwrap(), "done\n", "a link opens nothing up");
}

fn a_setup_that_makes_too_much_fails() {
    let settings = SetupSettings { bytes_max: 2 << 20, ..SetupSettings::default() };
    let site = Site::with("head -c 3000000 /dev/zero >$DOWNBEAT_SETUP_DIR/big\n", settings);
    let why = site.ready(&site.project.base).unwrap_err().to_string();
    assert_eq!(why, "`.downbeat/setup` made more than 2 MiB");
    let settings = SetupSettings { time: Duration::from_millis(300), ..SetupSettings::default() };
    let site = Site::with("sleep 100\n", settings);
    let why = site.ready(&site.project.base).unwrap_err().to_string();
    assert_eq!(why, "`.downbeat/setup` was stopped at its time limit");
    assert_eq!(site.left(), 0);
}

fn a_setup_is_stopped() {
    let mut site = Site::new("echo begun; sleep 100\n");
    let stop = CancellationToken::new();
    site.heard.stop_at_first = Some(stop.clone());
    assert_eq!(site.ready_until(&site.project.base, &stop), Err(SetupError::Stopped));
    assert_eq!(site.left(), 0);
}

fn setups_that_were_not_used_for_long_are_removed() {
    let settings = SetupSettings { kept_bytes_max: 3 << 20, ..SetupSettings::default() };
    let big = "head -c 2000000 /dev/zero >$DOWNBEAT_SETUP_DIR/big #";
    let site = Site::with(&format!("{big} 1\n"), settings);
    let first = site.ready(&site.project.base).unwrap().unwrap();
    let commit = site.commit(".downbeat/setup", &format!("{big} 2\n"));
    let second = site.ready(&commit).unwrap().unwrap();
    assert!(first.dir().exists(), "a session may still be in it");
    site.clock.0.fetch_add(25 * 3_600_000, Ordering::SeqCst);
    site.ready(&commit).unwrap();
    fs::create_dir(site.project.path("setups/half")).unwrap();
    block_on(site.setups.trim()).unwrap();
    assert!(!first.dir().exists());
    assert!(second.dir().exists(), "it was used last");
    assert_eq!(site.left(), 2, "one setup and its note");
}

fn what_is_not_on_the_target_fills_nobody_elses_setup() {
    let site = Site::new("cat a >$DOWNBEAT_SETUP_DIR/word # it names no inputs\n");
    let evil = site.propose("a", "evil\n");
    assert_eq!(site.word_of(&evil), "1\n", "the target asks for the same, and its own is made");
    assert_eq!(site.word_of(&site.project.base), "1\n");
    let other = "cat a >$DOWNBEAT_SETUP_DIR/word # another\n";
    let evil = {
        site.propose("a", "evil\n");
        let remote = site.project.path("remote");
        git(&remote, &["checkout", "--quiet", "proposed"]);
        site.propose(".downbeat/setup", other)
    };
    assert_eq!(site.word_of(&evil), "evil\n", "its own checks have what it makes");
    site.told();
    assert_eq!(site.word_of(&evil), "evil\n");
    assert!(site.told().ends_with("is still right"), "it is kept for the same tree");
    let landed = site.commit(".downbeat/setup", other);
    assert_eq!(site.word_of(&landed), "1\n", "nobody else gets it");
    assert_eq!(site.word_of(&evil), "1\n", "what is kept of the target is for everybody");
}

fn what_is_used_while_others_are_removed_stays() {
    let site = Site::new("touch $DOWNBEAT_SETUP_DIR/x\n");
    let made = site.ready(&site.project.base).unwrap().unwrap();
    let (setups, done) = (site.setups.clone(), CancellationToken::new());
    let (trimmed, stop) = (setups.clone(), done.clone());
    let trimming = std::thread::spawn(move || {
        while !stop.is_cancelled() {
            block_on(trimmed.trim()).unwrap();
        }
    });
    for n in 0..500 {
        site.ready(&site.project.base).unwrap();
        assert!(made.dir().join("x").exists(), "it was removed under a session, after {n} looks");
    }
    done.cancel();
    trimming.join().unwrap();
    fs::remove_dir_all(made.dir()).unwrap();
    site.told();
    assert_eq!(site.ready(&site.project.base).unwrap(), Some(made.clone()));
    assert!(made.dir().join("x").exists() && site.told().contains("setup: runs"), "it is made again");
}

fn a_setup_configures_no_agent() {
    let site = Site::new("true\n");
    for name in [
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "BASH_ENV",
        "ENV",
        "XDG_CONFIG_HOME",
        "https_proxy",
        "GIT_SSH_COMMAND",
        "CLAUDE_CONFIG_DIR",
        "ANTHROPIC_AUTH_TOKEN",
        "CODEX_HOME",
        "OPENCODE_CONFIG",
    ] {
        let commit = site.commit(".downbeat/setup", &format!("echo '{name}=/x' >$DOWNBEAT_SETUP_DIR/env\n"));
        let why = site.ready(&commit).unwrap_err().to_string();
        let said = "into its file `env`, which configures programs, not a build";
        assert_eq!(why, format!("`.downbeat/setup` wrote `{name}=/x` {said}"));
        assert!(site.told().ends_with(&format!("`{name}=/x` {said}")), "the log does not name it");
    }
    let commit = site.commit(".downbeat/setup", "echo 'GOFLAGS=-v' >$DOWNBEAT_SETUP_DIR/env\n");
    assert!(site.ready(&commit).is_ok());
}
