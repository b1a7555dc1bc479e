//! Keeping objects as public, or as private, as their file says.

use crate::{
    error::ApiError,
    file::{AccessControl, File},
    file_store::FileStore,
    object_store::ObjectStore,
};

/// Tags the objects of every version as `file`, just read or written, says.
///
/// The file is read again after the tags are written: if somebody made it private in between, their tags came before
/// ours, so the tags are written again as the file says now. The last word is always the file's.
///
/// # Errors
/// 500 if a tag cannot be written.
pub async fn enforce(files: &FileStore, objects: &ObjectStore, mut file: File) -> Result<(), ApiError> {
    loop {
        objects.set_access(&file.versions, access_of(&file)).await?;
        match files.find(file.meta.id).await? {
            Some(now) if access_of(&now) != access_of(&file) || now.versions != file.versions => file = now,
            _ => return Ok(()),
        }
    }
}

/// A deleted file is nobody's to read, whatever it was before.
fn access_of(file: &File) -> AccessControl {
    if file.meta.deleted_at.is_some() { AccessControl::Private } else { file.meta.access_control }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{dynamodb, file, items, s3, version};
    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_sdk_s3::operation::put_object_tagging::PutObjectTaggingOutput;
    use aws_smithy_mocks::mock;
    use std::sync::{Arc, Mutex};

    fn with_access(access_control: AccessControl) -> File {
        let mut file = file();
        file.meta.access_control = access_control;
        file
    }

    /// Enforces `file` while the table says, one reading after the other, what `readings` are: the version number and
    /// the access of each tag written.
    async fn enforced(file: File, readings: Vec<Option<File>>) -> Vec<(u32, AccessControl)> {
        let expected_readings = readings.len();
        let readings = Arc::new(Mutex::new(readings.into_iter()));
        let query = mock!(aws_sdk_dynamodb::Client::query).then_compute_output(move |_| {
            let file = readings.lock().unwrap().next().unwrap();
            QueryOutput::builder().set_items(Some(file.as_ref().map(items).unwrap_or_default())).build()
        });
        let written = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&written);
        let tag = mock!(aws_sdk_s3::Client::put_object_tagging).then_compute_output(move |put| {
            let number = (1..9).find(|number| put.key() == Some(&version(*number).object_key.to_string())).unwrap();
            let public = put.tagging().unwrap().tag_set().iter().any(|tag| tag.key() == "access");
            let access = if public { AccessControl::PublicRead } else { AccessControl::Private };
            record.lock().unwrap().push((number, access));
            PutObjectTaggingOutput::builder().build()
        });
        let files = FileStore::with_client(dynamodb(&[&query]), "files");
        let objects = ObjectStore::with_client(s3(&[&tag]), "bucket");
        enforce(&files, &objects, file).await.unwrap();
        assert_eq!(query.num_calls(), expected_readings);
        written.lock().unwrap().clone()
    }

    use AccessControl::{Private, PublicRead};

    #[tokio::test]
    async fn a_file_that_did_not_change_meanwhile_is_tagged_once() {
        for access in [Private, PublicRead] {
            let file = with_access(access);
            assert_eq!(enforced(file.clone(), vec![Some(file)]).await, [(1, access)]);
        }
    }

    #[tokio::test]
    async fn a_file_that_turned_private_while_it_was_tagged_ends_private() {
        let (before, now) = (with_access(PublicRead), with_access(Private));
        let readings = vec![Some(now.clone()), Some(now)];
        assert_eq!(enforced(before, readings).await, [(1, PublicRead), (1, Private)]);
    }

    #[tokio::test]
    async fn a_public_file_that_was_deleted_ends_private() {
        let mut deleted = with_access(PublicRead);
        deleted.meta.deleted_at = Some("2026-01-02T00:00:00Z".into());
        assert_eq!(enforced(deleted.clone(), vec![Some(deleted.clone())]).await, [(1, Private)]);
        let readings = vec![Some(deleted.clone()), Some(deleted)];
        assert_eq!(enforced(with_access(PublicRead), readings).await, [(1, PublicRead), (1, Private)]);
    }

    #[tokio::test]
    async fn a_version_that_was_added_meanwhile_is_tagged_too() {
        let before = with_access(PublicRead);
        let mut now = before.clone();
        now.versions.insert(0, version(2));
        let mut written = enforced(before, vec![Some(now.clone()), Some(now)]).await;
        written.sort_by_key(|(number, _)| *number);
        assert_eq!(written, [(1, PublicRead), (1, PublicRead), (2, PublicRead)]);
    }

    #[tokio::test]
    async fn a_file_that_was_removed_meanwhile_needs_no_more_tags() {
        assert_eq!(enforced(with_access(PublicRead), vec![None]).await, [(1, PublicRead)]);
    }
}
