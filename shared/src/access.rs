//! Keeping objects as public, or as private, as their file says.

use crate::{
    error::ApiError,
    file::{AccessControl, Meta},
    file_store::{Change, FileStore},
    object_store::ObjectStore,
    table::{MAX_ATTEMPTS, Written, back_off},
};
use std::ops::RangeInclusive;

/// Tags the objects of a file as it says since it was written: those of its new versions, or of all versions if its
/// access changed. If its public access is about to end, its objects are hidden first, and then the file says so.
/// Returns the file as it is then.
///
/// The file is read again after the tags are written: if somebody changed it in between, their tags may have come
/// before ours, so the tags are written again as the file says now. The last word is always the file's.
///
/// # Errors
/// 500 if a tag or the file cannot be written.
pub async fn settle(
    files: &FileStore,
    objects: &ObjectStore,
    before: Option<&Meta>,
    mut meta: Meta,
) -> Result<Meta, ApiError> {
    let mut outdated = outdated_versions(before, &meta);
    for attempt in 0..MAX_ATTEMPTS {
        if outdated.is_empty() && meta.closing.is_none() {
            return Ok(meta);
        }
        let versions = files.versions_between(&meta, outdated.clone()).await?;
        let tagged = objects.set_access(&versions, meta.access_of_objects()).await;
        if let Some(closed) = meta.closed() {
            tagged?;
            let change = Change { before: Some(&meta), after: &closed, saved: &[], request: None };
            if files.commit(change).await? == Written::Stored {
                return Ok(closed);
            }
            back_off(attempt).await;
            let Some(now) = files.find_meta(meta.id).await? else { return Ok(meta) };
            (outdated, meta) = (outdated_versions(Some(&meta), &now), now);
            continue;
        }
        let Some(now) = files.find_meta(meta.id).await? else { return tagged.map(|()| meta) };
        outdated = outdated_versions(Some(&meta), &now);
        if outdated.is_empty() && now.closing.is_none() {
            return tagged.map(|()| now);
        }
        meta = now;
    }
    Err(ApiError::too_busy())
}

/// The numbers of the versions whose objects may have other tags than the file says `now`. Objects start private.
fn outdated_versions(before: Option<&Meta>, now: &Meta) -> RangeInclusive<u32> {
    let (access, tagged) = match before {
        Some(before) => (before.access_of_objects(), before.current_number()),
        None => (AccessControl::Private, 0),
    };
    let last = now.current_number();
    if now.closing.is_some() || access != now.access_of_objects() {
        1..=last
    } else if access == AccessControl::PublicRead {
        tagged + 1..=last
    } else {
        last + 1..=last
    }
}

#[cfg(test)]
mod tests;
