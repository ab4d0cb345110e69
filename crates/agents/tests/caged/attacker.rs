//! What is tried from inside that a shell cannot do.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::{Command, ExitCode};

/// The verb by which this binary is told to attack.
pub const VERB: &str = "attack";

pub fn attack_main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let succeeded = match words.as_slice() {
        ["tcp", port] => TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).is_ok(),
        ["udp", port] => send_udp(port.parse().unwrap()),
        ["loopback"] => talk_to_itself(),
        ["abstract", name] => SocketAddr::from_abstract_name(name).and_then(|at| UnixStream::connect_addr(&at)).is_ok(),
        ["fork", wanted] => fork_many(wanted.parse().unwrap()),
        ["line", bytes] => print_line(bytes.parse().unwrap()),
        _ => false,
    };
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
    children.len() == wanted
}

fn print_line(bytes: usize) -> bool {
    let chunk = vec![b'x'; 1 << 20];
    let mut stdout = std::io::stdout().lock();
    (0..bytes >> 20).all(|_| stdout.write_all(&chunk).is_ok())
}
