//! Content by its hash, from whoever has it: mirrors carry bytes and are not believed.

use anyhow::{Result, bail};
use heliotrope_light_client::{
    native::NativePlatform,
    platform::{FetchRequest, Platform as _},
};

/// What `read` makes of the first mirror's bytes that it takes; mirrors that fail, or whose bytes it refuses, are
/// passed over.
///
/// # Errors
/// If no mirror has it.
pub(crate) async fn fetch<T>(
    mirrors: &[String],
    path: &str,
    read: impl Fn(Vec<u8>) -> Result<T>,
) -> Result<T> {
    let platform = NativePlatform::new(None)?;
    for mirror in mirrors {
        let url = format!("{}/{path}", mirror.trim_end_matches('/'));
        let request = FetchRequest { url: url.clone(), accept: "*/*", body: None };
        match platform.fetch(request).await {
            Ok(answer) if answer.status == 200 => match read(answer.body) {
                Ok(found) => return Ok(found),
                Err(error) => tracing::warn!(url, error = format!("{error:#}"), "mirror"),
            },
            Ok(answer) => tracing::warn!(url, status = answer.status, "mirror"),
            Err(error) => tracing::warn!(url, %error, "mirror"),
        }
    }
    bail!("{path}: not kept here, and none of {} mirrors has it", mirrors.len())
}
