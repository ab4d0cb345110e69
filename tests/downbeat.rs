//! The real program under a name of its own, so that tests have it as the launcher of their cages and as the scripted
//! agent.

use std::process::ExitCode;

fn main() -> ExitCode {
    downbeat::main()
}
