//! The level `strong`: `bwrap` makes a root of bind mounts, in which paths outside do not exist, with processes, network
//! and devices of its own. What it starts is this program again, as the first process inside.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{
    ffi::OsString,
    io::{self, Read, Write},
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{Pid, getegid, geteuid};

use super::rules::{DEVICES_OF_ITS_OWN, ETC, SYSTEM, rooms};
use super::spec::{Access, Network, Spec};

/// Where bubblewrap may be; never a directory that a user may write to.
const PLACES: [&str; 2] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"];

/// Where this program lies inside.
const LAUNCHER_INSIDE: &str = "/run/downbeat/launcher";

/// The word after the verb by which this program is told to be the first process inside.
pub(super) const INSIDE: &str = "inside";

/// The user and group that root becomes inside, as in the namespaces of `standard`.
const ROOT_INSIDE: u32 = 1_000;

/// Bytes in shared memory, and in `/tmp` where that is not a directory of the run's own. Browsers want 64 MiB of it.
const MEMORY_FILES_BYTES: u64 = 256 << 20;

/// What of `/sys` is inside: how programs learn the number of processors.
const MACHINE: [&str; 2] = ["/sys/devices/system/cpu", "/sys/devices/system/node"];

/// Where bubblewrap is on this machine.
pub(super) fn path() -> Option<&'static str> {
    PLACES.into_iter().find(|path| Path::new(path).is_file())
}

/// Everything kept apart. Bubblewrap fails as a whole when the kernel refuses one of them.
pub(super) const APART: [&str; 9] = [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--as-pid-1",
];

