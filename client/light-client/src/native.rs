//! A [`Platform`] of HTTP and files.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use heliotrope_verifier::consensus::UnixSeconds;

use crate::platform::{
    FetchRequest, FetchResponse, MAX_BODY_BYTES, Platform, PlatformError, Progress,
};

/// Seconds after which a request is given up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// HTTP by `reqwest`, storage in a folder, the system's clock.
#[derive(Clone)]
pub struct NativePlatform {
    client: reqwest::Client,
    folder: Option<PathBuf>,
    began: Instant,
    watcher: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl fmt::Debug for NativePlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativePlatform").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl NativePlatform {
    /// Keeps what is stored in `folder`, which is made when first needed; without one, nothing is kept.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be set up.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where time enters")]
    pub fn new(folder: Option<PathBuf>) -> Result<Self, PlatformError> {
        let client = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|e| PlatformError(e.to_string()))?;
        Ok(Self { client, folder, began: Instant::now(), watcher: Arc::new(drop) })
    }

    /// Tells `watcher` what the engine does.
    #[must_use]
    pub fn watched_by(mut self, watcher: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.watcher = Arc::new(watcher);
        self
    }
}

fn file_name(key: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    key.chars().map(safe).collect()
}

fn failed(error: impl core::fmt::Display) -> PlatformError {
    PlatformError(error.to_string())
}

impl Platform for NativePlatform {
    async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, PlatformError> {
        let builder = match request.body {
            Some(body) => {
                self.client.post(&request.url).header("content-type", "application/json").body(body)
            }
            None => self.client.get(&request.url),
        };
        let mut response = builder.header("accept", request.accept).send().await.map_err(failed)?;
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
        let is_json = header("content-type").is_some_and(|t| t.starts_with("application/json"));
        let consensus_version = header("eth-consensus-version").map(str::to_owned);
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY_BYTES {
                return Err(PlatformError(format!(
                    "{}: answer longer than {MAX_BODY_BYTES} bytes",
                    request.url
                )));
            }
        }
        Ok(FetchResponse { status, is_json, consensus_version, body })
    }

    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        match tokio::fs::read(folder.join(file_name(key))).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn store(&self, key: &str, value: Vec<u8>) -> Result<(), PlatformError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        let path = folder.join(file_name(key));
        // written beside and renamed, so that a power cut leaves the old or the new, never half
        let beside = path.with_extension("new");
        tokio::fs::write(&beside, value).await.map_err(failed)?;
        tokio::fs::rename(&beside, &path).await.map_err(failed)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where time enters")]
    fn now(&self) -> UnixSeconds {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        UnixSeconds(since.map_or(0, |d| d.as_secs()))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> Result<[u8; 32], PlatformError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn progress(&self, progress: Progress) {
        (self.watcher)(progress);
    }
}
