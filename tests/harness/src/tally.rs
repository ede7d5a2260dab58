//! Counting what passed: every suite prints its own lines, this adds them up.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

/// Results of one step, or of all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Not run, for a reason that was said.
    pub skipped: u64,
}

impl Counts {
    const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };

    const fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// How to read counts in what a program prints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// The step itself is the test: its exit status.
    ExitStatus,
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`, once for each test binary.
    CargoTest,
    /// `30 tests passed, 0 failed, 0 skipped`.
    Forge,
    /// `# pass 4`, `# fail 0`, `# skipped 0`.
    NodeTest,
    /// `N passed, N failed, N skipped`.
    Plain,
}

/// All steps so far.
#[derive(Debug, Default)]
pub struct Tally {
    total: Counts,
    broken: Vec<String>,
}

impl Tally {
    /// Runs one step and counts it. What it printed is shown if it failed.
    pub fn run(&mut self, name: &str, format: Format, command: &mut Command) {
        eprint!("· {name} … ");
        let started = Instant::now();
        let output = command.stdin(Stdio::null()).output();
        let (good, text) = match output {
            Ok(output) => (
                output.status.success(),
                [output.stdout, output.stderr]
                    .map(|b| String::from_utf8_lossy(&b).into_owned())
                    .join("\n"),
            ),
            Err(error) => (false, error.to_string()),
        };
        let mut counts = format.read(&text);
        if good && counts == Counts::default() {
            counts = Counts::PASSED;
        }
        if !good && counts.failed == 0 {
            counts.add(Counts::FAILED);
        }
        let Counts { passed, failed, skipped } = counts;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("{passed} passed, {failed} failed, {skipped} skipped ({seconds:.1} s)");
        if !good {
            eprintln!("{}", tail(&text));
        }
        self.record(name, counts);
    }

    /// Counts a check that ran in this process.
    pub fn check(&mut self, name: &str, outcome: anyhow::Result<()>) {
        match outcome {
            Ok(()) => {
                eprintln!("· {name} … 1 passed, 0 failed, 0 skipped");
                self.record(name, Counts::PASSED);
            }
            Err(error) => self.fail(name, &error),
        }
    }

    fn record(&mut self, name: &str, counts: Counts) {
        if counts.failed > 0 {
            self.broken.push(name.to_owned());
        }
        self.total.add(counts);
    }

    /// Counts something that was not run, and says why.
    pub fn skip(&mut self, name: &str, why: &str) {
        eprintln!("· {name}: skipped, {why}");
        self.record(name, Counts { skipped: 1, ..Counts::default() });
    }

    /// Counts an error that stopped a group of steps.
    pub fn fail(&mut self, name: &str, error: &anyhow::Error) {
        eprintln!("· {name}: {error:#}");
        self.record(name, Counts::FAILED);
    }

    /// Prints the end; whether all is well.
    #[must_use]
    pub fn close(self) -> bool {
        for name in &self.broken {
            println!("failed: {name}");
        }
        let Counts { passed, failed, skipped } = self.total;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        failed == 0
    }
}

impl Format {
    fn read(self, text: &str) -> Counts {
        let mut counts = Counts::default();
        for line in text.lines() {
            counts.add(self.read_line(line.trim()).unwrap_or_default());
        }
        counts
    }

    fn read_line(self, line: &str) -> Option<Counts> {
        let words: Vec<&str> = line.split([' ', ';', ',', '.']).filter(|w| !w.is_empty()).collect();
        let before = |word: &str| {
            let at = words.iter().position(|w| *w == word)?;
            words.get(at.checked_sub(1)?)?.parse().ok()
        };
        match self {
            Self::ExitStatus => None,
            Self::CargoTest => line.strip_prefix("test result:").and(Some(Counts {
                passed: before("passed")?,
                failed: before("failed")?,
                skipped: before("ignored")?,
            })),
            Self::Forge => line.contains("total tests").then_some(()).and(Some(Counts {
                // "Ran 3 test suites in …: 30 tests passed, 0 failed, 0 skipped (30 total tests)"
                passed: before("tests").or_else(|| before("passed"))?,
                failed: before("failed")?,
                skipped: before("skipped")?,
            })),
            Self::NodeTest => {
                let number = || words.get(2)?.parse().ok();
                match *words.get(..2)? {
                    ["#" | "ℹ", "pass"] => {
                        Some(Counts { passed: number()?, ..Counts::default() })
                    }
                    ["#" | "ℹ", "fail"] => {
                        Some(Counts { failed: number()?, ..Counts::default() })
                    }
                    ["#" | "ℹ", "skipped"] => {
                        Some(Counts { skipped: number()?, ..Counts::default() })
                    }
                    _ => None,
                }
            }
            Self::Plain => (words.len() == 6).then_some(()).and(Some(Counts {
                passed: before("passed")?,
                failed: before("failed")?,
                skipped: before("skipped")?,
            })),
        }
    }
}

/// The end of a long text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn closing_lines_are_read() {
        let line = "test result: ok. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(Format::CargoTest.read(line), counts(3, 1, 2));
        let line = "Ran 3 test suites in 343.01ms (565.45ms CPU time): 30 tests passed, 0 failed, 0 skipped (30 total tests)";
        assert_eq!(Format::Forge.read(line), counts(30, 0, 0));
        assert_eq!(Format::NodeTest.read("ℹ pass 4\nℹ fail 1\n# skipped 2"), counts(4, 1, 2));
        assert_eq!(Format::Plain.read("28 passed, 0 failed, 1 skipped"), counts(28, 0, 1));
        assert_eq!(
            Format::Plain.read("a line about 3 passed, 0 failed, 1 skipped"),
            counts(0, 0, 0)
        );
    }
}
