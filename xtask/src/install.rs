//! What a bare Debian with Rust lacks: found, named, and installed where that is allowed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that the tests run, and the Debian package that brings it.
struct Need {
    package: &'static str,
    /// What the tests do with it.
    purpose: &'static str,
    present: fn() -> bool,
}

const NEEDS: [Need; 8] = [
    Need { package: "git", purpose: "every repository", present: || on_path("git").is_some() },
    Need { package: "bubblewrap", purpose: "the cage at its strongest", present: || on_path("bwrap").is_some() },
    Need {
        package: "util-linux",
        purpose: "setpriv: a PostgreSQL that does not run as root",
        present: || !is_root() || on_path("setpriv").is_some(),
    },
    Need { package: "postgresql", purpose: "conformance on PostgreSQL", present: || postgres_bin().is_some() },
    Need {
        package: "python3-venv",
        purpose: "the linter of the Dockerfile",
        present: || {
            on_path("hadolint").is_some() || succeeds_silently(Command::new("python3").args(["-c", "import ensurepip"]))
        },
    },
    Need { package: "npm", purpose: "the real coding agents", present: || on_path("npm").is_some() },
    Need {
        package: "faketime",
        purpose: "clocks that jump while the program runs",
        present: || on_path("faketime").is_some(),
    },
    Need {
        package: "systemd",
        purpose: "systemd-analyze: the unit is verified",
        present: || on_path("systemd-analyze").is_some(),
    },
];

/// Installs the Debian packages and Rust components that are missing, saying which. What it may not install, it prints
/// the line for; the steps that need it then skip themselves.
pub fn install_missing() {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.present)()).collect();
    if !missing.is_empty() {
        for need in &missing {
            println!("missing: {} ({})", need.package, need.purpose);
        }
        install_packages(&missing.iter().map(|need| need.package).collect::<Vec<_>>());
    }
    for component in ["rustfmt", "clippy"].into_iter().filter(|component| !has_component(component)) {
        println!("missing: {component}; trying rustup");
        run(Command::new("rustup").args(["component", "add", component]));
    }
}

/// The line that installs a package by hand.
pub fn remedy(package: &str) -> String {
    format!("To have it: sudo apt-get install -y --no-install-recommends {package}")
}

fn install_packages(packages: &[&str]) {
    let may_install = is_root() && on_path("apt-get").is_some();
    if !may_install {
        println!("{}", remedy(&packages.join(" ")));
        return;
    }
    println!("installing with apt-get: {}", packages.join(" "));
    let apt_get = || {
        let mut command = Command::new("apt-get");
        // Debian starts a server of its own when it installs `postgresql`; in the runlevel of maintenance it does not.
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").stdin(Stdio::null());
        command
    };
    let install = || run(apt_get().args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages));
    if !install() && run(apt_get().args(["update", "-qq"])) {
        install();
    }
}

/// Whether cargo has this subcommand.
pub fn has_cargo_command(name: &str) -> bool {
    succeeds_silently(Command::new("cargo").args([name, "--version"]))
}

/// Whether rustfmt or clippy is here, rustup's empty stand-in for it not counted.
pub fn has_component(name: &str) -> bool {
    has_cargo_command(if name == "rustfmt" { "fmt" } else { name })
}

/// Where PostgreSQL's server and `initdb` are, the newest version first; Debian keeps them off the PATH.
pub fn postgres_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max_by_key(|bin| {
            bin.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or(0)
        });
    newest.or_else(|| on_path("initdb").and_then(|initdb| initdb.parent().map(Path::to_owned)))
}

/// Whether this process is root.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Where a program is, if it is on the PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// Runs a program with its output shown; whether it succeeded.
pub fn run(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

/// Runs a program with its output hidden; whether it succeeded.
pub fn succeeds_silently(command: &mut Command) -> bool {
    run(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
}
