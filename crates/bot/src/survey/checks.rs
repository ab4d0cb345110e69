//! How a repository is usually checked, by the files at its root.

use std::path::Path;

use super::programs::NODE_MODULES;

/// A check that was guessed, with what it was guessed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCheck {
    /// A line for `sh -c`.
    pub command: String,
    /// What told so: `Cargo.toml`.
    pub because: &'static str,
}

/// A build file, and what checks a repository that has it. `says` is what must stand in it, where its being there does
/// not tell enough.
struct Habit {
    file: &'static str,
    says: &'static str,
    command: &'static str,
}

/// The first that fits counts. A `make check` or `make test` is the repository's own word for it, so it goes first.
const HABITS: &[Habit] = &[
    Habit { file: "Makefile", says: "\ncheck:", command: "make check" },
    Habit { file: "Makefile", says: "\ntest:", command: "make test" },
    Habit { file: "Cargo.toml", says: "", command: "cargo test" },
    Habit { file: "go.mod", says: "", command: "go test ./..." },
    Habit { file: "package.json", says: "\"test\"", command: "npm test" },
    Habit { file: "tox.ini", says: "pytest", command: "python3 -m pytest -q" },
    Habit { file: "pytest.ini", says: "", command: "python3 -m pytest -q" },
    Habit { file: "pyproject.toml", says: "pytest", command: "python3 -m pytest -q" },
    Habit { file: "setup.cfg", says: "pytest", command: "python3 -m pytest -q" },
    Habit { file: "pyproject.toml", says: "", command: "python3 -m unittest" },
    Habit { file: "setup.py", says: "", command: "python3 -m unittest" },
    Habit { file: "pom.xml", says: "", command: "mvn -q -o test" },
    Habit { file: "gradlew", says: "", command: "./gradlew --offline test" },
    Habit { file: "mix.exs", says: "", command: "mix test" },
    Habit { file: "Gemfile", says: "rspec", command: "bundle exec rspec" },
    Habit { file: "Rakefile", says: "test", command: "rake test" },
    Habit { file: "composer.json", says: "\"test\"", command: "composer test" },
    Habit {
        file: "CMakeLists.txt",
        says: "enable_testing",
        command: "cmake -B build . && cmake --build build && ctest --test-dir build",
    },
];

/// The check of the repository at `top`; none when nothing tells.
pub(super) fn find(top: &Path) -> Option<FoundCheck> {
    let fits = |habit: &&Habit| {
        let Ok(text) = std::fs::read_to_string(top.join(habit.file)) else { return false };
        // A target at the very beginning of a Makefile has no line before it.
        habit.says.is_empty() || format!("\n{text}").contains(habit.says)
    };
    let habit = HABITS.iter().find(fits)?;
    let modules = top.join(NODE_MODULES);
    let command = if habit.file == "package.json" && modules.is_dir() {
        // A check gets a copy of what git holds, and what was installed beside it is reached from there.
        let modules = modules.display().to_string().replace('\'', r"'\''");
        format!("[ -e {NODE_MODULES} ] || ln -s '{modules}' {NODE_MODULES}; {}", habit.command)
    } else {
        habit.command.to_owned()
    };
    Some(FoundCheck { command, because: habit.file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<String> {
        let top = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(top.path().join(name), text).unwrap();
        }
        find(top.path()).map(|check| format!("{} ({})", check.command, check.because))
    }

    #[test]
    fn a_repository_is_checked_as_its_files_say() {
        assert_eq!(found(&[("Cargo.toml", "")]).as_deref(), Some("cargo test (Cargo.toml)"));
        let own = [("Cargo.toml", ""), ("Makefile", "check: fmt\n\tcargo test\n")];
        assert_eq!(found(&own).as_deref(), Some("make check (Makefile)"));
        assert_eq!(found(&[("Makefile", "all:\n\tcc x.c\n")]), None);
        assert_eq!(
            found(&[("package.json", "{\"scripts\":{\"test\":\"node --test\"}}")]).as_deref(),
            Some("npm test (package.json)")
        );
        assert_eq!(found(&[("package.json", "{}")]), None);
        assert_eq!(
            found(&[("pyproject.toml", "[tool.pytest.ini_options]")]).as_deref(),
            Some("python3 -m pytest -q (pyproject.toml)")
        );
        assert_eq!(found(&[("README.md", "")]), None);
    }
}
