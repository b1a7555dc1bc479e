//! New versions of a file that is there: one, or a batch that is saved all or nothing.

use crate::{
    SaveFile,
    incoming::{Incoming, Looked},
    request::{SaveRequest, Source},
};
use futures_util::future::{join_all, try_join_all};
use shared::{
    ApiError,
    acl::Right,
    auth::Caller,
    file::{ENTITY_VERSIONS, File, Meta, Version},
    file_store::Change,
    object_key::FileId,
    table::{MAX_ATTEMPTS, Written, back_off},
    upload_mark::Pending,
};

/// Versions whose bytes are at their permanent keys, oldest first, and where the newest was fetched from.
struct Brought {
    versions: Vec<(Version, Pending)>,
    source_url: Option<String>,
}

impl SaveFile {
    /// Saves bytes as a file's newest versions and makes the changes asked for; uploads that are versions of it already
    /// are passed over.
    pub async fn add_versions(&self, caller: &Caller, id: FileId, save: &SaveRequest) -> Result<File, ApiError> {
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(file) = self.made_before(caller, save).await? {
                return Ok(file);
            }
            let (file, incoming) = self.look_at_all(caller, id, save).await?;
            if incoming.is_empty() {
                return self.update(caller, id, save).await;
            }
            let source_url = incoming.last().and_then(Incoming::source_url);
            let brought = try_join_all(incoming.into_iter().map(|incoming| self.bring(incoming))).await?;
            if let Some(versions) = brought.into_iter().collect() {
                return self.commit_versions(caller, file, Brought { versions, source_url }, save).await;
            }
            back_off(attempt).await;
        }
        Err(ApiError::too_busy())
    }

    /// The file, and the bytes that are new to it. Whatever can be refused is refused here, before any bytes are
    /// copied.
    async fn look_at_all<'a>(
        &self,
        caller: &Caller,
        id: FileId,
        save: &'a SaveRequest,
    ) -> Result<(File, Vec<Incoming<'a>>), ApiError> {
        let load = self.files.load(caller, id, Right::Edit);
        let look = join_all(save.versions.iter().map(|wanted| self.look(caller, wanted)));
        // Nothing is fetched for somebody who has no right to the file.
        let (file, looked) = if save.versions.iter().any(|wanted| matches!(wanted.source, Source::Url(_))) {
            let file = load.await?;
            save.changes.check_rights(caller, &file.meta)?;
            (file, look.await)
        } else {
            let (file, looked) = tokio::join!(load, look);
            (file?, looked)
        };
        let mut incoming = Vec::new();
        for looked in looked {
            match looked? {
                Looked::New(bytes) => incoming.push(*bytes),
                Looked::SavedAs(saved_as) => only(id, saved_as)?,
            }
        }
        let numbered = (file.meta.current_number() + 1..).zip(&mut incoming);
        for (number, incoming) in numbered {
            incoming.version.number = number;
        }
        if let Some(newest) = incoming.last() {
            self.with_newest(caller, &file.meta, save, &newest.version, newest.source_url())?;
        }
        Ok((file, incoming))
    }

    /// The file with this as its newest version and the changes asked for.
    fn with_newest(
        &self,
        caller: &Caller,
        before: &Meta,
        save: &SaveRequest,
        newest: &Version,
        source_url: Option<String>,
    ) -> Result<Meta, ApiError> {
        if newest.number > self.max_versions {
            return Err(ApiError::Conflict("the file has as many versions as it may have; save a new file instead"));
        }
        if save.version_only {
            save.changes.apply_version_only(caller, before, newest)
        } else {
            save.changes.apply_with(caller, before, newest, source_url)
        }
    }

    /// Commits new versions in one transaction, on top of whatever the file is by then.
    async fn commit_versions(
        &self,
        caller: &Caller,
        mut before: File,
        mut brought: Brought,
        save: &SaveRequest,
    ) -> Result<File, ApiError> {
        let id = before.meta.id;
        for attempt in 0..MAX_ATTEMPTS {
            let next = before.meta.current_number() + 1;
            for (number, (version, _)) in (next..).zip(&mut brought.versions) {
                version.number = number;
            }
            let Some((newest, _)) = brought.versions.last() else { return Ok(before) };
            let meta = self.with_newest(caller, &before.meta, save, newest, brought.source_url.clone())?;
            let meta = before.meta.step_towards(meta);
            let (saved, request) = (&brought.versions, save.idempotency.as_ref());
            let change = Change { before: Some(&before.meta), after: &meta, saved, request };
            if self.files.commit(change).await? == Written::Stored {
                let new = brought.versions.into_iter().rev().map(|(version, _)| version);
                let versions = new.chain(before.versions).take(ENTITY_VERSIONS).collect();
                return self.finish(Some(&before.meta), File { meta, versions }, save).await;
            }
            back_off(attempt).await;
            if let Some(file) = self.made_before(caller, save).await? {
                return Ok(file);
            }
            brought.versions = self.not_saved_meanwhile(id, brought.versions).await?;
            before = self.files.load(caller, id, Right::Edit).await?;
        }
        Err(ApiError::too_busy())
    }

    /// Those that a quicker save has not made versions of the file.
    async fn not_saved_meanwhile(
        &self,
        id: FileId,
        versions: Vec<(Version, Pending)>,
    ) -> Result<Vec<(Version, Pending)>, ApiError> {
        let mut left = Vec::new();
        for (version, pending) in versions {
            match self.saved_as(&pending).await? {
                None => left.push((version, pending)),
                Some(saved_as) => only(id, saved_as)?,
            }
        }
        Ok(left)
    }
}

/// An upload becomes a version of one file only.
fn only(id: FileId, saved_as: FileId) -> Result<(), ApiError> {
    if saved_as == id {
        Ok(())
    } else {
        Err(ApiError::Conflict("this upload is already saved as another file; upload it again"))
    }
}
