//! New versions of a file that is there: one, or a batch that is saved all or nothing.

use crate::{
    SaveFile,
    request::SaveRequest,
    source::{Fresh, Stage, Staged, Start},
};
use futures_util::future::join_all;
use shared::{
    ApiError,
    acl::Right,
    auth::Caller,
    file::File,
    file_store::{MAX_ATTEMPTS, Written, back_off},
    object_key::FileId,
};

impl SaveFile {
    /// Saves bytes as a file's newest versions and makes the changes asked for; uploads that are versions of it already
    /// are passed over.
    pub async fn add_versions(&self, caller: &Caller, id: FileId, save: &SaveRequest) -> Result<File, ApiError> {
        let starts = join_all(save.versions.iter().map(|wanted| self.start(caller, Some(id), wanted)));
        let (file, starts) = tokio::join!(self.files.load(caller, id, Right::Edit), starts);
        let checked = file.and_then(|file| save.changes.check_rights(caller, &file.meta).map(|()| file));
        let (before, fresh) = self.all_or_none(id, checked, starts).await?;
        let staged = join_all(fresh.into_iter().map(|fresh| self.stage(fresh))).await;
        let mut versions = Vec::new();
        for staged in staged {
            match staged? {
                Stage::Done(staged) => versions.push(*staged),
                Stage::SavedAs(saved_as) => only(id, saved_as)?,
            }
        }
        if versions.is_empty() {
            return self.update(caller, id, save).await;
        }
        self.commit_versions(caller, before, versions, save).await
    }

    /// The file and the bytes, if every one of them can be saved; else nothing is left of their marks.
    async fn all_or_none<'a>(
        &self,
        id: FileId,
        file: Result<File, ApiError>,
        starts: Vec<Result<Start<'a>, ApiError>>,
    ) -> Result<(File, Vec<Fresh<'a>>), ApiError> {
        let (mut fresh, mut refused) = (Vec::new(), None);
        for start in starts {
            let started = start.and_then(|start| match start {
                Start::Fresh(bytes) => Ok(Some(*bytes)),
                Start::SavedAs(saved_as) => only(id, saved_as).map(|()| None),
            });
            match started {
                Ok(bytes) => fresh.extend(bytes),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match (refused, file) {
            (None, Ok(file)) => Ok((file, fresh)),
            (Some(error), _) | (None, Err(error)) => {
                for bytes in &fresh {
                    self.files.abandon_save(&bytes.mark).await?;
                }
                Err(error)
            }
        }
    }

    /// Commits what is staged in one transaction, on top of whatever the file is by then.
    async fn commit_versions(
        &self,
        caller: &Caller,
        mut before: File,
        mut staged: Vec<Staged>,
        save: &SaveRequest,
    ) -> Result<File, ApiError> {
        let id = before.meta.id;
        for attempt in 0..MAX_ATTEMPTS {
            let next = before.versions.first().map_or(1, |latest| latest.number + 1);
            for (number, staged) in (next..).zip(&mut staged) {
                staged.version.number = number;
            }
            let Some(newest) = staged.last() else { return Ok(before) };
            let meta = if save.version_only {
                save.changes.apply_version_only(caller, &before.meta, newest)?
            } else {
                save.changes.apply_with(caller, &before.meta, newest)?
            };
            self.hide_first(&before, &meta).await?;
            let saved: Vec<_> = staged.iter().map(|staged| (staged.version.clone(), staged.mark.clone())).collect();
            if self.files.commit(Some(&before.meta), &meta, &saved).await? == Written::Stored {
                let versions = staged.iter().rev().map(|staged| staged.version.clone()).chain(before.versions);
                let file = File { meta, versions: versions.collect() };
                return self.finish(&staged, save, file).await;
            }
            staged = self.not_saved_meanwhile(caller, id, staged).await?;
            back_off(attempt).await;
            before = self.files.load(caller, id, Right::Edit).await?;
        }
        Err(ApiError::too_busy())
    }

    /// Those that a quicker save has not made versions of the file.
    async fn not_saved_meanwhile(
        &self,
        caller: &Caller,
        id: FileId,
        staged: Vec<Staged>,
    ) -> Result<Vec<Staged>, ApiError> {
        let mut left = Vec::new();
        for staged in staged {
            match self.saved_meanwhile(&staged.mark).await? {
                None => left.push(staged),
                Some(saved_as) => {
                    only(id, saved_as)?;
                    self.yield_to(caller, id, &staged.version).await?;
                }
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