/// Tries everything that is kept apart, once, on a machine that otherwise stays as it is. The error is bubblewrap's own.
pub(super) async fn works() -> Result<(), String> {
    let Some(path) = path() else { return Err("bubblewrap is not installed".to_owned()) };
    #[expect(clippy::disallowed_methods, reason = "it is the cage that is tried")]
    let mut command = tokio::process::Command::new(path);
    command.env_clear().args(APART).args(["--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]);
    let output = command.args(["--", "/bin/true"]).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = output.await.map_err(|error| format!("{path}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(words.lines().next().unwrap_or("bubblewrap failed without a word").to_owned())
}

/// What was started: bubblewrap itself, and the first process inside by its id outside.
pub(super) struct Started {
    pub bubblewrap: Pid,
    pub first: Pid,
}

/// Starts bubblewrap with this program as the first process inside, which tells through `teller`.
#[expect(clippy::disallowed_methods, reason = "the launcher is the cage, and has neither a clock nor a runtime")]
pub(super) fn start(spec: &Spec, teller: &io::PipeWriter) -> Result<Started, String> {
    let Some(path) = path() else { return Err("bubblewrap is not installed".to_owned()) };
    let failed = |error: io::Error| format!("bubblewrap cannot be started: {error}");
    let (reading, mut writing) = io::pipe().map_err(failed)?;
    let (mut info, informing) = io::pipe().map_err(failed)?;
    for fd in [reading.as_fd(), informing.as_fd(), teller.as_fd()] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map_err(|error| failed(error.into()))?;
    }
    let mut command = Command::new(path);
    command.env_clear().args(APART).args(["--cap-drop", "ALL", "--hostname", "downbeat"]);
    command.args(["--info-fd", &informing.as_raw_fd().to_string()]).args(arguments(spec)?);
    command.args(["--", LAUNCHER_INSIDE, super::VERB, INSIDE]);
    command.args([reading.as_raw_fd(), teller.as_raw_fd()].map(|fd| fd.to_string()));
    let child = command.spawn().map_err(failed)?;
    drop((reading, informing));
    let bubblewrap = Pid::from_raw(child.id() as i32);
    let first = first_process(&mut info).map_err(failed)?.unwrap_or(bubblewrap);
    let frame = super::launcher::framed(spec).map_err(|error| failed(error.into()))?;
    // Where bubblewrap failed nobody reads; that it told nothing says so.
    let _ = writing.write_all(&frame);
    Ok(Started { bubblewrap, first })
}

/// Bubblewrap writes `{"child-pid": N}` as soon as there is one, and nothing when it fails before.
fn first_process(info: &mut io::PipeReader) -> io::Result<Option<Pid>> {
    let mut text = Vec::new();
    while !text.contains(&b'}') {
        let mut chunk = [0; 256];
        let n = info.read(&mut chunk)?;
        if n == 0 {
            return Ok(None);
        }
        text.extend_from_slice(&chunk[..n]);
    }
    let told: serde_json::Value = serde_json::from_slice(&text)?;
    Ok(told["child-pid"].as_i64().map(|pid| Pid::from_raw(pid as i32)))
}

fn arguments(spec: &Spec) -> Result<Vec<OsString>, String> {
    let inside = |id: u32| if id == 0 { ROOT_INSIDE } else { id }.to_string();
    let mut view = View(Vec::new());
    view.add(["--uid", &inside(geteuid().as_raw()), "--gid", &inside(getegid().as_raw())]);
    match spec.network {
        Network::Denied | Network::Gate(_) => drop(view.add(["--unshare-net"])),
        Network::Allowed => {}
    }
    view.add_system();
    view.add_places(spec);
    view.add_own(spec)?;
    view.add(["--ro-bind"]).add([launcher(spec)?.as_os_str(), LAUNCHER_INSIDE.as_ref()]);
    // Last, because it is bubblewrap that makes the directories in it.
    view.add(["--remount-ro", "/", "--chdir"]).add([&spec.cwd]);
    Ok(view.0)
}

/// What the inside sees, mount by mount.
struct View(Vec<OsString>);

impl View {
    fn add<S: Into<OsString>>(&mut self, words: impl IntoIterator<Item = S>) -> &mut Self {
        self.0.extend(words.into_iter().map(Into::into));
        self
    }

    fn show(&mut self, how: &str, path: &Path) {
        self.add([how]).add([path, path]);
    }

    /// Programs, libraries and what they look up; processes and devices of its own.
    fn add_system(&mut self) {
        for path in SYSTEM.iter().map(Path::new).filter(|path| *path != Path::new("/proc")) {
            match fs::read_link(path) {
                Ok(target) => drop(self.add(["--symlink"]).add([target.as_path(), path])),
                Err(_) => self.show("--ro-bind-try", path),
            }
        }
        for name in ETC {
            self.show("--ro-bind-try", &Path::new("/etc").join(name));
        }
        for path in MACHINE {
            self.show("--ro-bind-try", Path::new(path));
        }
        let size = MEMORY_FILES_BYTES.to_string();
        self.add(["--proc", "/proc", "--dev", "/dev"]);
        self.add(["--size", &size, "--perms", "1777", "--tmpfs", DEVICES_OF_ITS_OWN[0]]);
        self.add(["--remount-ro", "/dev"]);
    }

    /// `/tmp`, what else may be read, and the gate's socket.
    fn add_places(&mut self, spec: &Spec) {
        let [tmp, home] = rooms(&spec.private);
        let read: Vec<&PathBuf> = spec.read.iter().filter(|path| !is_covered(path, &spec.read)).collect();
        let below_tmp = |path: &PathBuf| path.starts_with("/tmp");
        if [&spec.tree, &tmp, &home].into_iter().chain(read.iter().copied()).any(below_tmp) {
            self.add(["--size", &MEMORY_FILES_BYTES.to_string(), "--perms", "1777", "--tmpfs", "/tmp"]);
        } else {
            self.add(["--bind"]).add([tmp.as_path(), Path::new("/tmp")]);
        }
        for path in read {
            self.show_also(path);
        }
        if let Network::Gate(door) = &spec.network {
            self.show("--ro-bind", door.socket());
        }
    }

    /// Something of the machine's. A link stays one, because programs look for their files beside what it leads to.
    fn show_also(&mut self, path: &Path) {
        match fs::canonicalize(path) {
            Ok(real) if path.is_symlink() => {
                if !is_covered(&real, &[]) {
                    self.show("--ro-bind-try", &real);
                }
                self.add(["--symlink"]).add([real.as_path(), path]);
            }
            Ok(_) | Err(_) => self.show("--ro-bind-try", path),
        }
    }

    /// The run's own directories. Of its git directory it may not change what would run programs of its choice, nor
    /// put another in its place.
    fn add_own(&mut self, spec: &Spec) -> Result<(), String> {
        for room in rooms(&spec.private) {
            self.show("--bind", &room);
        }
        match spec.access {
            Access::ReadOnly => self.show("--ro-bind", &spec.tree),
            Access::ReadWrite => {
                self.show("--bind", &spec.tree);
                for (how, path) in kept_as_they_are(&spec.tree)? {
                    self.show(how, &path);
                }
            }
        }
        Ok(())
    }
}

/// Whether a path is inside already: with the system, or with another of these.
fn is_covered(path: &Path, others: &[PathBuf]) -> bool {
    let with_system = SYSTEM.iter().any(|system| path.starts_with(system));
    with_system || others.iter().any(|other| other != path && path.starts_with(other))
}

/// The parts of the tree's git directory that stay as they are, where it has one.
fn kept_as_they_are(tree: &Path) -> Result<Vec<(&'static str, PathBuf)>, String> {
    let git = tree.join(".git");
    let is = |path: &Path, want: fn(&fs::Metadata) -> bool| fs::symlink_metadata(path).is_ok_and(|found| want(&found));
    if !is(&git, fs::Metadata::is_dir) {
        return Ok(Vec::new());
    }
    let (hooks, config) = (git.join("hooks"), git.join("config"));
    if let Err(error) = fs::create_dir(&hooks)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(format!("{}: {error}", hooks.display()));
    }
    let mut kept = vec![("--bind", git)];
    kept.extend(is(&hooks, fs::Metadata::is_dir).then_some(("--ro-bind", hooks)));
    kept.extend(is(&config, fs::Metadata::is_file).then_some(("--ro-bind", config)));
    Ok(kept)
}

/// This program's file. Where it was replaced since we were started, a copy of what we are.
fn launcher(spec: &Spec) -> Result<PathBuf, String> {
    let failed = |error: io::Error| format!("this program's own file cannot be found: {error}");
    let named = fs::read_link("/proc/self/exe").map_err(failed)?;
    let same = |a: fs::Metadata, b: fs::Metadata| {
        use std::os::unix::fs::MetadataExt;
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    };
    if let (Ok(there), Ok(ours)) = (fs::metadata(&named), fs::metadata("/proc/self/exe"))
        && same(there, ours)
    {
        return Ok(named);
    }
    let copy = spec.private.join("launcher");
    fs::copy("/proc/self/exe", &copy).map_err(failed)?;
    Ok(copy)
}
