//! A repository that nobody has configured: `downbeat up` goes by what it finds, and touches nothing of the person's.

use std::path::{Path, PathBuf};

use tests::git::RemoteRepository;

use crate::instance::{Ended, Instance};
use crate::world::World;

const FILES: [(&str, &str); 3] = [
    ("Makefile", "check:\n\tgrep -q '^wall: ' hall.room\n"),
    (
        ".downbeat/recipes/paint.toml",
        "description = \"Paint\"\n\n[[steps]]\nname = \"paint\"\ncommand = \"echo 'wall: red' > hall.room\"\n",
    ),
    ("hall.room", "wall: white\n"),
];

/// A person's repository, with work of theirs that is not committed.
struct Bench {
    world: World,
    repository: RemoteRepository,
}

impl Bench {
    fn new() -> Self {
        let world = World::new();
        let repository = RemoteRepository::checked_out(&world.path("house"), &FILES);
        std::fs::write(repository.path().join("hall.room"), "wall: half painted\n").unwrap();
        std::fs::write(repository.path().join("notes.txt"), "mine\n").unwrap();
        Self { world, repository }
    }

    fn up(&self, more: &[&str]) -> Instance {
        let mut command = self.world.program();
        command.arg("up").args(more).current_dir(self.repository.path());
        Instance::start(command).ready()
    }

    fn run(&self, args: &[&str]) -> Ended {
        let mut command = self.world.program();
        command.args(args).current_dir(self.repository.path());
        Instance::start(command).ended()
    }

    /// Everything that a person would notice: branch, index, files.
    fn standing(&self) -> String {
        let git = |args: &[&str]| self.repository.git(args);
        let file = |name: &str| std::fs::read_to_string(self.repository.path().join(name)).unwrap();
        [git(&["status", "--porcelain=v2", "--branch"]), git(&["stash", "list"]), file("hall.room"), file("notes.txt")]
            .concat()
    }
}

fn states(world: &World) -> Vec<PathBuf> {
    let below: &Path = &world.path("home/.local/state/downbeat");
    std::fs::read_dir(below).unwrap().flatten().map(|entry| entry.path()).collect()
}

pub fn a_repository_without_a_config_is_served_and_left_alone() {
    let bench = Bench::new();
    let before = bench.standing();
    let instance = bench.up(&[]);
    let said = instance.out.text();
    for words in ["repository  house", "lands on    main of", "`make check`, guessed from Makefile", "downbeat init"] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    assert!(bench.run(&["task", "ask", "paint", "the", "hall"]).out.starts_with("T-1 is asked for in #main"));
    instance.out.wait_for("Plan v1 for T-1").expect("it plans");
    assert_eq!(bench.run(&["task", "approve", "T-1"]).out, "T-1 is approved");
    instance.out.wait_for("T-1 is ready").expect("it works, and its check passes");
    assert_eq!(bench.run(&["task", "merge", "T-1"]).out, "T-1 is in the merge queue");
    instance.out.wait_for("T-1 landed as").expect("it lands");
    let landed = bench.repository.git(&["show", "refs/downbeat/landed/main:hall.room"]);
    assert_eq!(landed.trim(), "wall: red", "what is checked out stays, and the landing waits beside it");
    assert!(instance.stop().status.success());
    assert_eq!(bench.standing(), before, "something of the person's was touched");
    assert_eq!(states(&bench.world).len(), 1, "all state is in one directory");
}

pub fn a_command_can_be_the_agent() {
    let bench = Bench::new();
    let line = "[ $DOWNBEAT_TURN = plan ] && echo 'Grey walls' || echo 'wall: grey' > hall.room";
    let instance = bench.up(&["--agent", line]);
    bench.run(&["task", "ask", "make it grey"]);
    instance.out.wait_for("Grey walls").expect("what it prints is the plan");
    bench.run(&["task", "approve", "T-1"]);
    instance.out.wait_for("T-1 is ready").expect("what it changes is the work");
    assert!(bench.run(&["task", "diff", "T-1"]).out.contains("+wall: grey"));
}

pub fn two_repositories_are_served_side_by_side() {
    let (first, second) = (Bench::new(), Bench::new());
    let (one, two) = (first.up(&[]), second.up(&[]));
    assert_ne!(one.page(), two.page(), "nobody chose the port, so any will do");
    let refused = first.up_refused();
    assert!(refused.err.contains("another downbeat serves this state directory"), "{}", refused.err);
}

impl Bench {
    fn up_refused(&self) -> Ended {
        let ended = self.run(&["up"]);
        assert_eq!(ended.status.code(), Some(1));
        ended
    }
}

pub fn a_place_without_repository_says_what_to_do() {
    let world = World::new();
    let mut command = world.program();
    command.arg("up");
    let ended = Instance::start(command).ended();
    assert_eq!(ended.status.code(), Some(1));
    let said = ended.err.replace(world.place().to_str().unwrap(), "{place}");
    expect_test::expect!["error: there is no config here, and {place}/home is in no git repository; change into one, run `git init`, or name a config with --config"].assert_eq(&said);
    assert!(!world.path("home/.local").exists(), "nothing is left behind where nothing can be served");
}
