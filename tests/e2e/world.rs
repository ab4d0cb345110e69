//! What an instance stands on: a temporary place with a remote, a script for the agent, a config and a home.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tests::git::RemoteRepository;

use crate::instance::{Instance, PROGRAM, program};
use crate::record::Record;

/// The repository that people talk about.
const FILES: [(&str, &str); 4] = [
    (".downbeat/config.toml", "[[checks]]\nname = \"rooms\"\ncommand = \"sh check.sh\"\ntimeout = \"1m\"\n"),
    (
        ".downbeat/recipes/sweep.toml",
        "description = \"Sweep every room\"\n\n[[steps]]\nname = \"sweep\"\ncommand = \"for room in *.room; do echo swept >> $room; done\"\n",
    ),
    (
        "check.sh",
        "#!/bin/sh\nset -eu\nfor room in *.room; do\n    grep -q '^wall: ' \"$room\" || { echo \"$room has no wall\"; exit 1; }\ndone\n",
    ),
    ("hall.room", "wall: white\nfloor: oak\n"),
];

/// What the scripted agent plans and edits.
const SCRIPT: &str = r#"
[[request]]
when = "add a kitchen"
summary = "A kitchen"
paths = ["kitchen.room"]
[[request.edit]]
path = "kitchen.room"
write = "wall: yellow\n"

[[request]]
when = "paint the hall blue"
summary = "A blue hall"
paths = ["hall.room"]
[[request.edit]]
path = "hall.room"
replace = "wall: white"
with = "wall: blue"

[[request]]
when = "paint the hall blue"
after = "darker"
summary = "A dark blue hall"
paths = ["hall.room"]
[[request.edit]]
path = "hall.room"
replace = "wall: white"
with = "wall: navy"

[[request]]
when = "paint the hall red"
summary = "A red hall"
paths = ["hall.room"]
[[request.edit]]
path = "hall.room"
replace = "wall: white"
with = "wall: red"

[[request]]
when = "demand a floor"
summary = "Every room has a floor"
paths = ["check.sh"]
[[request.edit]]
path = "check.sh"
replace = "'^wall: '"
with = "'^floor: '"
"#;

const CONFIG: &str = r#"
state = "{place}/state"
agent = "scripted"

[people.ana]
roles = ["requester"]

[people.dan]
roles = ["requester"]

[people.cleo]
roles = ["requester"]

[people.ben]
roles = ["approver", "operator"]

[repos.house]
remote = "{place}/house.git"
target = "main"

[agents.scripted]
kind = "scripted"
script = "{place}/script.toml"

[agents.recipes]
kind = "recipe"

[web]
listen = "127.0.0.1:0"
"#;

const ONE_RUN_AT_A_TIME: &str = "\n[queue]\npolicy = \"batch\"\n";

/// The user without rights, whom every Linux has.
pub const NOBODY: u32 = 65_534;

/// One place. It goes when the test ends.
pub struct World {
    place: TempDir,
    pub remote: RemoteRepository,
    database: String,
}

impl World {
    /// A place with everything that an `up` needs.
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        let remote = RemoteRepository::bare(&place.path().join("house.git"), &FILES);
        let database = format!("sqlite:{}", place.path().join("state/downbeat.db").display());
        let world = Self { place, remote, database };
        world.write("script.toml", SCRIPT);
        world.write("downbeat.toml", CONFIG);
        world
    }

    /// One whose queue makes one run at a time, so that the road ends the same each time: who of two that do not go
    /// together lands is otherwise a matter of whose checks end first.
    pub fn of_the_road() -> Self {
        let world = Self::new();
        world.configure(ONE_RUN_AT_A_TIME);
        world
    }

    /// The same on another database.
    pub fn on(database: &str) -> Self {
        let world = Self { database: database.to_owned(), ..Self::new() };
        world.write("downbeat.toml", &format!("database = \"{database}\"\n{CONFIG}{ONE_RUN_AT_A_TIME}"));
        world
    }

    /// Writes a file, in which `{place}` stands for this place.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text.replace("{place}", &self.place.path().display().to_string())).unwrap();
        path
    }

    /// The config with something added at its end.
    pub fn configure(&self, more: &str) {
        self.write("downbeat.toml", &format!("{CONFIG}{more}"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn place(&self) -> &Path {
        self.place.path()
    }

    /// The program, at home here.
    pub fn program(&self) -> Command {
        program(&self.path("home"), &self.path("tmp"))
    }

    /// `downbeat up` with this place's config.
    pub fn command(&self) -> Command {
        let mut command = self.program();
        command.arg("up").arg("--config").arg(self.path("downbeat.toml"));
        command
    }

    /// A running instance, ready.
    pub fn up(&self) -> Instance {
        Instance::start(self.command()).ready()
    }

    /// Its database, from outside. It has to be up, or have been.
    pub fn record(&self) -> Record {
        Record::open(&self.database)
    }

    /// Lays the tree of a commit out with plain git and runs the check with plain sh; its complaint when it fails.
    pub fn check_commit(&self, commit: &str) -> Result<(), String> {
        let tree = tempfile::tempdir_in(self.place()).unwrap();
        let index = tree.path().join("index");
        let files = tree.path().join("files");
        std::fs::create_dir(&files).unwrap();
        let mut command = Command::new("git");
        command.args(["read-tree", "--reset", "-u", commit]).current_dir(self.remote.path());
        command.env("GIT_INDEX_FILE", &index).env("GIT_DIR", self.remote.path()).env("GIT_WORK_TREE", &files);
        let laid_out = command.output().unwrap();
        assert!(laid_out.status.success(), "{}", String::from_utf8_lossy(&laid_out.stderr));
        let checked = Command::new("sh").arg("check.sh").current_dir(&files).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        if checked.status.success() { Ok(()) } else { Err(said) }
    }

    /// Gives everything here to the user without rights, with a copy of the program that they can reach.
    pub fn hand_to_nobody(&self) -> PathBuf {
        let copy = self.path("downbeat");
        std::fs::copy(PROGRAM, &copy).unwrap();
        let mut all = vec![self.place().to_owned()];
        while let Some(path) = all.pop() {
            std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            if path.is_dir() {
                all.extend(std::fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()));
            }
        }
        std::fs::set_permissions(self.place(), PermissionsExt::from_mode(0o755)).unwrap();
        copy
    }
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The names in a directory, sorted.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
