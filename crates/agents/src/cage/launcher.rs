//! The launcher: `downbeat cage`, the program executed again to enforce the cage and to end everything in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{ForkResult, Pid, fork, setsid};

use super::bubblewrap::INSIDE;
use super::inside::{self, how_it_ended};
use super::spec::{Held, How, Report, Spec};
use super::supervisor::{Guard, hold_signals, parent_lives, wait_for};
use super::walls::{Raised, walls_of};

/// Bytes of a spec beyond which it is refused; a real one has a few thousand.
const SPEC_BYTES_MAX: u32 = 1 << 20;

/// The whole program when it was started as the launcher. Must be called before any other thread exists.
///
/// Reads the spec from standard input (four bytes of length, then JSON); what follows it there is the command's.
/// The exit code means nothing: how the run ended stands in the report. With the word `inside` after the verb it is
/// the first process inside, started by bubblewrap, and reads and tells through the two descriptors named after that.
pub fn launch_main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(2).collect();
    let done = match words.as_slice() {
        [] => read_spec_of_stdin().and_then(|spec| {
            let report = launch(&spec).unwrap_or_else(|why| Report { level: None, how: How::CouldNotStart(why) });
            fs::write(spec.private.join(REPORT), serde_json::to_vec(&report)?)
        }),
        [word, reading, telling] if word == INSIDE => live_in_bubblewrap(reading, telling),
        _ => Err(io::Error::other(format!("unknown words {words:?}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("this verb is for the program's own use: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read_spec_of_stdin() -> io::Result<Spec> {
    // Not `io::stdin()`: its buffer would swallow the beginning of what belongs to the command.
    read_spec(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

fn read_spec(mut from: File) -> io::Result<Spec> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > SPEC_BYTES_MAX {
        return Err(io::Error::other(format!("a spec of {length} bytes")));
    }
    let mut text = vec![0; length as usize];
    from.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// The text that `read_spec` reads.
pub(super) fn framed(spec: &Spec) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_vec(spec)?;
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    Ok([length.to_le_bytes().as_slice(), &text].concat())
}

/// The report's name in the private directory.
pub(super) const REPORT: &str = "report.json";

/// The name of the file in the private directory that is locked for as long as a run goes on.
const RUNNING: &str = "running.lock";

/// Locks the private directory until everything in it has ended, whatever becomes of the process that wanted it run.
fn occupy(private: &Path) -> io::Result<File> {
    let lock = File::create(private.join(RUNNING))?;
    lock.lock_shared()?;
    Ok(lock)
}

/// Whether a run with this private directory goes on, be it one that an earlier process of ours began.
pub(crate) fn is_occupied(private: &Path) -> bool {
    match File::open(private.join(RUNNING)) {
        Ok(lock) => lock.try_lock().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

fn launch(spec: &Spec) -> Result<Report, String> {
    let guard = Guard::Parent(Pid::from_raw(spec.parent));
    let refused = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    hold_signals().map_err(refused("signals cannot be held"))?;
    setsid().map_err(refused("no session of its own"))?;
    close_inherited().map_err(|error| format!("inherited files cannot be closed: {error}"))?;
    let _occupied = occupy(&spec.private).map_err(|error| format!("its directory cannot be locked: {error}"))?;
    prctl::set_child_subreaper(true).map_err(refused("orphans cannot be adopted"))?;
    let (mut told, teller) = io::pipe().map_err(|error| format!("no pipe: {error}"))?;
    let walls = walls_of(spec)?;
    // After the walls, because a change of credentials may clear it; the check covers the time before.
    prctl::set_pdeathsig(Signal::SIGHUP).map_err(refused("the program's death cannot be watched"))?;
    if !parent_lives(guard) {
        return Err("the program ended meanwhile".into());
    }
    let Raised { child, reach } = walls.raise(spec, teller)?;
    let status = wait_for(child, &reach, guard, None).0;
    let mut lines = String::new();
    told.read_to_string(&mut lines).map_err(|error| format!("nothing was heard from inside: {error}"))?;
    if lines.is_empty() && spec.held == Held::Strong {
        return Err("bubblewrap could not make the sandbox; what it said is in the output".to_owned());
    }
    Ok(understand(&lines, status))
}

/// The first process inside, as bubblewrap starts it.
fn live_in_bubblewrap(reading: &str, telling: &str) -> io::Result<()> {
    let own = |fd: &str| format!("/proc/self/fd/{fd}");
    let spec = File::open(own(reading))?;
    let teller = OpenOptions::new().write(true).open(own(telling))?;
    // Ours are opened again, and closed for whatever we execute; these would be inherited.
    for fd in [reading, telling].into_iter().filter_map(|fd| fd.parse::<i32>().ok()) {
        nix::unistd::close(fd)?;
    }
    hold_signals()?;
    let spec = read_spec(spec)?;
    inside::live(&spec, inside::Place::Bubblewrap, teller);
    Ok(())
}

/// Runs `inside` in a child, which ends after it.
pub(super) fn fork_first(inside: impl FnOnce()) -> Result<Pid, String> {
    #[expect(unsafe_code, reason = "the launcher has one thread, so the child may do anything that the parent could")]
    // SAFETY: no other thread exists that could hold a lock in the moment of the fork.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(child),
        Ok(ForkResult::Child) => {
            inside();
            std::process::exit(0)
        }
        Err(error) => Err(format!("no process: {error}")),
    }
}

/// The two lines from inside: the level, then how the command ended. Either may be missing when the first process
/// itself was killed. Two ends, or a first process that went well and told none, are not believed.
fn understand(lines: &str, status: WaitStatus) -> Report {
    let level = lines.lines().find_map(|line| serde_json::from_str(line).ok());
    let mut ends = lines.lines().filter_map(|line| serde_json::from_str(line).ok());
    let how = match (ends.next(), ends.next()) {
        (Some(how), None) => how,
        (None, _) if how_it_ended(status) != How::Exited(0) => how_it_ended(status),
        (told, _) => How::CouldNotStart(format!(
            "{} was heard from inside of how it ended, so nothing of it counts",
            if told.is_some() { "more than one word" } else { "no word" }
        )),
    };
    Report { level, how }
}

/// Closes every descriptor but the three standard ones: a file that is already open is outside Landlock's rules.
fn close_inherited() -> io::Result<()> {
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // The directory's own descriptor is on the list and gone already.
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_word_of_the_end_is_believed() {
        let how = |lines: &str, status: i32| understand(lines, WaitStatus::Exited(Pid::from_raw(7), status)).how;
        assert_eq!(how("{\"Exited\":3}\n", 0), How::Exited(3));
        assert_eq!(how("", 137), How::Exited(137));
        for (lines, words) in [("{\"Exited\":0}\n{\"Exited\":3}\n", "more than one word"), ("", "no word")] {
            assert!(matches!(how(lines, 0), How::CouldNotStart(why) if why.starts_with(words)), "{lines}");
        }
    }
}
