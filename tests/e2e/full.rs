//! A machine that has no room for one more process, for a while.

use std::path::Path;
use std::process::Command;

use crate::agents::wait_for;
use crate::gate::Gate;
use crate::instance::{Instance, PROGRAM};
use crate::world::{NOBODY, World, is_root};

/// A command of a user without rights, because the kernel exempts root from its limit on processes.
fn without_rights(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let nobody = NOBODY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]).arg(program);
    command
}

fn up(world: &World) -> Instance {
    let program = if is_root() { world.hand_to_nobody() } else { PROGRAM.into() };
    let mut command = without_rights(&program);
    command.args(["up", "--config"]).arg(world.path("downbeat.toml"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.path("home"));
    command.env("TMPDIR", world.path("tmp"));
    Instance::start(command).ready()
}

/// Moves the limit on the processes of this one's user, as it counts for this one.
fn allow_processes(instance: &Instance, n: &str) {
    let mut command = without_rights(Path::new("prlimit"));
    let limited = command.args(["--pid", &instance.id().to_string(), &format!("--nproc={n}:")]).status();
    assert!(limited.unwrap().success());
}

/// There is no room for git at the end of a turn: the task waits, says for what, and goes on once there is.
pub fn a_machine_without_room_is_waited_for() {
    let world = World::new();
    std::fs::create_dir(world.path("gates")).unwrap();
    let gate = Gate::at(&world.path("gates/way"));
    world.write(
        "build.sh",
        "[ -e {place}/gates/open ] || read line < {place}/gates/way\necho 'wall: red' >kitchen.room\n",
    );
    world.configure(
        "\n[cage]\nread = [\"{place}/build.sh\", \"{place}/gates\"]\n\n[agents.builder]\nkind = \"command\"\n\
         command = [\"/bin/sh\", \"{place}/build.sh\"]\n",
    );
    let mut instance = up(&world);
    instance.say("ana: @agent add a kitchen agent=builder plan=off");
    let visitor = gate.wait_for_somebody();
    allow_processes(&instance, "0");
    world.write("gates/open", "");
    visitor.let_through();
    wait_for(&instance, "keeps trying: `git` could not be started");
    let told = "session put off: `git` could not be started: Resource temporarily unavailable (os error 11); the machine is \
                full, and other programs have to end first";
    assert!(instance.err.text().contains(told), "{}", instance.err.text());
    allow_processes(&instance, "4096");
    wait_for(&instance, "T-1 is ready");
}
