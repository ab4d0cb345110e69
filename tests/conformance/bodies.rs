//! Bodies that were written by another version, or by nobody.

use domain::EffectId;
use store::{Applied, ApplyError, Arg, Statement, Store, Table};

use crate::bells::{BellEvent, BellId, Tower, ana, ask, bell, big_ben, delivery, ring};
use crate::world::World;

async fn write_body(store: &Store, body: &str) {
    const WRITE: &str = "UPDATE tower SET body = $1";
    let args = vec![Arg::from(body)];
    assert_eq!(store.write(&[Statement { sql: WRITE, args }]).await.unwrap(), [1]);
}

async fn refusals(store: &Store) -> [String; 2] {
    let loading = store.load::<Tower>(&big_ben()).await.unwrap_err();
    let applying = store.apply::<Tower>(&big_ben(), BellEvent::Added(1), delivery("d1")).await.unwrap_err();
    assert!(matches!(applying, ApplyError::Store(_)));
    [loading.to_string(), applying.to_string()]
}

pub async fn an_unreadable_body_is_named(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    for (body, why) in [
        ("{", "stored tower Big Ben: EOF while parsing an object at line 1 column 1"),
        (
            r#"{"format":2,"machine":{"total":"many"}}"#,
            "stored tower Big Ben: invalid type: string \"many\", expected i64",
        ),
        (r#"{"machine":{}}"#, "stored tower Big Ben: missing field `format` at line 1 column 14"),
    ] {
        write_body(&store, body).await;
        assert_eq!(refusals(&store).await, [why, why]);
    }
}

pub async fn a_body_of_a_newer_version_is_refused(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    let newer = r#"{"format":3,"machine":{"total":0,"rung":[],"buried":[]}}"#;
    write_body(&store, newer).await;
    let why = "stored tower Big Ben: its format is 3, this version reads 2";
    assert_eq!(refusals(&store).await, [why, why]);
    let kept = store.rows("SELECT body FROM tower", &[]).await.unwrap()[0].text("body").unwrap();
    assert_eq!(kept, newer, "what is not understood is not touched");
}

pub async fn an_older_body_is_read_and_written_anew(world: &World) {
    let store = world.open().await;
    ask::<0>(&store, vec![]).await;
    write_body(&store, r#"{"format":1,"machine":{"times":2}}"#).await;
    assert_eq!(bell::<0>(&store).await.rung, ["ring 1", "ring 2"]);
    let applied = store.apply::<Tower>(&big_ben(), BellEvent::Rang("ring 3".into()), ana()).await;
    assert!(matches!(applied, Ok(Applied::Done(_))), "{applied:?}");
    let body = store.rows("SELECT body FROM tower", &[]).await.unwrap()[0].text("body").unwrap();
    assert!(body.starts_with(r#"{"format":2,"#), "{body}");
    assert_eq!(bell::<0>(&store).await.rung.len(), 3);

    write_body(&store, r#"{"format":0,"machine":{"times":2}}"#).await;
    let why = "stored tower Big Ben: its format is 0, this version reads 2";
    assert_eq!(refusals(&store).await, [why, why]);
}

/// PostgreSQL refuses a NUL, and programs print what they like.
pub async fn a_nul_is_kept_out_of_a_text(world: &World) {
    let store = world.open().await;
    store.append_log(Tower::KIND, "Big\0Ben", &["a\0b".into()]).await.unwrap();
    assert_eq!(store.log_after(Tower::KIND, "Big\0Ben", 0, 9).await.unwrap()[0].line, "a\u{FFFD}b");
    let strange = BellId("Big\0Ben".into());
    let event = || BellEvent::Asked(vec![ring("\0")]);
    for outcome in ["Done", "Repeated"] {
        let applied = store.apply_or_start(&strange, Tower::default, event(), delivery("d\0")).await.unwrap();
        assert!(format!("{applied:?}").starts_with(outcome), "{applied:?}");
    }
    let attempt = store.claim(&crate::bells::east(), Tower::KIND).await.unwrap().unwrap().attempt;
    assert_eq!(attempt.effect, EffectId::new("tower:Big\u{FFFD}Ben:1:0"));
    assert!(store.put_off(&attempt, std::time::Duration::ZERO, "it said \0").await.unwrap());
}
