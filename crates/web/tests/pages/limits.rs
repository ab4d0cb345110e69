//! What the pages withstand, and how they say what is wrong.

use std::time::Duration;

use agents::task::TaskEvent;
use domain::TaskId;
use expect_test::expect;
use forge::Conclusion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use web::WebSettings;

use crate::browser::Site;
use crate::day::live_a_day;
use crate::office::{Office, WEB, check, draft, work};

const HOSTILE: &str =
    "</title></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href=javascript:alert(3)>&";

#[tokio::test]
async fn nothing_that_people_agents_or_checks_wrote_becomes_markup() {
    let office = Office::open().await;
    let id = office.ask("ana", WEB, &format!("{HOSTILE}\n{HOSTILE}")).await;
    office.plan(id, draft(HOSTILE, &[HOSTILE], &[])).await;
    office.approve(id, "ben").await;
    office.store.append_log("task", "T-1", &[HOSTILE.to_owned()]).await.unwrap();
    let checks = vec![check(HOSTILE, Conclusion::Passed, HOSTILE)];
    office.publish(id, work(1, &[(HOSTILE, 1, 0)], checks)).await;
    office.merge(id, "ben").await;
    let site = Site::of(&office).await;
    for path in ["/", "/tasks/T-1", "/tasks/%3Cscript%3E", "/%3Cimg%20src=x%3E"] {
        let page = site.get(path).await;
        for markup in ["<script", "<img", "javascript:alert(3)>", "\"'>"] {
            assert!(!page.body.contains(markup), "{markup} on {path}:\n{}", page.body);
        }
    }
    assert!(
        site.get("/tasks/T-1").await.text().contains("<script>alert(1)</script>"),
        "the title is not shown as it is"
    );
}

