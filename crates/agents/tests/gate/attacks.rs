//! What programs try that want out where nobody let them.

use std::time::Duration;

use agents::egress::EgressLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Server, TlsServer, Wanted, World};

#[tokio::test]
async fn no_way_around_the_list_is_open() {
    let server = Server::echoing().await;
    let port = server.port;
    let world = World::allowing(&["example.org", "localhost"]).await;
    for (line, headers, status) in [
        ("CONNECT 169.254.169.254:80".to_owned(), vec![], 403),
        ("CONNECT 169.254.169.254:443".to_owned(), vec![], 403),
        ("CONNECT [fd00:ec2::254]:443".to_owned(), vec![], 403),
        ("CONNECT [::ffff:127.0.0.1]:443".to_owned(), vec![], 403),
        (format!("CONNECT 127.0.0.1:{port}"), vec![], 403),
        (format!("CONNECT localhost:{port}"), vec![], 403),
        // Listed by name alone, so it may not lead to this machine.
        ("CONNECT localhost:443".to_owned(), vec![], 403),
        ("GET http://localhost/".to_owned(), vec![], 403),
        ("CONNECT example.org:22".to_owned(), vec![], 403),
        ("CONNECT example.org:25".to_owned(), vec![], 403),
        ("CONNECT 2130706433:443".to_owned(), vec![], 400),
        ("CONNECT 0x7f.1:443".to_owned(), vec![], 400),
        ("CONNECT example.org:443".to_owned(), vec!["Host: evil.example:443"], 403),
        ("CONNECT example.org:443".to_owned(), vec!["Host: example.org", "Host: evil.example"], 403),
        ("GET http://example.org/".to_owned(), vec!["Host: evil.example"], 403),
        ("GET http://example.org@evil.example/".to_owned(), vec![], 400),
        ("GET https://example.org/".to_owned(), vec![], 400),
        ("GET ftp://example.org/".to_owned(), vec![], 400),
        ("GET /".to_owned(), vec!["Host: example.org"], 403),
        (format!("GET http://127.0.0.1:{port}/"), vec![], 403),
        ("GET /model/anthropic/v1/messages".to_owned(), vec![], 403),
    ] {
        let (got, why) = world.ask(&line, &headers).await;
        assert_eq!(got, status, "{line}: {why}");
        assert!(why.contains("downbeat: "), "{line}: {why}");
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn whoever_does_not_know_the_word_is_turned_away() {
    let world = World::allowing(&[]).await;
    let request = "GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n";
    for word in ["", &"x".repeat(32), &"\0".repeat(32)] {
        let stream = world.knock();
        stream.set_nonblocking(true).unwrap();
        let mut stream = tokio::net::UnixStream::from_std(stream).unwrap();
        // Too short for a word, and then silent: the gate does not wait for ever.
        let said = if word.is_empty() { "GET".to_owned() } else { format!("{word}{request}") };
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(String::from_utf8_lossy(&answer), "", "{word:?}");
    }
    assert_eq!(world.heard.text(), "network: somebody who is not of this session came to its gate and was turned away");
    assert!(world.say(request).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn a_tunnel_is_for_tls_with_its_own_host_alone() {
    let server = TlsServer::start();
    let to = format!("localhost:{}", server.port);
    let world = World::allowing(&[&to]).await;
    let (tunnel, _) = world.tunnel(&to).await;
    let fronted = server.talk_through(tunnel, "evil.example", b"hello".to_vec()).await.unwrap_err();
    assert!(fronted.to_string().contains("AccessDenied"), "{fronted}");
    let (mut tunnel, _) = world.tunnel(&to).await;
    tunnel.write_all(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tunnel.read_to_end(&mut answer).await;
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 49]);
    let refused = format!("network: {to} refused, its tunnel is not used for TLS with that host");
    assert_eq!(world.heard.text().matches(&refused).count(), 2, "{}", world.heard.text());
}

#[tokio::test]
async fn a_request_hidden_in_another_is_not_passed_on() {
    let server = Server::echoing().await;
    let to = server.authority();
    let world = World::allowing(&[&to]).await;
    let hidden = format!("GET http://{to}/hidden HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    for framing in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}", hidden.len() + 5),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len()),
        format!("Content-Length: +0\r\n\r\n{hidden}"),
        format!("Content-Length : 0\r\n\r\n{hidden}"),
        format!("X: 1\r\n Content-Length: 0\r\n\r\n{hidden}"),
    ] {
        let mut stream = world.connect().await;
        stream.write_all(format!("POST http://{to}/seen HTTP/1.1\r\n{framing}").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    // What follows a request's own end is a request of its own here, and refused for its `Host`.
    for asked in server.asked() {
        assert_eq!((asked.line.as_str(), asked.body.len()), ("POST /seen", 0));
        let framing = [asked.headers.contains_key("content-length"), asked.headers.contains_key("transfer-encoding")];
        assert!(framing != [true, true], "{:?}", asked.headers);
    }
    assert!(server.asked().len() <= 3);
}

#[tokio::test]
async fn a_slow_and_an_endless_head_end_the_connection() {
    let limits = EgressLimits { head: Duration::from_millis(300), ..EgressLimits::default() };
    let world = World::open(Wanted { limits, ..Wanted::default() }).await;
    let mut slow = world.connect().await;
    slow.write_all(b"GET / HT").await.unwrap();
    let _ = slow.read_to_end(&mut Vec::new()).await;
    let mut silent = world.connect().await;
    let _ = silent.read_to_end(&mut Vec::new()).await;
    let long = format!("X-Long: {}", "x".repeat(100_000));
    assert_eq!(world.ask("GET /", &[&long]).await.0, 431);
    let many: Vec<String> = (0..200).map(|n| format!("X-{n}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.ask("GET /", &many).await.0, 431);
}

#[tokio::test]
async fn a_tunnel_in_which_nobody_speaks_is_closed() {
    let server = TlsServer::start();
    let to = format!("localhost:{}", server.port);
    let limits = EgressLimits { head: Duration::from_millis(300), ..EgressLimits::default() };
    let world = World::open(Wanted { allow: &[&to], limits, ..Wanted::default() }).await;
    let (mut tunnel, _) = world.tunnel(&to).await;
    assert_eq!(tunnel.read(&mut [0]).await.unwrap_or(0), 0);
}
