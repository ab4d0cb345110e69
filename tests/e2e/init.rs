//! `downbeat init`: asked at a real terminal, and by a script.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, sync_channel};

use domain::Role;
use downbeat::config::{Config, Sources};
use expect_test::{Expect, expect};
use forge::Gate;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;
use tests::git::RemoteRepository;

use crate::instance::{Ended, Instance, PATIENCE, PROGRAM, program};
use crate::world::names_in;

/// Somebody's repository in an empty home.
struct Place {
    place: TempDir,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        RemoteRepository::checked_out(&place.path().join("web"), files);
        Self { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(&self.path("home"), &self.path("tmp"));
        command.env("PATH", "/usr/bin:/bin").current_dir(self.path("web")).arg("init").args(args);
        command
    }

    fn init(&self, args: &[&str]) -> Ended {
        let ended = Instance::start(self.command(args)).ended();
        let shown = |text: &str| text.replace(self.place.path().to_str().unwrap(), "{place}");
        Ended { out: shown(&ended.out), err: shown(&ended.err), ..ended }
    }

    fn config(&self, name: &str) -> Config {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        let text = format!("state = \"/srv\"\n{text}");
        let env = [("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", "xapp-1")];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Config::read(&Sources { generated: &text, file: None, env: &env }).unwrap().config
    }

    fn left(&self) -> Vec<String> {
        names_in(&self.path("web"))
    }
}

fn check(ended: &Ended, code: i32, expected: Expect) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    expected.assert_eq(&ended.err);
}

