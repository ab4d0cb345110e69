//! The page, asked over a plain socket while tasks run.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::gate::Gate;
use crate::instance::PATIENCE;
use crate::world::World;

/// Asks for a path; the status and everything that came.
fn get(page: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {answer}")), answer)
}

pub fn the_page_answers_while_tasks_run() {
    let world = World::new();
    std::fs::create_dir(world.path("gates")).unwrap();
    let gate = Gate::at(&world.path("gates/check"));
    world.remote.commit("ana", "slow checks", &[("check.sh", &format!("{}\n", gate.wait()))]);
    world.configure(&format!("\n[cage]\nread = [\"{}\"]\n", world.path("gates").display()));

    let mut instance = world.up();
    let page = instance.page();
    assert!(page.ip().is_loopback());
    instance.say("ana: @agent add a kitchen");
    instance.out.wait_for("Plan v1 for T-1").expect("it plans");
    instance.say("ben: approve T-1");
    let visitor = gate.wait_for_somebody();
    let own = "localhost";
    for (path, words) in [("/healthz", "alive"), ("/readyz", "ready"), ("/", "T-1"), ("/tasks/T-1", "add a kitchen")] {
        let (status, answer) = get(page, path, own);
        assert_eq!(status, 200, "{path}: {answer}");
        assert!(answer.contains(words), "{path}: {answer}");
    }
    assert_eq!(get(page, "/tasks/T-2", own).0, 404);
    assert_ne!(get(page, "/", "evil.example").0, 200, "another page's name was answered");
    assert_eq!(get(page, "/healthz", "10.0.0.1").0, 200, "a probe calls by address");

    visitor.let_through();
    instance.out.wait_for("T-1 is ready").expect("the check goes on");
    assert!(instance.stop().status.success());
    assert!(TcpStream::connect(page).is_err(), "it still listens");
}
