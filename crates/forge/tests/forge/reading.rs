//! What people and rules are shown of a commit.

use expect_test::expect;

use crate::world::worlds;

#[tokio::test]
async fn changes_and_patches_speak_of_every_path() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        world.commit(&ana, &[("keep", "1\n2\n3\n"), ("old", "a\nb\nc\nd\ne\n")]);
        world.git(&ana, &["mv", "old", "new"]);
        std::fs::write(ana.join("binary"), [0, 159, 146, 150]).unwrap();
        let head = world.commit(&ana, &[("keep", "1\ntwo\n3\n4\n")]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let repository = world.repository(&bare).await;
        repository.forge.target_head().await.unwrap();
        let base = world.sha(&ana, "HEAD~1");
        let changes = repository.mirror.changes(&base, &head).await.unwrap();
        let told: Vec<String> = changes.iter().map(|c| format!("{} +{} -{}", c.path, c.added, c.removed)).collect();
        assert_eq!(told, ["binary +0 -0", "keep +2 -1", "new +5 -0", "old +0 -5"]);

        let patch = repository.mirror.patch(&base, &head, 1 << 20).await.unwrap();
        assert!(patch.contains("-2\n+two\n 3\n+4\n"), "{patch}");
        let cut = repository.mirror.patch(&base, &head, 90).await.unwrap();
        expect![[r#"
            diff --git a/binary b/binary
            new file mode 100644
            index 0000000..e1bcee3
            (cut, because the whole is longer than 90 bytes)
        "#]]
        .assert_eq(&cut);
    }
}

#[tokio::test]
async fn only_regular_files_are_read_out_of_a_commit() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        std::os::unix::fs::symlink("/etc/passwd", ana.join("link")).unwrap();
        let head = world.commit(&ana, &[(".downbeat/config.toml", "checks = []\n"), ("large", &"x".repeat(2 << 20))]);
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let repository = world.repository(&bare).await;
        repository.forge.target_head().await.unwrap();
        let read = async |path: &str| repository.mirror.file_at(&head, path).await;
        assert_eq!(read(".downbeat/config.toml").await, Ok(Some(b"checks = []\n".to_vec())));
        for path in ["link", ".downbeat", "nothing", "nothing/at/all", "readme/x"] {
            assert_eq!(read(path).await, Ok(None), "{path}");
        }
        assert!(read("large").await.unwrap_err().to_string().contains("longer than"));
    }
}

#[tokio::test]
async fn ancestry_counts_a_commit_as_its_own_ancestor() {
    for world in worlds() {
        let (bare, ana) = world.bare_remote();
        let (root, head) = (world.sha(&ana, "HEAD"), world.commit(&ana, &[("a", "a\n")]));
        world.git(&ana, &["push", "--quiet", "origin", "main"]);
        let mirror = world.repository(&bare).await.mirror;
        mirror.sync().await.unwrap();
        let asked = [(&root, &head), (&head, &head), (&head, &root)];
        let mut answers = Vec::new();
        for (older, newer) in asked {
            answers.push(mirror.is_ancestor(older, newer).await.unwrap());
        }
        assert_eq!(answers, [true, true, false]);
        assert!(mirror.is_ancestor(&"1".repeat(40).parse().unwrap(), &head).await.is_err());
    }
}
