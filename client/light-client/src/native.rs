//! A [`Platform`] of HTTP and files.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use heliotrope_verifier::consensus::UnixSeconds;

use crate::platform::{FetchRequest, FetchResponse, MAX_BODY_BYTES, Platform, PlatformError};

/// Seconds after which a request is given up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// HTTP by `reqwest`, storage in a folder, the system's clock.
#[derive(Clone, Debug)]
pub struct NativePlatform {
    client: reqwest::Client,
    folder: PathBuf,
}

impl NativePlatform {
    /// Keeps what is stored in `folder`, which is made when first needed.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be set up.
    pub fn new(folder: PathBuf) -> Result<Self, PlatformError> {
        let client = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|e| PlatformError(e.to_string()))?;
        Ok(Self { client, folder })
    }

    fn path(&self, key: &str) -> PathBuf {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        self.folder.join(key.chars().map(safe).collect::<String>())
    }
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
        match tokio::fs::read(self.path(key)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn store(&self, key: &str, value: Vec<u8>) -> Result<(), PlatformError> {
        tokio::fs::create_dir_all(&self.folder).await.map_err(failed)?;
        let path = self.path(key);
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
}
