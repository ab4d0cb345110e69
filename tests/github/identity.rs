//! Whom we are there.

use forge::ForgeError;
use forge::github::Identity;
use secrecy::SecretString;
use tests::github::{APP_ID, AppKey};

use crate::place::Place;

fn app(key: &AppKey) -> Identity {
    Identity::App { id: APP_ID, key: SecretString::from(key.private.clone()) }
}

pub fn an_app_works_with_tokens_for_one_repository() {
    let dir = tempfile::tempdir().unwrap();
    let key = AppKey::made_in(dir.path());
    let place = Place::of(app(&key), |github| github.install(&key));
    let (_, head) = place.change("a");
    place.now(place.repository.forge.publish(&place.draft("downbeat/T-1", &head))).unwrap();
    assert_eq!(place.github.pulls().len(), 1);
    let minted = place.github.asked().into_iter().filter(|asked| asked.ends_with("/access_tokens")).count();
    assert_eq!(minted, 1, "a token is used until it is about to end, by git and by the API");
}

pub fn a_key_that_is_not_the_apps_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (AppKey::made_in(dir.path()), AppKey::made_in(dir.path()));
    let place = Place::of(app(&theirs), |github| github.install(&ours));
    let refused = place.now(place.repository.forge.target_head()).unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, ForgeError::Unauthorized { .. }), "{refused:?}");
    assert!(said.contains("does not take the key of App 4711") && said.contains("could not be decoded"), "{said}");
    assert!(!said.contains("PRIVATE"), "{said}");
}

pub fn a_token_that_is_not_known_is_told() {
    let place = Place::of(Identity::Token(SecretString::from("github_pat_gone")), |_| {});
    let refused = place.now(place.repository.forge.target_head()).unwrap_err();
    assert!(matches!(refused, ForgeError::Unauthorized { .. }), "{refused:?}");
    assert!(!refused.to_string().contains("pat_gone"), "{refused}");
}
