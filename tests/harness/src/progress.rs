//! One line a step: what happens, and how long it took.

use std::time::Instant;

use anyhow::Result;

/// Prints steps as they are done.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Begins to count.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }

    /// Does one step.
    pub fn step<T>(&self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = self.begin(what);
        let done = work();
        end(begun, done.is_ok());
        done
    }

    /// Does one step that waits.
    pub async fn step_async<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let begun = self.begin(what);
        let done = work.await;
        end(begun, done.is_ok());
        done
    }

    fn begin(&self, what: &str) -> Instant {
        eprint!("[{:6.1} s] {what} … ", self.started.elapsed().as_secs_f64());
        Instant::now()
    }
}

fn end(begun: Instant, good: bool) {
    let word = if good { "" } else { "failed after " };
    eprintln!("{word}{:.1} s", begun.elapsed().as_secs_f64());
}