#[tokio::test]
async fn every_answer_forbids_scripts_frames_and_referrers() {
    let office = Office::open().await;
    let site = Site::of(&office).await;
    for path in ["/", "/nowhere", "/healthz", "/style.css", "/api/tasks"] {
        let head = site.get(path).await.head;
        for rule in [
            "content-security-policy: default-src 'none'; style-src 'self'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(head.contains(rule), "{rule} is missing on {path}:\n{head}");
        }
        assert!(!head.contains("script-src"), "{path}:\n{head}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused_except_for_health() {
    let office = Office::open().await;
    let settings = WebSettings { hosts: vec!["downbeat.example.org".to_owned()], ..Default::default() };
    let site = Site::with(&office, settings).await;
    let ask = |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
    for (target, host, status) in [
        ("/", "Host: localhost:8080\r\n", 200),
        ("/", "Host: downbeat.example.org\r\n", 200),
        ("/", "Host: evil.example\r\n", 421),
        ("/api/tasks", "Host: evil.example\r\n", 421),
        ("/nowhere", "Host: evil.example\r\n", 421),
        ("/", "", 421),
        ("http://evil.example/", "Host: localhost\r\n", 421),
        ("/healthz", "Host: 10.0.0.7:8080\r\n", 200),
        ("/readyz", "Host: 10.0.0.7:8080\r\n", 200),
    ] {
        assert_eq!(site.send(&ask(target, host)).await.status, status, "{target} with {host:?}");
    }
}

#[tokio::test]
async fn a_failure_names_the_thing_and_the_next_step() {
    let office = Office::open().await;
    let site = Site::of(&office).await;
    let mut told = String::new();
    for request in ["GET /nowhere", "GET /tasks/T-99", "GET /tasks/99", "POST /tasks/T-1", "DELETE /healthz"] {
        let answer = site.send(&format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await;
        told.push_str(&format!("{request}\n{}", answer.text()));
        assert_eq!(answer.status == 405, answer.head.contains("allow: get,head"), "{}", answer.head);
    }
    let api = site.send("PUT /api/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    told.push_str(&api.body);
    expect![[r#"
        GET /nowhere
        404
        No such page
        There is nothing at /nowhere.
        The board lists every task and queue there is.
        Go to the board
        GET /tasks/T-99
        404
        No such task
        There is no task T-99: tasks are numbered from T-1 in the order in which they were asked for.
        The board lists the tasks there are.
        Go to the board
        GET /tasks/99
        404
        No such task
        `99` is not a task: a task is written T-1, T-2 and so on.
        The board lists the tasks there are.
        Go to the board
        POST /tasks/T-1
        405
        Nothing can be changed here
        POST is not possible at /tasks/T-1: these pages only show.
        Steer in chat: approve, revise, merge and stop are said in the task's thread.
        Go to the board
        DELETE /healthz
        405
        Nothing can be changed here
        DELETE is not possible at /healthz: these pages only show.
        Steer in chat: approve, revise, merge and stop are said in the task's thread.
        Go to the board
        {"error":{"what":"Nothing can be changed here","why":"PUT is not possible at /api/tasks: these pages only show.","next":"Steer in chat: approve, revise, merge and stop are said in the task's thread."}}"#]].assert_eq(&told);
}

#[tokio::test]
async fn readiness_says_what_is_wrong_with_the_database() {
    let office = Office::open().await;
    let site = Site::of(&office).await;
    let ready = site.get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    office.store.close().await;
    let ready = site.get("/readyz").await;
    assert_eq!((ready.status, site.get("/healthz").await.status), (503, 200));
    expect![[r#"
        not ready: database: attempted to acquire a connection on a closed pool
    "#]]
    .assert_eq(&ready.body);
    let page = site.get("/").await;
    assert_eq!(page.status, 500);
    expect![[r#"
        500
        Something broke
        It could not be read: database: attempted to acquire a connection on a closed pool.
        Try again. If it stays so, /readyz tells how the database is doing, and the log has the details.
        Go to the board
    "#]]
    .assert_eq(&page.text());
}

/// Some seconds of work for the one connection that there is.
const BUSY: &str = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up LIMIT 20000000)
    SELECT COUNT(*) AS n FROM up";

#[tokio::test]
async fn what_takes_too_long_ends_and_says_so() {
    let office = Office::with_connections(1).await;
    let short = Duration::from_millis(50);
    let settings = WebSettings { request_time_max: short, ready_time_max: short / 2, ..Default::default() };
    let site = Site::with(&office, settings).await;
    let look = async {
        let page = site.get("/").await;
        assert_eq!(page.status, 503);
        assert!(page.text().contains("/ was not ready within 50 ms."), "{}", page.text());
        let ready = site.get("/readyz").await;
        assert_eq!((ready.status, ready.body.as_str()), (503, "not ready: database: no answer within 25 ms\n"));
    };
    tokio::select! {
        biased;
        _ = office.store.rows(BUSY, &[]) => panic!("the database was not busy for long enough"),
        () = look => {}
    }
}

#[tokio::test]
async fn a_long_body_is_refused_unread() {
    let office = Office::open().await;
    let site = Site::of(&office).await;
    let post = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 99999999\r\n\r\n";
    assert_eq!(site.send(post).await.status, 413);
}

#[tokio::test]
async fn a_stop_ends_the_serving_also_while_a_browser_keeps_its_connection() {
    let office = Office::open().await;
    let mut site = Site::of(&office).await;
    let mut kept = TcpStream::connect(site.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut begun = [0; 12];
    kept.read_exact(&mut begun).await.unwrap();
    site.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), site.serving.join_next()).await;
    assert!(matches!(ended, Ok(Some(Ok(Ok(()))))), "{ended:?}");
    assert!(TcpStream::connect(site.address).await.is_err(), "the listener is still open");
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let office = Office::open().await;
    live_a_day(&office).await;
    let site = Site::of(&office).await;
    let mut links = site.get("/").await.links();
    links.extend(site.get("/tasks/T-1").await.links());
    links.extend(site.get("/nowhere").await.links());
    links.sort();
    links.dedup();
    assert!(links.len() > 20, "{links:?}");
    for link in links.iter().filter(|link| link.starts_with('/')) {
        assert_eq!(site.get(link).await.status, 200, "{link}");
    }
}

#[tokio::test]
async fn lists_are_cut_at_their_limit_and_say_so() {
    let office = Office::open().await;
    for n in 0..5 {
        office.ask("ana", WEB, &format!("Request {n}")).await;
    }
    let lines: Vec<_> = (0..6).map(|n| format!("line {n}.")).collect();
    office.store.append_log("task", "T-1", &lines).await.unwrap();
    for session in 1..4 {
        office.tell(TaskId::new(1), TaskEvent::SessionStarted { session }).await;
    }
    let settings = WebSettings { tasks_max: 3, lines_max: 2, ..Default::default() };
    let site = Site::with(&office, settings).await;
    let board = site.get("/").await.text();
    assert!(board.contains("Running 5") && board.contains("3 of 5 are shown."), "{board}");
    let task = site.get("/tasks/T-1").await.text();
    assert!(task.contains("The last 2 lines are shown.\nline 4.\nline 5.\n") && !task.contains("line 3."), "{task}");
    assert!(task.contains("The last 2 events are shown."), "{task}");
}
