//! GitHub says no, or nothing: the class of each failure, and what a person reads.

use std::fmt::Write as _;

use expect_test::expect;
use forge::ForgeError;
use tests::github::Fault;

use crate::place::Place;

type Headers = &'static [(&'static str, &'static str)];

pub fn each_failure_has_its_class_and_its_next_step() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let draft = place.draft("downbeat/T-1", &head);
    let faults: [(u16, &str, Headers); 10] = [
        (401, "Bad credentials", &[]),
        (403, "Resource not accessible by integration", &[("x-accepted-github-permissions", "pull_requests=write")]),
        (403, "Repository was archived so is read-only.", &[]),
        (404, "Not Found", &[]),
        (409, "Git Repository is empty.", &[]),
        (410, "Issues are disabled for this repo", &[]),
        (422, "Validation Failed", &[]),
        (451, "Repository access blocked", &[]),
        (500, "Server Error", &[]),
        (503, "Service Unavailable", &[("retry-after", "120")]),
    ];
    let mut told = String::new();
    for (status, message, headers) in faults {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        place.github.fail("POST /repos/acme/web/pulls", Fault::Refused(status, message.to_owned(), headers));
        let error = place.now(place.repository.forge.publish(&draft)).unwrap_err();
        let class = match &error {
            ForgeError::Transient { after, .. } => format!("again in {} s", after.as_secs()),
            ForgeError::Refused { .. } => "refused".to_owned(),
            ForgeError::Missing { .. } => "missing".to_owned(),
            ForgeError::Unauthorized { .. } => "unauthorized".to_owned(),
        };
        writeln!(told, "{status} {class}: {error}").unwrap();
    }
    expect![[r#"
        401 unauthorized: GitHub does not know who we are: Bad credentials; look at `github.token`, or at `github.app_id` and `github.private_key`
        403 unauthorized: GitHub does not let us do that (/repos/acme/web/pulls): Resource not accessible by integration; give the token or the App the permission pull_requests=write, and accept it where it is installed
        403 refused: GitHub refuses /repos/acme/web/pulls: Repository was archived so is read-only.; take the repository out of the archive, or out of the config
        404 missing: GitHub has no /repos/acme/web/pulls, or does not show it to us: Not Found; look at its name and at what the token or the App may see
        409 again in 15 s: GitHub could not do /repos/acme/web/pulls: Git Repository is empty.
        410 missing: GitHub has no /repos/acme/web/pulls, or does not show it to us: Issues are disabled for this repo; look at its name and at what the token or the App may see
        422 refused: GitHub refuses /repos/acme/web/pulls: Validation Failed
        451 refused: GitHub refuses /repos/acme/web/pulls: Repository access blocked
        500 again in 15 s: GitHub is in trouble (500): Server Error
        503 again in 120 s: GitHub is in trouble (503): Service Unavailable
    "#]].assert_eq(&told);
    place.now(place.repository.forge.publish(&draft)).unwrap();
}

pub fn nobody_asks_before_the_limit_is_over() {
    let limits: [(u16, &str, Headers, std::ops::Range<u64>); 3] = [
        (
            403,
            "API rate limit exceeded",
            &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")],
            3_600..3_601,
        ),
        (403, "You have exceeded a secondary rate limit", &[], 60..61),
        (429, "Too many requests", &[("retry-after", "7")], 7..8),
    ];
    for (status, message, headers, wait) in limits {
        let place = Place::new();
        let (_, head) = place.change("a");
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        place.github.fail("GET /repos/acme/web/pulls", Fault::Refused(status, message.to_owned(), headers));
        let draft = place.draft("downbeat/T-1", &head);
        let told = place.now(place.repository.forge.publish(&draft));
        assert!(
            matches!(&told, Err(ForgeError::Transient { after, .. }) if wait.contains(&after.as_secs())),
            "{told:?}"
        );
        place.github.asked();
        let again = place.now(place.repository.forge.publish(&draft));
        assert!(matches!(again, Err(ForgeError::Transient { .. })), "{again:?}");
        let asked = place.github.asked();
        assert!(!asked.iter().any(|asked| asked.contains("/repos/")), "it was asked in spite of the limit: {asked:?}");
    }
}

pub fn many_pull_requests_are_read_page_by_page() {
    let place = Place::new();
    let (_, head) = place.change("a");
    place.now(place.repository.forge.publish(&place.draft("downbeat/T-1", &head))).unwrap();
    place.github.copy_pull(999);
    let read: Vec<serde_json::Value> =
        place.now(place.client().list(&"acme/web".parse().unwrap(), "/pulls?state=all", 5_000)).unwrap();
    let mut numbers: Vec<u64> = read.iter().map(|pull| pull["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=1_000), "{} were read", numbers.len());
    assert_eq!(place.github.asked().iter().filter(|asked| asked.starts_with("GET /repos/acme/web/pulls")).count(), 11);
}

pub fn a_clock_that_is_wrong_is_told() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let long_ago = vec![("date".to_owned(), "Thu, 01 Jan 2026 00:00:00 GMT".to_owned())];
    let fault = Fault::Refused(401, "'Expiration time' claim ('exp') is too far in the future".to_owned(), long_ago);
    place.github.fail("GET /repos/acme/web/pulls", fault);
    let told = place.now(place.repository.forge.publish(&place.draft("downbeat/T-1", &head))).unwrap_err();
    assert!(matches!(told, ForgeError::Unauthorized { .. }), "{told:?}");
    assert!(
        told.to_string().contains("this machine's clock is") && told.to_string().ends_with("set it right"),
        "{told}"
    );
}
