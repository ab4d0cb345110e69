//! What is tried from inside that a shell cannot do.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::libc;

/// The verb by which this binary is told to attack.
pub const VERB: &str = "attack";

/// How long what was taken is held: many times what lies between two looks at it, on a busy machine too.
const HELD_FOR: Duration = Duration::from_secs(4);

pub fn attack_main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let succeeded = match words.as_slice() {
        ["tcp", address] => TcpStream::connect(address.parse::<std::net::SocketAddr>().unwrap()).is_ok(),
        ["fast-open", port] => send_at_once(port.parse().unwrap()),
        ["mptcp", port] => connect_by(port.parse().unwrap(), libc::IPPROTO_MPTCP),
        ["unix", path] => UnixStream::connect(path).is_ok(),
        ["ask", path] => ask(path),
        ["ptrace"] => succeeds(libc::SYS_ptrace, [0; 6]),
        ["memory-of-a-process"] => read_memory(),
        ["raw"] => {
            let own = nix::sched::CloneFlags::CLONE_NEWUSER | nix::sched::CloneFlags::CLONE_NEWNET;
            let _ = nix::sched::unshare(own);
            new_socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP).is_some()
        }
        ["netlink"] => new_socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_KOBJECT_UEVENT).is_some(),
        ["io_uring"] => succeeds(libc::SYS_io_uring_setup, [1, [0u8; 256].as_mut_ptr() as usize, 0, 0, 0, 0]),
        // For faults of the program itself alone: what every user may ask for.
        ["userfaultfd"] => succeeds(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0]),
        ["keyring"] => {
            let words = [c"user".as_ptr() as usize, c"x".as_ptr() as usize, c"y".as_ptr() as usize];
            succeeds(libc::SYS_add_key, [words[0], words[1], words[2], 1, -2isize as usize, 0])
        }
        ["memory", mebibytes] => take_memory(mebibytes.parse().unwrap()),
        ["udp", port] => send_udp(port.parse().unwrap()),
        ["loopback"] => talk_to_itself(),
        ["abstract", name] => SocketAddr::from_abstract_name(name).and_then(|at| UnixStream::connect_addr(&at)).is_ok(),
        ["fork", wanted] => fork_many(wanted.parse().unwrap()),
        ["line", bytes] => print_line(bytes.parse().unwrap()),
        _ => false,
    };
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether something at this socket answers a request.
fn ask(path: &str) -> bool {
    let Ok(mut stream) = UnixStream::connect(path) else { return false };
    let request = "GET /model/house/v1/messages HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    answer.starts_with("HTTP/1.1")
}

/// A system call that the standard library has no words for.
fn succeeds(call: libc::c_long, a: [usize; 6]) -> bool {
    #[expect(unsafe_code, reason = "an attack is what nobody wraps")]
    // SAFETY: every pointer among the arguments is to memory that outlives the call.
    let answer = unsafe { libc::syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]) };
    answer >= 0
}

fn new_socket(family: i32, kind: i32, protocol: i32) -> Option<OwnedFd> {
    #[expect(unsafe_code, reason = "an attack is what nobody wraps")]
    // SAFETY: it takes numbers alone, and what it returns is ours.
    unsafe {
        let fd = libc::socket(family, kind, protocol);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

fn connect_by(port: u16, protocol: i32) -> bool {
    let address = nix::sys::socket::SockaddrIn::new(127, 0, 0, 1, port);
    new_socket(libc::AF_INET, libc::SOCK_STREAM, protocol)
        .is_some_and(|socket| nix::sys::socket::connect(socket.as_raw_fd(), &address).is_ok())
}

/// Connects by sending, which is not the call that connects.
fn send_at_once(port: u16) -> bool {
    let address = nix::sys::socket::SockaddrIn::new(127, 0, 0, 1, port);
    let flags = nix::sys::socket::MsgFlags::from_bits_retain(libc::MSG_FASTOPEN);
    new_socket(libc::AF_INET, libc::SOCK_STREAM, 0)
        .is_some_and(|socket| nix::sys::socket::sendto(socket.as_raw_fd(), b"x", &address, flags).is_ok())
}

fn read_memory() -> bool {
    let (from, mut to) = (*b"secret", [0u8; 6]);
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: 6 };
    let remote = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: 6 };
    let (local, remote) = (std::ptr::from_ref(&local) as usize, std::ptr::from_ref(&remote) as usize);
    succeeds(libc::SYS_process_vm_readv, [std::process::id() as usize, local, 1, remote, 1, 0])
}

/// Takes it and keeps it for a while.
fn take_memory(mebibytes: usize) -> bool {
    let mut taken = vec![0u8; mebibytes << 20];
    taken.iter_mut().step_by(4_096).for_each(|byte| *byte = 1);
    std::thread::park_timeout(HELD_FOR);
    taken.iter().step_by(4_096).all(|byte| *byte == 1)
}

fn send_udp(port: u16) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    socket.is_ok_and(|socket| socket.send_to(b"secret", (Ipv4Addr::LOCALHOST, port)).is_ok())
}

fn talk_to_itself() -> bool {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| TcpStream::connect(listener.local_addr()?)).is_ok()
}

/// Prints how many of the wanted processes came to be.
fn fork_many(wanted: usize) -> bool {
    let children: Vec<_> = (0..wanted).map_while(|_| Command::new("sleep").arg("60").spawn().ok()).collect();
    println!("{} processes", children.len());
    std::thread::park_timeout(HELD_FOR);
    children.len() == wanted
}

fn print_line(bytes: usize) -> bool {
    let chunk = vec![b'x'; 1 << 20];
    let mut stdout = std::io::stdout().lock();
    (0..bytes >> 20).all(|_| stdout.write_all(&chunk).is_ok())
}
