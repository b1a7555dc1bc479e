use super::*;
use crate::fixtures::logs;
use aws_smithy_types::body::SdkBody;
use std::fmt::Write;

/// A renderer that is this shell script; what `render` would be given are its arguments.
pub(crate) fn script(script: &str) -> Renderer {
    let limits = vec!["-c".into(), script.into()];
    Renderer { program: "/bin/sh".into(), max_source_bytes: 10, limits, patience: PATIENCE }
}

const SIZE: PreviewSize = PreviewSize { width: Some(200), height: None };

async fn rendered(by: &str, source: &'static [u8]) -> Result<Image, ApiError> {
    script(by).render(ByteStream::from_static(source), Some("latin1"), SIZE).await
}

async fn refusal(by: &str) -> (u16, String) {
    let error = rendered(by, b"source").await.unwrap_err();
    (error.status().as_u16(), error.to_string())
}

#[tokio::test]
async fn what_is_printed_is_the_image_and_how_it_begins_says_its_type() {
    let png = rendered(r"printf '\211PNG'; cat", b"source").await.unwrap();
    assert_eq!((png.mime_type(), png.bytes()), ("image/png", b"\x89PNGsource".as_slice()));
    let jpeg = rendered(r"cat >/dev/null; printf '\377\330\377'", b"source").await.unwrap();
    assert_eq!((jpeg.mime_type(), jpeg.bytes()), ("image/jpeg", b"\xff\xd8\xff".as_slice()));
}

#[tokio::test]
async fn each_way_to_end_has_its_reply() {
    assert_eq!(refusal("cat >/dev/null; exit 3").await.0, 415);
    let too_large = refusal("cat >/dev/null; echo it is too large >&2; exit 4").await;
    assert_eq!(too_large, (422, "Unprocessable Content: it is too large".to_owned()));
}

#[tokio::test]
async fn a_crash_is_a_422_and_the_log_has_what_was_said() {
    for signal in ["KILL", "ABRT", "SEGV"] {
        let (logs, _guard) = logs();
        let (status, sentence) = refusal(&format!("cat >/dev/null; echo secret >&2; kill -{signal} $$")).await;
        assert!(status == 422 && sentence.contains("could not be rendered"), "{signal}: {sentence}");
        assert!(logs.text().contains("secret") && logs.text().contains("signal"), "{}", logs.text());
    }
}

/// What `render` says when it does not start is in the cause, which is logged with every 500.
#[tokio::test]
async fn a_render_that_does_not_work_is_a_500_and_its_cause_has_what_was_said() {
    let loader = "render: /lib64/libc.so.6: version GLIBC_2.35 not found (required by render)";
    for end in ["exit 1", "exit 2", "exit 101", "exit 126", "exit 127", "exit 0", "echo text"] {
        let error = rendered(&format!("echo '{loader}' >&2; {end}"), b"source").await.unwrap_err();
        assert_eq!(error.status(), 500, "{end}");
        assert_eq!(error.to_string(), "Internal Server Error");
        assert!(std::error::Error::source(&error).unwrap().to_string().ends_with(loader), "{end}: {error:?}");
    }
}

#[tokio::test]
async fn one_that_says_more_than_is_kept_ends_as_it_would_have() {
    let error = rendered("head -c 1000000 /dev/zero >&2; exit 127", b"").await.unwrap_err();
    assert_eq!(error.status(), 500);
}

#[tokio::test]
async fn it_gets_the_size_the_charset_and_nothing_of_the_functions_environment() {
    let (_, sentence) = refusal(r#"cat >/dev/null; echo "$0 $@ $HOME$CARGO_MANIFEST_DIR." >&2; exit 4"#).await;
    assert_eq!(sentence, "Unprocessable Content: --width 200 --charset latin1 .");
}

#[tokio::test]
async fn a_source_that_is_not_read_to_its_end_is_no_error() {
    let source = ByteStream::from(vec![0; 1_000_000]);
    let error = script("exit 3").render(source, None, SIZE).await.unwrap_err();
    assert_eq!(error.status(), 415);
}

#[tokio::test]
async fn a_source_that_breaks_off_is_an_error_and_not_rendered() {
    let broken = ByteStream::new(SdkBody::taken());
    let error = script(r"cat >/dev/null; printf '\211PNG'").render(broken, None, SIZE).await.unwrap_err();
    assert_eq!(error.status(), 500);
}

/// The file does not fit into the pipe.
#[tokio::test]
async fn a_render_that_does_not_read_is_not_waited_for() {
    let renderer = Renderer { patience: Duration::from_millis(100), ..script("exec sleep 1000") };
    let error = renderer.render(ByteStream::from(vec![0; 1_000_000]), None, SIZE).await.unwrap_err();
    assert_eq!(error.status(), 500);
}

#[tokio::test]
async fn a_render_that_does_not_answer_is_not_waited_for() {
    let renderer = Renderer { patience: Duration::from_millis(100), ..script("exec sleep 1000") };
    let error = renderer.render(ByteStream::from_static(b""), None, SIZE).await.unwrap_err();
    assert_eq!(error.status(), 422);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error() {
    let renderer = Renderer { program: "/nowhere/render".into(), ..script("") };
    let error = renderer.render(ByteStream::from_static(b""), None, SIZE).await.unwrap_err();
    assert_eq!(error.status(), 500);
}

#[tokio::test]
async fn more_than_lambda_can_reply_with_is_no_image() {
    let png = |zeros| format!(r"cat >/dev/null; printf '\211PNG'; head -c {zeros} /dev/zero; exit 0");
    assert_eq!(rendered(&png(4_499_995), b"").await.unwrap().bytes().len(), 4_499_999);
    for zeros in [4_499_996, 5_000_000] {
        assert_eq!(refusal(&png(zeros)).await.0, 500, "{zeros}");
    }
}

#[test]
fn a_source_over_the_limit_is_refused_with_the_limit() {
    let renderer = script("");
    assert!(renderer.check_size(10).is_ok());
    let mut sentence = String::new();
    write!(sentence, "{}", renderer.check_size(11).unwrap_err()).unwrap();
    assert!(sentence.contains("10 bytes"), "{sentence}");
}
