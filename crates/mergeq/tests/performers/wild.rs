//! Branches as a fleet might make them: edits, new files, renames, removals and modes, from targets old and new.

use domain::Sha;
use forge::Mirror;

use crate::world::World;

/// Numbers that are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

/// A file of which many lines are alike, so that there are several ways to say what changed in it.
pub(crate) fn text(n: usize) -> String {
    let block = |at: usize| format!("fn part_{n}_{at}() {{\n    work({at});\n}}\n\n");
    (0..8).map(block).collect()
}

/// Writes a commit of one to three random changes below `src` on `from` straight into the mirror.
pub(crate) async fn branch(world: &World, dice: &mut Dice, from: &Sha, name: &str) -> Sha {
    let mirror = world.repository().mirror;
    let mut files = mirror.files_in(from, "src").await.unwrap();
    let mut stream = format!(
        "commit refs/downbeat/tasks/{name}\nauthor {name} <{name}@example.org> 1600000000 +0000\n\
         committer {name} <{name}@example.org> 1600000000 +0000\ndata 4\nwork\nfrom {from}\n"
    );
    for n in 0..=dice.below(3) {
        let file = files.remove(dice.below(files.len()));
        stream += &change(&mirror, dice, from, &file, &format!("{name}_{n}")).await;
    }
    world.mirror_git("fast-import", &["--quiet", "--force"], &stream).await;
    world.mirror_git("rev-parse", &[&format!("refs/downbeat/tasks/{name}")], "").await.parse().unwrap()
}

async fn change(mirror: &Mirror, dice: &mut Dice, from: &Sha, file: &str, fresh: &str) -> String {
    let path = format!("src/{file}");
    let content = String::from_utf8(mirror.file_at(from, &path).await.unwrap().unwrap()).unwrap();
    let mut lines: Vec<&str> = content.lines().collect();
    let inserted = format!("    also({fresh});");
    let at = dice.below(lines.len());
    match dice.below(10) {
        0 => return format!("R {path} src/{fresh}.rs\n"),
        1 => return format!("D {path}\n"),
        2 => return whole(100_644, &format!("src/{fresh}.rs"), &text(at)),
        3 => return whole(100_755, &path, &content),
        4 | 5 => drop(lines.remove(at)),
        6 => lines.splice(at..at, ["}", ""]).for_each(drop),
        _ => lines.insert(at, &inserted),
    }
    whole(100_644, &path, &(lines.join("\n") + "\n"))
}

fn whole(mode: u32, path: &str, content: &str) -> String {
    format!("M {mode} inline {path}\ndata {}\n{content}\n", content.len())
}
