//! Rendering, in a process of its own: the command `render`, which lies beside the function.
//!
//! Files are hostile, so whatever reads them gets nothing but their bytes: no environment, no credentials, no files, no
//! network, and an end to its time and memory. If it crashes, the function lives on.

use crate::{
    config::{self, ConfigError},
    error::ApiError,
    preview::PreviewSize,
};
use aws_smithy_types::byte_stream::ByteStream;
use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, Command},
};

/// How long `render` may take to read the file, and then to answer. It ends itself long before, unless something got
/// hold of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// A reply of Lambda's has 6 MB at most, and bytes in it are a third more. `render` keeps to less: what has this many
/// was cut off, or made by something else.
const MAX_IMAGE_BYTES: u64 = 4_500_000;
/// The sentences of `render` have less; what the system says of a `render` that does not start may have this.
const MAX_SAID_BYTES: u64 = 2_000;

/// What `render` exits with.
const RENDERED: i32 = 0;
const UNSUPPORTED: i32 = 3;
const REFUSED: i32 = 4;

/// The parameters of the deployment that `render` takes, and what it calls them.
const LIMITS: [(&str, &str); 6] = [
    ("PREVIEW_MAX_PIXELS", "--max-pixels"),
    ("PREVIEW_MAX_PAGES", "--max-pages"),
    ("PREVIEW_MAX_NESTING", "--max-nesting"),
    ("PREVIEW_MAX_EXPANDED_BYTES", "--max-expanded-bytes"),
    ("PREVIEW_MAX_MEMORY_BYTES", "--max-memory-bytes"),
    ("PREVIEW_MAX_TIME_MS", "--max-time-ms"),
];

/// An encoded preview, PNG or JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    mime_type: &'static str,
    bytes: Vec<u8>,
}

impl Image {
    /// `None` if the bytes do not begin as a PNG or a JPEG does.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Option<Self> {
        let mime_type = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            _ => return None,
        };
        Some(Self { mime_type, bytes })
    }

    /// Its MIME type.
    #[must_use]
    pub fn mime_type(&self) -> &'static str {
        self.mime_type
    }

    /// The whole image file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole image file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The command and its limits.
pub struct Renderer {
    program: PathBuf,
    max_source_bytes: u64,
    limits: Vec<String>,
    patience: Duration,
}

impl Renderer {
    /// The `render` beside this function's own binary, with the limits in `PREVIEW_MAX_…`.
    ///
    /// # Errors
    /// If one is not set, or not a number.
    pub fn from_env() -> Result<Self, ConfigError> {
        let program = std::env::current_exe().unwrap_or_default().with_file_name("render");
        let mut limits = Vec::new();
        for (name, flag) in LIMITS {
            limits.extend([flag.to_owned(), config::parsed::<u64>(name)?.to_string()]);
        }
        let max_source_bytes = config::parsed("PREVIEW_MAX_SOURCE_BYTES")?;
        Ok(Self { program, max_source_bytes, limits, patience: PATIENCE })
    }

    /// Refuses a file that is too large to be read.
    ///
    /// # Errors
    /// 422 if it is.
    pub fn check_size(&self, bytes: u64) -> Result<(), ApiError> {
        if bytes <= self.max_source_bytes {
            return Ok(());
        }
        let most = self.max_source_bytes;
        Err(ApiError::Unprocessable(format!("the file is too large for a preview; {most} bytes are the limit")))
    }

    /// Renders a preview of a file whose bytes come as they come; `charset` is the one declared for it.
    ///
    /// # Errors
    /// 415 for a type that has no previews; 422 for a file that is broken, encrypted or beyond the limits; 500 if its
    /// bytes do not come, or `render` does not work.
    pub async fn render(
        &self,
        source: ByteStream,
        charset: Option<&str>,
        size: PreviewSize,
    ) -> Result<Image, ApiError> {
        let mut child = self.command(charset, size).spawn().map_err(ApiError::internal)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ApiError::internal("render has no pipes"));
        };
        tokio::time::timeout(self.patience, feed(stdin, source))
            .await
            .map_err(|_| ApiError::internal("the file did not come in time, or render did not read it"))??;
        let answer = async {
            let (image, said) = tokio::join!(read(stdout, MAX_IMAGE_BYTES), read(stderr, MAX_SAID_BYTES));
            (child.wait().await, image, said)
        };
        let Ok((status, image, said)) = tokio::time::timeout(self.patience, answer).await else {
            return Err(could_not_render("it did not end", ""));
        };
        outcome(status.map_err(ApiError::internal)?, image, String::from_utf8_lossy(&said).trim())
    }

    fn command(&self, charset: Option<&str>, size: PreviewSize) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().args(&self.limits).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (flag, side) in [("--width", size.width), ("--height", size.height)] {
            if let Some(side) = side {
                command.args([flag, &side.to_string()]);
            }
        }
        if let Some(charset) = charset {
            command.args(["--charset", charset]);
        }
        command
    }
}

/// Hands the bytes on, all of them or until nobody reads them any more.
async fn feed(mut stdin: ChildStdin, mut source: ByteStream) -> Result<(), ApiError> {
    while let Some(chunk) = source.try_next().await.map_err(ApiError::internal)? {
        if stdin.write_all(&chunk).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// What comes, up to a limit; if it cannot be read, what there is of it says so itself. The rest is read too: a pipe
/// that is closed would end `render` by a signal.
async fn read(mut from: impl AsyncRead + Unpin, max_bytes: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = (&mut from).take(max_bytes).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    bytes
}

/// A signal is a crash, or a limit that the file met: the file's fault. Everything else that `render` does not name is
/// ours: one that cannot start exits with 1, 126 or 127, and the system says why.
fn outcome(status: ExitStatus, image: Vec<u8>, said: &str) -> Result<Image, ApiError> {
    match status.code() {
        Some(RENDERED) if (image.len() as u64) < MAX_IMAGE_BYTES => {
            Image::of(image).ok_or_else(|| ApiError::internal(format!("render rendered no image: {said}")))
        }
        Some(RENDERED) => Err(ApiError::internal("the image that render rendered is too large")),
        Some(UNSUPPORTED) => Err(ApiError::UnsupportedMediaType("there are no previews of files of this type")),
        Some(REFUSED) => Err(ApiError::Unprocessable(said.to_owned())),
        Some(_) => Err(ApiError::internal(format!("render did not work ({status}): {said}"))),
        None => Err(could_not_render(&status.to_string(), said)),
    }
}

fn could_not_render(why: &str, said: &str) -> ApiError {
    tracing::warn!(why, said, "render ended without an answer");
    ApiError::Unprocessable("the file could not be rendered; it is damaged, or too much for a preview".to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
