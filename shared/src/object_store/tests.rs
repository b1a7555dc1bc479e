use super::*;
use crate::fixtures::{s3_answer, saved_key, store, temp_key, version};
use crate::object_key::SavedKey;
use aws_sdk_s3::operation::{
    delete_objects::DeleteObjectsOutput, head_object::HeadObjectOutput, put_object_tagging::PutObjectTaggingOutput,
};
use aws_smithy_mocks::{MockResponse, mock};
use std::sync::Mutex;

type Recorded<T> = Arc<Mutex<Vec<T>>>;

#[tokio::test]
async fn an_upload_that_is_not_there_is_none_and_a_refusal_is_an_error() {
    let missing = mock!(Client::head_object).then_http_response(|| s3_answer(404, None));
    assert!(store(&[&missing]).head(&temp_key()).await.unwrap().is_none());
    let refused = mock!(Client::head_object).then_http_response(|| s3_answer(403, None));
    assert_eq!(store(&[&refused]).head(&temp_key()).await.err().unwrap().status(), 500);
}

#[tokio::test]
async fn a_type_that_s3_made_up_is_no_type() {
    for (sent, expected) in [("binary/octet-stream", None), ("not a type", None), ("text/csv", Some("text/csv"))] {
        let rule = mock!(Client::head_object)
            .then_output(move || HeadObjectOutput::builder().content_type(sent).content_length(7).e_tag("e").build());
        let upload = store(&[&rule]).head(&temp_key()).await.unwrap().unwrap();
        assert_eq!(upload.mime_type.as_ref().map(MimeType::as_str), expected);
        assert_eq!((upload.size_bytes, upload.etag.as_str()), (7, "e"));
    }
}

#[tokio::test]
async fn the_index_tag_stays_when_a_file_turns_public_and_private_again() {
    let written: Recorded<Vec<(String, String)>> = Recorded::default();
    let record = Arc::clone(&written);
    let rule = mock!(Client::put_object_tagging).then_compute_output(move |put| {
        let tags = put.tagging().unwrap().tag_set().iter();
        record.lock().unwrap().push(tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect());
        PutObjectTaggingOutput::builder().build()
    });
    let objects = store(&[&rule]);
    let untagged = Version { index_tag: None, ..version(2) };
    for version in [version(1), untagged] {
        for access in [AccessControl::PublicRead, AccessControl::Private] {
            objects.set_access(std::slice::from_ref(&version), access).await.unwrap();
        }
    }
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let (index, public) = (tag("index_tag", "blue sky"), tag("access", "public-read"));
    assert_eq!(*written.lock().unwrap(), [vec![index.clone(), public.clone()], vec![index], vec![public], vec![]]);
}

#[tokio::test]
async fn tagging_reaches_every_version_and_passes_over_objects_that_are_gone() {
    let versions: Vec<_> = (1..=40).map(version).collect();
    let gone = saved_key(2).to_string();
    let rule = mock!(Client::put_object_tagging).then_compute_response(move |put| {
        if put.key() == Some(&gone) {
            MockResponse::Http(s3_answer(404, Some("NoSuchKey")))
        } else {
            MockResponse::Output(PutObjectTaggingOutput::builder().build())
        }
    });
    store(&[&rule]).set_access(&versions, AccessControl::PublicRead).await.unwrap();
    assert_eq!(rule.num_calls(), 40);
}

#[tokio::test]
async fn tagging_that_fails_otherwise_is_an_error() {
    for (status, code) in [(403, Some("AccessDenied")), (404, Some("NoSuchBucket")), (503, None)] {
        let rule = mock!(Client::put_object_tagging).then_http_response(move || s3_answer(status, code));
        let error = store(&[&rule]).set_access(&[version(1)], AccessControl::Private).await.unwrap_err();
        assert_eq!(error.status(), 500, "{code:?}");
    }
}

#[tokio::test]
async fn objects_are_deleted_at_most_1000_at_a_time() {
    let sizes: Recorded<usize> = Recorded::default();
    let record = Arc::clone(&sizes);
    let rule = mock!(Client::delete_objects).then_compute_output(move |request| {
        record.lock().unwrap().push(request.delete().unwrap().objects().len());
        DeleteObjectsOutput::builder().build()
    });
    let objects = store(&[&rule]);
    objects.delete(&[] as &[SavedKey]).await.unwrap();
    objects.delete(&(1..=2_001).map(saved_key).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(*sizes.lock().unwrap(), [1_000, 1_000, 1]);
}

#[tokio::test]
async fn an_object_that_s3_did_not_delete_is_an_error() {
    let rule = mock!(Client::delete_objects).then_output(|| {
        let error = aws_sdk_s3::types::Error::builder().key("k").code("InternalError").build();
        DeleteObjectsOutput::builder().errors(error).build()
    });
    assert_eq!(store(&[&rule]).delete(&[saved_key(1)]).await.unwrap_err().status(), 500);
}

#[tokio::test]
async fn an_upload_that_cannot_be_removed_is_left_to_the_lifecycle_rule() {
    let rule = mock!(Client::delete_object).then_http_response(|| s3_answer(403, Some("AccessDenied")));
    store(&[&rule]).delete_upload(&temp_key()).await;
    assert_eq!(rule.num_calls(), 1);
}
