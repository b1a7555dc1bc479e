use crate::fixtures::{s3_answer, saved_key, store, temp_key};
use aws_sdk_s3::{
    Client,
    operation::{delete_objects::DeleteObjectsOutput, list_objects_v2::ListObjectsV2Output},
    types::Object,
};
use aws_smithy_mocks::mock;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn bytes_that_are_gone_or_others_by_now_are_none_and_a_refusal_is_an_error() {
    for (status, code) in [(404, "NoSuchKey"), (412, "PreconditionFailed")] {
        let gone = mock!(Client::get_object)
            .match_requests(|get| get.if_match() == Some("\"e\""))
            .then_http_response(move || s3_answer(status, Some(code)));
        assert!(store(&[&gone]).read(&temp_key(), Some("\"e\"")).await.unwrap().is_none(), "{code}");
    }
    let refused = mock!(Client::get_object).then_http_response(|| s3_answer(403, Some("AccessDenied")));
    assert_eq!(store(&[&refused]).read(&temp_key(), None).await.err().unwrap().status(), 500);
}

/// A page of a listing, with these keys.
fn page(keys: &'static [&'static str], next: Option<&str>) -> ListObjectsV2Output {
    let objects = keys.iter().map(|key| Object::builder().key(*key).build()).collect();
    let page = ListObjectsV2Output::builder().set_contents(Some(objects)).is_truncated(next.is_some());
    page.set_next_continuation_token(next.map(str::to_owned)).build()
}

#[tokio::test]
async fn all_previews_of_each_version_are_removed_page_after_page() {
    let prefix = |number| format!("previews/123/00000000-0000-4000-8000-{number:012}/");
    let first = mock!(Client::list_objects_v2)
        .match_requests(move |list| list.prefix() == Some(&prefix(1)) && list.continuation_token().is_none())
        .then_output(|| page(&["a", "b"], Some("more")));
    let rest = mock!(Client::list_objects_v2)
        .match_requests(|list| list.continuation_token() == Some("more"))
        .then_output(|| page(&["c"], None));
    let second = mock!(Client::list_objects_v2)
        .match_requests(move |list| list.prefix() == Some(&prefix(2)))
        .then_output(|| page(&[], None));
    let removed = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&removed);
    let delete = mock!(Client::delete_objects).then_compute_output(move |delete| {
        let keys = delete.delete().unwrap().objects().iter().map(|object| object.key().to_owned());
        record.lock().unwrap().extend(keys);
        DeleteObjectsOutput::builder().build()
    });
    let objects = store(&[&first, &rest, &second, &delete]);
    objects.delete_previews(&[saved_key(1), saved_key(2)]).await.unwrap();
    assert_eq!(*removed.lock().unwrap(), ["a", "b", "c"]);
    assert_eq!((second.num_calls(), delete.num_calls()), (1, 2), "an empty list needs no removal");
}

#[tokio::test]
async fn previews_that_may_still_be_there_are_an_error() {
    let refused = mock!(Client::list_objects_v2).then_http_response(|| s3_answer(403, Some("AccessDenied")));
    assert_eq!(store(&[&refused]).delete_previews(&[saved_key(1)]).await.unwrap_err().status(), 500);
}
