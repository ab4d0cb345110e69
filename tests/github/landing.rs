//! A change that lands, as GitHub shows it.

use forge::{Landing, Style};

use crate::place::Place;

pub fn what_lands_shows_as_merged_in_every_style() {
    for style in [Style::Rebase, Style::Squash, Style::Merge] {
        let place = Place::new();
        let (_, head) = place.change_of(&["a", "b"]);
        // Somebody else lands first, so that what lands is another commit than what was published.
        place.remote.commit("ben", "in between", &[("between", "x\n")]);
        let (target, offered) = place.offer("downbeat/T-1", &head, style);
        assert_ne!(offered.commit, head);
        let landed = place.now(place.repository.forge.land(&target, &offered.commit, std::slice::from_ref(&offered)));
        assert_eq!(landed, Ok(Landing::Landed), "{style:?}");
        assert!(place.github.has_landed(offered.commit.as_str(), "main"), "{style:?}");
        assert_eq!(place.github.pulls()[0].state, "merged", "{style:?}");
        place.now(place.repository.forge.unpublish(&offered.branch, "T-1 is merged.")).unwrap();
        assert_eq!(place.github.pulls()[0].comments, [""; 0], "nobody is told what the page says already");
        assert_eq!(place.remote.git(&["branch", "--list", "downbeat/*"]), "");
    }
}

pub fn a_branch_that_somebody_pushed_to_does_not_land() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let (target, offered) = place.offer("downbeat/T-1", &head, Style::Squash);
    place.remote.commit("ben", "mine", &[("b", "mine\n")]);
    let theirs = place.remote.git(&["rev-parse", "main"]);
    place.remote.git(&["update-ref", "refs/heads/main", target.as_str()]);
    place.remote.git(&["update-ref", "refs/heads/downbeat/T-1", theirs.trim()]);
    let landed = place.now(place.repository.forge.land(&target, &offered.commit, std::slice::from_ref(&offered)));
    let (branch, head) = (offered.branch, theirs.trim().parse().unwrap());
    assert_eq!(landed, Ok(Landing::HeadMoved { branch, head }));
    assert_eq!(place.remote.git(&["rev-parse", "main"]).trim(), target.as_str());
    assert_eq!(place.github.pulls()[0].state, "open");
}

pub fn a_landing_that_is_repeated_lands_once() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let (target, offered) = place.offer("downbeat/T-1", &head, Style::Squash);
    for _ in 0..2 {
        let landed = place.now(place.repository.forge.land(&target, &offered.commit, std::slice::from_ref(&offered)));
        assert_eq!(landed, Ok(Landing::Landed));
    }
    assert_eq!(place.remote.git(&["rev-list", "--count", "main"]).trim(), "2");
}

pub fn heads_that_an_earlier_attempt_moved_are_our_own() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let (target, offered) = place.offer("downbeat/T-1", &head, Style::Squash);
    let hook = place.remote.path().join("hooks/update");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\n[ \"$1\" != refs/heads/main ] || { echo main is frozen; exit 1; }\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let land = |from, offered: &forge::Offered| {
        place.now(place.repository.forge.land(from, &offered.commit, std::slice::from_ref(offered)))
    };
    let refused = land(&target, &offered);
    assert!(matches!(&refused, Ok(Landing::Refused { why }) if why.contains("main is frozen")), "{refused:?}");
    assert_eq!(place.github.pulls()[0].sha, offered.commit.as_str(), "its head moved before the target was refused");
    std::fs::remove_file(&hook).unwrap();
    place.remote.commit("ben", "in between", &[("between", "x\n")]);
    let (target, again) = place.again(&offered, Style::Squash);
    assert_eq!(land(&target, &again), Ok(Landing::Landed));
    assert_eq!(place.github.pulls()[0].state, "merged");
}

/// Whoever deletes the branch closes the pull request; what was approved and is in line lands.
pub fn a_branch_that_is_gone_lands_what_was_approved() {
    let place = Place::new();
    let (_, head) = place.change("a");
    let (target, offered) = place.offer("downbeat/T-1", &head, Style::Squash);
    place.remote.git(&["update-ref", "-d", "refs/heads/downbeat/T-1"]);
    let landed = place.now(place.repository.forge.land(&target, &offered.commit, std::slice::from_ref(&offered)));
    assert_eq!(landed, Ok(Landing::Landed));
    assert!(place.github.has_landed(offered.commit.as_str(), "main"));
}
