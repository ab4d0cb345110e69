//! Listed hosts are reached, others become a question, and all of it is told and bounded.

use agents::egress::EgressLimits;
use agents::session::people::{QuestionKind, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Server, TlsServer, Wanted, World, thread};

#[tokio::test]
async fn a_tunnel_carries_tls_to_a_listed_host_untouched() {
    let server = TlsServer::start();
    let to = format!("localhost:{}", server.port);
    let world = World::allowing(&[&to]).await;
    let (tunnel, answer) = world.tunnel(&to).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let words: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    assert_eq!(server.talk_through(tunnel, "localhost", words.clone()).await.unwrap(), words);
    let heard = world.heard.clone();
    world.gate.close().await;
    assert!(heard.has(&format!("network: {to} allowed, 2.0 MB in ")), "{}", heard.text());
    assert!(heard.has(&format!("network: in all 1 request to {to}, 2.0 MB")), "{}", heard.text());
}

#[tokio::test]
async fn many_tunnels_to_one_host_are_told_as_a_sum() {
    let server = TlsServer::start();
    let to = format!("localhost:{}", server.port);
    let world = World::allowing(&[&to]).await;
    for _ in 0..9 {
        let (tunnel, _) = world.tunnel(&to).await;
        server.talk_through(tunnel, "localhost", b"hello".to_vec()).await.unwrap();
    }
    let heard = world.heard.clone();
    world.gate.close().await;
    let told = heard.text();
    assert_eq!(told.matches(&format!("network: {to} allowed, ")).count(), 5, "{told}");
    assert_eq!(told.matches(&format!("network: {to} again; more of it is in the sum at the end")).count(), 1, "{told}");
    assert!(told.contains(&format!("network: in all 9 requests to {to}, ")), "{told}");
}

#[tokio::test]
async fn a_plain_request_goes_to_a_listed_host_with_what_is_meant_for_it() {
    let server = Server::echoing().await;
    let to = server.authority();
    let world = World::allowing(&[&to]).await;
    let line = format!("POST http://{to}/pool/x.deb?secret=1");
    let own = ["Proxy-Authorization: Basic x", "X-Own: 1", "Content-Length: 3"];
    let head = format!("{line} HTTP/1.1\r\nHost: {to}\r\n{}\r\nConnection: close\r\n\r\nabc", own.join("\r\n"));
    assert!(world.say(&head).await.ends_with("POST /pool/x.deb?secret=1 3"));
    let [asked] = &server.asked()[..] else { panic!() };
    let names: Vec<_> = asked.headers.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["host", "content-length", "x-own"]);
    assert_eq!(asked.headers["host"], to);
    let heard = world.heard.clone();
    world.gate.close().await;
    assert!(heard.has(&format!("network: POST {to} answered 200, ")), "{}", heard.text());
    assert!(!heard.has("secret") && !heard.has("pool"), "{}", heard.text());
}

#[tokio::test]
async fn a_host_on_no_list_is_refused_at_once_and_asked_about_once() {
    let (people, mut questions) = thread();
    let world = World::open(Wanted { people: Some(people), ..Wanted::default() }).await;
    for _ in 0..3 {
        let (status, why) = world.ask("CONNECT new.invalid:443", &["Host: new.invalid:443"]).await;
        assert_eq!(status, 403);
        assert_eq!(
            why,
            "downbeat: new.invalid:443 is not open here: it is on no list; the people of this task are asked, so \
             go on with something else and try again later\n"
        );
    }
    let (question, answer) = questions.recv().await.unwrap();
    assert_eq!(question.about, QuestionKind::Host);
    assert!(question.text.contains("`new.invalid`"), "{}", question.text);
    assert!(questions.try_recv().is_err());
    answer.send(Reply::Answered { by: "ana".parse().unwrap(), text: question.choices[1].clone() }).unwrap();
    while !world.heard.has("new.invalid is allowed for this task by ana") {
        tokio::task::yield_now().await;
    }
    // Now it is tried, and a name of nobody leads nowhere.
    let (status, why) = world.ask("CONNECT new.invalid:443", &["Host: new.invalid:443"]).await;
    assert_eq!((status, why.as_str()), (502, "downbeat: new.invalid:443 cannot be reached: its name leads nowhere\n"));
    let (people, mut questions) = thread();
    let next = world.next_session(Some(people)).await;
    assert_eq!(next.ask("CONNECT new.invalid:443", &[]).await.0, 502);
    assert!(questions.try_recv().is_err(), "the answer was for the task");
    assert!(next.heard.has("network: new.invalid:443 refused, it is on no list"), "{}", next.heard.text());
}

#[tokio::test]
async fn no_more_than_a_few_hosts_are_asked_about() {
    let (people, mut questions) = thread();
    let limits = EgressLimits { questions: 2, ..EgressLimits::default() };
    let world = World::open(Wanted { people: Some(people), limits, ..Wanted::default() }).await;
    for n in 0..4 {
        assert_eq!(world.ask(&format!("CONNECT h{n}.invalid:443"), &[]).await.0, 403);
    }
    for _ in 0..2 {
        questions.recv().await.unwrap();
    }
    assert!(questions.try_recv().is_err());
}

#[tokio::test]
async fn requests_in_a_minute_are_bounded_and_it_is_said_once() {
    let limits = EgressLimits { requests_per_minute: 3, ..EgressLimits::default() };
    let world = World::open(Wanted { limits, ..Wanted::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(world.ask("CONNECT a.invalid:443", &[]).await.0);
    }
    assert_eq!(statuses, [403, 403, 403, 429, 429]);
    assert_eq!(world.heard.text().matches("more than 3 requests in a minute").count(), 1);
}

#[tokio::test]
async fn a_session_has_only_so_many_bytes() {
    let server = Server::answering(|_| crate::world::text(200, vec![b'x'; 1 << 20])).await;
    let to = server.authority();
    let limits = EgressLimits { bytes: 300_000, ..EgressLimits::default() };
    let world = World::open(Wanted { allow: &[&to], limits, ..Wanted::default() }).await;
    let answer = world.say(&format!("GET http://{to}/ HTTP/1.1\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.len() < 800_000, "{} bytes", answer.len());
    assert_eq!(world.ask(&format!("GET http://{to}/"), &[]).await.0, 429);
    assert!(world.heard.has("all that it may"), "{}", world.heard.text());
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_place() {
    let server = Server::echoing().await;
    let to = server.authority();
    let limits = EgressLimits { connections: 2, ..EgressLimits::default() };
    let world = World::open(Wanted { allow: &[&to], limits, ..Wanted::default() }).await;
    let (mut first, mut second) = (world.connect().await, world.connect().await);
    for stream in [&mut first, &mut second] {
        stream.write_all(format!("GET http://{to}/ HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
    }
    let mut third = world.connect().await;
    third.write_all(format!("GET http://{to}/ HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
    while !world.heard.has("2 connections at a time are the most") {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.asked().len(), 2);
    drop(first);
    third.read_u8().await.unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_closed_gate_leaves_neither_socket_nor_connection() {
    let world = World::allowing(&[]).await;
    let mut stream = world.connect().await;
    let socket = world.gate.door().socket().to_owned();
    let mode = |path: &std::path::Path| {
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
    };
    assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
    world.gate.close().await;
    assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    assert!(!socket.exists());
}