pub fn a_script_writes_the_config_without_a_terminal() {
    let place = Place::new(&[("Cargo.toml", "[package]\n")]);
    let ended = place.init(&["--yes", "--person", "ana"]);
    check(
        &ended,
        0,
        expect![[r#"
        Wrote downbeat.toml.
        It is a new file in the repository: commit it, or let git overlook it with
          echo /downbeat.toml >> "$(git rev-parse --git-path info/exclude)"
        (`--output FILE` would have put it elsewhere.)

        Next:
          downbeat doctor    try everything that it names
          downbeat up        serve it"#]],
    );
    let config = place.config("web/downbeat.toml");
    let (name, repo) = config.repos.first_key_value().unwrap();
    assert_eq!((name.as_str(), repo.target.as_str()), ("web", "main"));
    assert_eq!(repo.remote.local_path(), Some(&*place.path("web")));
    assert!(matches!(&repo.checks, Some(Gate::Checks(checks)) if checks[0].command == "cargo test"));
    assert!(config.policy.solo && config.people.contains_key(&"ana".parse().unwrap()));
    assert_eq!(place.left(), [".git", "Cargo.toml", "downbeat.toml"], "nothing else was left");
}

pub fn every_answer_can_be_given_beforehand() {
    let place = Place::new(&[("a", "b\n")]);
    let output = place.path("home/my.toml");
    let given = [
        "--yes",
        "--name",
        "acme/site",
        "--target",
        "main",
        "--check",
        "sh check.sh",
        "--person",
        "ben",
        "--agent",
        "./tools/fix.sh",
        "--output",
        output.to_str().unwrap(),
    ];
    let ended = place.init(&given);
    check(
        &ended,
        0,
        expect![[r#"
        Wrote {place}/home/my.toml.

        Next:
          downbeat doctor --config {place}/home/my.toml    try everything that it names
          downbeat up --config {place}/home/my.toml        serve it"#]],
    );
    let config = place.config("home/my.toml");
    assert_eq!(config.agent, "fix");
    assert!(
        matches!(&config.repos.values().next().unwrap().checks, Some(Gate::Checks(checks)) if checks[0].command == "sh check.sh")
    );
    assert_eq!(place.left(), [".git", "a"]);
}

pub fn what_is_there_is_not_replaced_unasked() {
    let place = Place::new(&[("a", "b\n")]);
    let config = place.path("web/downbeat.toml");
    std::fs::write(&config, "mine\n").unwrap();
    check(
        &place.init(&["--yes"]),
        5,
        expect![
            "error: there is already a config at {place}/web/downbeat.toml; `--force` replaces it, and `--output FILE` writes another"
        ],
    );
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "mine\n");
    assert_eq!(place.init(&["--yes", "--force"]).status.code(), Some(0));
    assert_ne!(std::fs::read_to_string(&config).unwrap(), "mine\n");
}

pub fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = Place::new(&[("a", "b\n")]);
    check(
        &place.init(&[]),
        2,
        expect![
            "error: there is no terminal to ask at; `downbeat init --yes` takes every default, and `downbeat init --help` lists the answers that can be given"
        ],
    );
    check(
        &place.init(&["--yes", "--repo", "../nowhere"]),
        1,
        expect!["error: there is nothing at {place}/web/../nowhere"],
    );
    check(
        &place.init(&["--yes", "--repo", "../home"]),
        1,
        expect!["error: {place}/web/../home is not a git repository; run `git init` there, or name another directory"],
    );
    check(
        &place.init(&["--yes", "--target", "trunk"]),
        1,
        expect!["error: {place}/web has no branch `trunk`; it has `main`"],
    );
    check(
        &place.init(&["--yes", "--check", " "]),
        1,
        expect!["error: --check is empty; leave it out, or name a command"],
    );
    check(
        &place.init(&["--yes", "--output", "no/where.toml"]),
        1,
        expect!["error: failed to write {place}/web/no/where.toml: No such file or directory (os error 2)"],
    );
    check(
        &place.init(&["--yes", "--person", "a b"]),
        2,
        expect![[r#"
        error: invalid value 'a b' for '--person <NAME>': `a b` is not a name: 1 to 64 letters, digits, `.`, `-` or `_`, beginning with a letter or digit

        For more information, try '--help'."#]],
    );
    assert_eq!(place.left(), [".git", "a"]);
}

pub fn a_password_is_written_for_its_owner_alone() {
    let place = Place::new(&[("a", "b\n")]);
    let args = ["--yes", "--repo", "https://ana:s3cret@localhost:1/web.git", "--target", "main"];
    let ended = place.init(&args);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!ended.err.contains("s3cret"), "{ended:?}");
    let config = place.path("web/downbeat.toml");
    assert_eq!(std::fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&config).unwrap().contains("https://ana:s3cret@localhost:1/web.git"));
}

/// A terminal with `init` at it.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shown: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn open(place: &Place) -> Self {
        let size = PtySize { rows: 100, cols: 160, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.env_clear();
        for (name, value) in
            [("PATH", Path::new("/usr/bin:/bin")), ("TERM", Path::new("xterm")), ("HOME", &place.path("home"))]
        {
            command.env(name, value);
        }
        command.arg("init");
        command.cwd(place.path("web"));
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, shown) = sync_channel(64);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let (rows, cols) = (NonZeroU16::new(100).unwrap(), NonZeroU16::new(160).unwrap());
        let screen = vt100::Parser::new(rows, cols, 0);
        Self { child, keys: pair.master.take_writer().unwrap(), shown, screen, _terminal: pair.master }
    }

    /// Waits until these words are on the screen.
    fn sees(&mut self, words: &str) {
        while !self.text().contains(words) {
            let chunk = self.shown.recv_timeout(PATIENCE);
            let chunk = chunk.unwrap_or_else(|_| panic!("{words:?} never came:\n{}", self.text()));
            self.screen.process(&chunk);
        }
    }

    /// Waits for a question and answers it with keys.
    fn answers(&mut self, question: &str, keys: &str) {
        self.sees(&format!("? {question}"));
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn text(&self) -> String {
        let text = self.screen.screen().contents();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    fn ends(mut self) -> (u32, String) {
        while let Ok(chunk) = self.shown.recv_timeout(PATIENCE) {
            self.screen.process(&chunk);
        }
        (self.child.wait().unwrap().exit_code(), self.text())
    }
}

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const BACKSPACE: &str = "\x7f";
const CONTROL_C: &str = "\x03";

pub fn a_person_answers_with_enter_or_with_words() {
    let place = Place::new(&[("Makefile", "check:\n\ttrue\n")]);
    let mut terminal = Terminal::open(&place);
    terminal.answers("Which repository?", ENTER);
    terminal.answers("What do people call it?", "no name\r");
    terminal.sees("`no name` is not a repository's name");
    terminal.answers("What do people call it?", &format!("{}site\r", BACKSPACE.repeat(7)));
    terminal.answers("What has to pass", &format!("{DOWN}{ENTER}"));
    terminal.answers("Which command?", "make lint\r");
    terminal.answers("What is your name here?", "ana\r");
    terminal.answers("Who else works with it?", "ben\r");
    terminal.answers("What may ben do?", ENTER);
    terminal.answers("Who else?", ENTER);
    terminal.answers("Your member ID in Slack?", "ana\r");
    terminal.sees("`ana` is no member ID");
    terminal.answers("Your member ID in Slack?", &format!("{}U024BE7LH\r", BACKSPACE.repeat(3)));
    terminal.answers("The member ID of ben in Slack?", ENTER);
    terminal.answers("Which command works as an agent?", ENTER);
    terminal.answers("Write this to", ENTER);
    terminal.sees("downbeat up");
    let (code, screen) = terminal.ends();
    assert_eq!(code, 0, "{screen}");
    let config = place.config("web/downbeat.toml");
    assert_eq!(config.people.values().filter_map(|person| person.slack.as_deref()).collect::<Vec<_>>(), ["U024BE7LH"]);
    let (name, repo) = config.repos.first_key_value().unwrap();
    assert_eq!(name.as_str(), "site");
    assert!(matches!(&repo.checks, Some(Gate::Checks(checks)) if checks[0].command == "make lint"));
    let roles: Vec<_> = config.people.values().map(|person| person.roles.iter().copied().collect::<Vec<_>>()).collect();
    assert_eq!(roles, [vec![Role::Admin], vec![Role::Requester, Role::Approver]]);
    assert!(!config.policy.solo);
}

pub fn ctrl_c_leaves_nothing_behind() {
    let place = Place::new(&[("a", "b\n")]);
    let mut terminal = Terminal::open(&place);
    terminal.answers("Which repository?", ENTER);
    terminal.answers("What do people call it?", CONTROL_C);
    let (code, screen) = terminal.ends();
    assert_eq!(code, 1);
    assert!(screen.contains("stopped; nothing was written"), "{screen}");
    assert_eq!(place.left(), [".git", "a"]);
}
