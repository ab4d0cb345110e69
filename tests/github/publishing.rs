//! A change that is shown to people.

use forge::ForgeError;
use tests::github::Fault;

use crate::place::Place;

pub fn a_published_change_is_a_pull_request() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let shown = place.now(place.repository.forge.publish(&place.draft("downbeat/T-1", &head))).unwrap();
    let [pull] = &place.github.pulls()[..] else { panic!("{:?}", place.github.pulls()) };
    assert_eq!((pull.state, pull.sha.as_str(), pull.base.as_str()), ("open", head.as_str(), "main"));
    assert_eq!((pull.title.as_str(), pull.body.as_str()), ("work of downbeat/T-1", "Asked by ana."));
    assert!(pull.labels.contains("downbeat"), "{pull:?}");
    assert!(shown.reference.ends_with("/acme/web/pull/1"), "{shown:?}");
}

pub fn what_is_published_twice_is_one_pull_request() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let draft = place.draft("downbeat/T-1", &head);
    let first = place.now(place.repository.forge.publish(&draft)).unwrap();
    assert_eq!(place.now(place.repository.forge.publish(&draft)).unwrap(), first);
    let (_, better) = place.change_of(&["a", "b"]);
    let mut draft = place.draft("downbeat/T-1", &better);
    // Only what builds on what was published may take its place, as an agent's second round does.
    let refused = place.now(place.repository.forge.publish(&draft));
    assert!(matches!(refused, Ok(_) | Err(ForgeError::Refused { .. })), "{refused:?}");
    draft.head = head;
    draft.body = "Asked by ana, and by ben.".to_owned();
    place.now(place.repository.forge.publish(&draft)).unwrap();
    let [pull] = &place.github.pulls()[..] else { panic!("{:?}", place.github.pulls()) };
    assert_eq!(pull.body, "Asked by ana, and by ben.");
}

pub fn a_change_that_is_given_up_is_closed_with_the_reason() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let (forge, branch) = (&place.repository.forge, "downbeat/T-1".parse().unwrap());
    place.now(forge.publish(&place.draft("downbeat/T-1", &head))).unwrap();
    place.now(forge.unpublish(&branch, "T-1 is cancelled by ana.")).unwrap();
    place.now(forge.unpublish(&branch, "T-1 is cancelled by ana.")).unwrap();
    let [pull] = &place.github.pulls()[..] else { panic!("{:?}", place.github.pulls()) };
    assert_eq!((pull.state, &pull.comments[..]), ("closed", &["T-1 is cancelled by ana.".to_owned()][..]));
    assert_eq!(place.remote.git(&["branch", "--list", "downbeat/*"]), "");
}

pub fn a_lost_answer_opens_no_second_pull_request() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let draft = place.draft("downbeat/T-1", &head);
    for fault in [Fault::Unheard, Fault::CutShort] {
        place.github.fail("POST /repos/acme/web/pulls", fault);
        let lost = place.now(place.repository.forge.publish(&draft));
        let is_known = !place.github.asked().iter().any(|asked| asked == "POST /repos/acme/web/pulls");
        assert!(is_known || matches!(lost, Err(ForgeError::Transient { .. })), "{lost:?}");
    }
    place.now(place.repository.forge.publish(&draft)).unwrap();
    assert_eq!(place.github.pulls().len(), 1);
}
