//! What really held a caged run, in data and in the words that people see on every card.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::spec::Held;

/// What held a caged run, as it was really established; people see it on the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// How firmly.
    pub held: Held,
    /// Landlock's version in the kernel; none means that the cage was off.
    pub landlock_abi: Option<i32>,
    /// Whether the run had its own process ids, so that its end is the kernel's work.
    pub own_processes: bool,
    /// Whether the other processes of the machine were hidden from it.
    pub hidden_processes: bool,
    /// Whether nothing outside could be changed, not even the mode of a file of the same user.
    pub frozen_outside: bool,
    /// What it could reach.
    pub reach: Reach,
    /// Whether something stops a fork bomb.
    pub bounded_processes: bool,
}

/// What network a caged run could reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Nothing but its own loopback.
    OwnLoopback,
    /// Its own loopback and the gate.
    Gate,
    /// The gate's port, at every address that has one; the kernel could not deny UDP.
    GatePort,
    /// No TCP; the kernel could not deny UDP.
    NoTcp,
    /// Everything, because it was allowed or because the kernel can deny nothing.
    Everything,
}

impl Level {
    /// Landlock's first version that stops a file from being truncated.
    const ABI_TRUNCATE: i32 = 3;
    /// Landlock's first version that keeps signals and abstract sockets inside.
    const ABI_SCOPES: i32 = 6;
    /// Landlock's first version that keeps sockets in the file system inside.
    const ABI_UNIX_SOCKETS: i32 = 9;

    /// The level's name, and in parentheses what it does not hold.
    pub fn in_brief(&self) -> String {
        let open = self.open_ends();
        let name = self.held.name();
        if open.is_empty() { name.to_owned() } else { format!("{name} (open: {})", open.join(", ")) }
    }

    /// What is open to the run that `strong` would close; nothing at `strong` on a kernel of today.
    pub fn open_ends(&self) -> Vec<&'static str> {
        let Some(abi) = self.landlock_abi else { return vec!["everything that this program can touch"] };
        let strong = self.held == Held::Strong;
        let ends = [
            (self.reach == Reach::Everything, "network"),
            (self.reach == Reach::GatePort, "the gate's port at every address"),
            (!strong && abi < Self::ABI_UNIX_SOCKETS, "unix sockets"),
            (!strong, "git hooks of its tree"),
            (!self.hidden_processes, "names of other processes"),
            (!self.frozen_outside, "modes of files outside"),
            (!strong && abi < Self::ABI_TRUNCATE, "truncating files outside"),
            (!self.own_processes && abi < Self::ABI_SCOPES, "signals to other processes"),
        ];
        ends.into_iter().filter(|(open, _)| *open).map(|(_, words)| words).collect()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(abi) = self.landlock_abi else {
            return f.write_str("off: no sandbox, the command can touch whatever this program can");
        };
        write!(f, "{}: ", self.held.name())?;
        if self.held == Held::Strong {
            f.write_str("own root, ")?;
        }
        f.write_str(if self.own_processes { "own processes" } else { "no namespaces" })?;
        f.write_str(match self.reach {
            Reach::OwnLoopback => ", own loopback only",
            Reach::Gate => ", network through the gate only",
            Reach::GatePort => ", TCP to the gate's port only",
            Reach::NoTcp => ", no TCP or UDP",
            Reach::Everything => ", network open",
        })?;
        write!(f, ", Landlock ABI {abi}, seccomp")?;
        f.write_str(if self.bounded_processes {
            ", memory by measuring"
        } else {
            ", memory and processes by measuring"
        })?;
        let open = self.open_ends();
        if open.is_empty() { Ok(()) } else { write!(f, "; open: {}", open.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(held: Held, abi: Option<i32>, own: bool, reach: Reach) -> String {
        let level = Level {
            held,
            landlock_abi: abi,
            own_processes: own,
            hidden_processes: own,
            frozen_outside: own,
            reach,
            bounded_processes: own,
        };
        format!("{level}\n  card: {}", level.in_brief())
    }

    #[test]
    fn a_level_names_what_it_does_not_hold() {
        expect_test::expect![[r#"
            strong: own root, own processes, network through the gate only, Landlock ABI 7, seccomp, memory by measuring
              card: strong
            standard: own processes, own loopback only, Landlock ABI 7, seccomp, memory by measuring; open: unix sockets, git hooks of its tree
              card: standard (open: unix sockets, git hooks of its tree)
            standard: no namespaces, TCP to the gate's port only, Landlock ABI 9, seccomp, memory and processes by measuring; open: the gate's port at every address, git hooks of its tree, names of other processes, modes of files outside
              card: standard (open: the gate's port at every address, git hooks of its tree, names of other processes, modes of files outside)
            standard: no namespaces, network open, Landlock ABI 2, seccomp, memory and processes by measuring; open: network, unix sockets, git hooks of its tree, names of other processes, modes of files outside, truncating files outside, signals to other processes
              card: standard (open: network, unix sockets, git hooks of its tree, names of other processes, modes of files outside, truncating files outside, signals to other processes)
            off: no sandbox, the command can touch whatever this program can
              card: off (open: everything that this program can touch)"#]]
        .assert_eq(
            &[
                level(Held::Strong, Some(7), true, Reach::Gate),
                level(Held::Standard, Some(7), true, Reach::OwnLoopback),
                level(Held::Standard, Some(9), false, Reach::GatePort),
                level(Held::Standard, Some(2), false, Reach::Everything),
                level(Held::Off, None, false, Reach::Everything),
            ]
            .join("\n"),
        );
    }
}
